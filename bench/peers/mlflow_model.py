"""Saves a fitted PyCaret pipeline as a model of MLflow: `python -m bench.peers.mlflow_model PIPELINE FOLDER`."""

import sys
from pathlib import Path

import cloudpickle
import mlflow.sklearn

if __name__ == "__main__":
    pipeline, folder = sys.argv[1:]
    with Path(pipeline).open("rb") as file:
        mlflow.sklearn.save_model(cloudpickle.load(file), folder, serialization_format="cloudpickle")
