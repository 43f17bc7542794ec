"""FastAPI with the same body and no model: what the framework alone costs."""

from fastapi import FastAPI

from bench.peers.body import Body

app = FastAPI()


@app.get("/readyz")
async def readyz() -> str:
    return "ready"


@app.post("/predict")
async def predict(body: Body) -> dict[str, list[float]]:
    return {"predictions": [0.0] * len(body.records)}
