"""FastAPI with the same body and no model: what the framework alone costs."""

from bench.peers.api import app
from bench.peers.body import Body


@app.post("/predict")
async def predict(body: Body) -> dict[str, list[float]]:
    return {"predictions": [0.0] * len(body.records)}
