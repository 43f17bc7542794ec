"""What one row costs for which a forest is certain and wrong: `python -m bench.quality.certainty`.

On the splits of anes96 that the bench would draw: the log loss of scikit-learn's logistic regression, with the answers on a scale as
numbers and as categories, and of extra trees, with and without the rows whose class they give a probability of exactly zero.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench.quality.__main__ import parts
from bench.quality.tables import TABLES, frame

SPLITS = 20
TABLE = "anes96"
SCALES = ["TVnews", "selfLR", "ClinLR", "DoleLR", "PID", "educ"]
"""Columns of few small whole numbers, which training reads as categories."""


def main() -> None:
    target = TABLES[TABLE].target
    found = []
    with tempfile.TemporaryDirectory() as folder:
        frame(TABLES[TABLE]).to_csv(Path(folder) / f"{TABLE}.csv", index=False)
        for seed in range(SPLITS):
            train, test = parts(Path(folder), TABLE, seed)
            losses = []
            for model in _models(seed):
                given = model.fit(train.drop(columns=target), train[target]).predict_proba(test.drop(columns=target))
                own = np.where(test[target] == 1, given[:, 1], given[:, 0])
                each = -np.log(np.maximum(own, np.finfo("float64").eps))
                losses.append((each.mean(), each[own > 0].mean(), (own == 0).sum()))
            found.append(losses)
    for name, (loss, others, rows) in zip(
        ("numbers", "categories", "extra trees"), np.mean(found, axis=0), strict=True
    ):
        print(
            f"{name:12} {loss:.4f}, {others:.4f} without the {rows * SPLITS:.0f} rows in {SPLITS} splits that have zero"
        )


def _models(seed: int) -> tuple[Pipeline, ...]:
    def encoded(rest: Any) -> ColumnTransformer:
        return make_column_transformer((OneHotEncoder(handle_unknown="ignore"), SCALES), remainder=rest)

    linear = LogisticRegression(max_iter=1000)
    return (
        make_pipeline(StandardScaler(), linear),
        make_pipeline(encoded(StandardScaler()), linear),
        make_pipeline(encoded("passthrough"), ExtraTreesClassifier(100, random_state=seed)),
    )


if __name__ == "__main__":
    main()
