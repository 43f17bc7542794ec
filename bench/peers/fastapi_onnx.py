"""FastAPI that runs the graph of the very version that Slipway serves (`BENCH_GRAPH`), without checks, log or metrics."""

import os
from pathlib import Path

import numpy as np

from bench.peers.api import app
from bench.peers.body import Body
from slipway.inference.onnx_engine import session

running = session(Path(os.environ["BENCH_GRAPH"]).read_bytes())
inputs = [(item.name, object if "string" in item.type else np.float64) for item in running.get_inputs()]


@app.post("/predict")
async def predict(body: Body) -> dict[str, list[float]]:
    columns = zip(*(record.model_dump().values() for record in body.records), strict=True)
    feed = {name: np.array(column, dtype) for (name, dtype), column in zip(inputs, columns, strict=True)}
    return {"predictions": running.run(["value"], feed)[0].tolist()}
