"""FastAPI and the fitted PyCaret pipeline of the very version that Slipway serves (`BENCH_PIPELINE`)."""

import os
import warnings
from pathlib import Path

import cloudpickle
import pandas as pd

from bench.peers.api import app
from bench.peers.body import Body

warnings.simplefilter("ignore")
with Path(os.environ["BENCH_PIPELINE"]).open("rb") as file:
    pipeline = cloudpickle.load(file)


@app.post("/predict")
async def predict(body: Body) -> dict[str, list[float]]:
    # Async although it computes: PyCaret's pipelines do not promise to be safe on several threads.
    frame = pd.DataFrame([record.model_dump() for record in body.records])
    return {"predictions": pipeline.predict(frame).tolist()}
