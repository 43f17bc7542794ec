"""FastAPI and scikit-learn, written by hand: one-hot and gradient boosting on the insurance table."""

from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from bench.peers.api import app
from bench.peers.body import Body
from slipway.tables.readers import read_table
from slipway.training import usecase

source = usecase.read(Path(__file__).parents[2] / "slipway" / "training" / "samples" / "insurance.yaml").data
assert source is not None  # noqa: S101 (the use case that comes with Slipway names its table)
table = read_table(source).frame
model = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["sex", "smoker", "region"]), remainder="passthrough"),
    GradientBoostingRegressor(random_state=123),
).fit(table.drop(columns="charges"), table["charges"])


@app.post("/predict")
async def predict(body: Body) -> dict[str, list[float]]:
    frame = pd.DataFrame([record.model_dump() for record in body.records])
    return {"predictions": model.predict(frame).tolist()}
