"""What the FastAPI peers have in common: a way to ask whether they are ready."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/readyz")
async def readyz() -> str:
    return "ready"
