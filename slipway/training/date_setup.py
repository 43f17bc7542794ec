"""What PyCaret's `setup()` is told of dates and times."""

from typing import Any

import pandas as pd
from sklearn.preprocessing import FunctionTransformer

from slipway.schema.schema import Schema
from slipway.training.schema_inference import InferredDataset


def without_gaps(schema: Schema) -> dict[str, Any]:
    """`setup()` options that fill in missing dates with the median date before PyCaret splits dates up.

    Its own imputers come later and handle only numbers, and PyCaret omits a date's features for any
    batch in which more than a tenth of the rows lack the date: always for a single record without it.
    The step is pandas' own, so that the saved pipeline needs nothing of ours.
    """
    fills = {
        field.pipeline_name: pd.Timestamp(field.default)
        for field in schema.fields
        if field.kind in ("date", "datetime") and field.nullable
    }
    if not fills:
        return {}
    step = FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": fills})
    return {"custom_pipeline": [("missing_dates", step)], "custom_pipeline_position": 0}


def clock_features(learnt: InferredDataset) -> dict[str, Any]:
    """`setup()` options that make features of the time of day, too, where an input has one."""
    moments = [learnt.inputs[field.name].dropna() for field in learnt.schema.fields if field.kind == "datetime"]
    if not moments:
        return {}
    clock = ["hour", "minute"] if any((column.dt.minute != 0).any() for column in moments) else ["hour"]
    return {"create_date_columns": ["day", "month", "year", *clock]}
