"""How well explanations with few background rows repeat those with 500 training rows: `python -m bench.explanations`.

Trains three models in a store of its own, explains records with backgrounds of training rows and of drawn
rows, and prints a table: how far a contribution is off, as a share of the record's largest contribution.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

REFERENCE_ROWS = 500
RECORDS = 25
SEEDS = 3
ORDERS_ROWS = 65_536
"""Rows that sampling evaluates here, so that the error of sampling orders is small beside that of the background."""

Floats = npt.NDArray[np.float64]


def made_table(path: Path) -> None:
    """A table with many categories: five columns with 4 to 60 of them, three numbers, a date, gaps."""
    rng, rows = np.random.default_rng(1), 2_000
    share = 1 / np.arange(1, 61) ** 1.1
    city = rng.choice(60, rows, p=share / share.sum())
    brand, plan = rng.integers(0, 25, rows), rng.integers(0, 40, rows)
    income, age = np.exp(rng.normal(10, 0.6, rows)).round(), rng.integers(18, 80, rows)
    height = rng.normal(170, 9, rows).round(1)
    weight = (height - 100 + rng.normal(0, 8, rows)).round(1)
    cost = rng.normal(0, 8, 60)[city] + 10 * np.log(income / 2e4) + 0.2 * age * (brand < 12) + 0.3 * weight
    weight[rng.random(rows) < 0.1] = np.nan
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    pd.DataFrame(
        {
            "city": [f"city {one}" for one in city],
            "region": [f"region {one % 7}" for one in city],
            "brand": [f"brand {one}" for one in brand],
            "plan": [f"plan {one}" for one in plan],
            "grade": rng.choice(list("ABCD"), rows, p=[0.7, 0.2, 0.09, 0.01]),
            "income": income,
            "age": age,
            "height": height,
            "weight": weight,
            "day": day.strftime("%Y-%m-%d"),
            "cost": (cost + rng.normal(0, 2, rows)).round(2),
        }
    ).to_csv(path, index=False)


@dataclass(frozen=True)
class Subject:
    """A trained version, what was learnt from its table, and records to explain."""

    predictor: Any
    learnt: Any
    importance: dict[str, float]
    records: Any

    def contributions(self, background: pd.DataFrame) -> Floats:
        """Of shape (n_records, n_fields)."""
        from slipway.inference.shapley import Explainer
        from slipway.schema.schema import Checked

        explainer = Explainer(self.predictor, self.columns(background), ORDERS_ROWS)
        explained = explainer.shares(Checked(self.records, [[] for _ in range(RECORDS)]))
        return np.array(list(explained), dtype="float64")[:, 1:]

    def columns(self, rows: pd.DataFrame) -> Any:
        """Rows as the background's file gives them back."""
        from slipway.store import read_background, write_background

        fields = self.predictor.schema.fields
        with tempfile.TemporaryDirectory() as folder:
            write_background(Path(folder), rows, fields)
            return read_background("made:1", Path(folder), fields)

    def drawn(self, count: int, seed: int) -> pd.DataFrame:
        """A background as `slipway train` draws it."""
        from slipway.schema.schema import Checked
        from slipway.training.background import draw_background, thin

        pool = draw_background(self.learnt, self.importance, seed)
        answers = self.predictor.predict_arrays(Checked(self.columns(pool), [[] for _ in range(len(pool))]))
        return thin(pool, self.learnt, self.importance, answers, count)


def subject(*arguments: str) -> Subject:
    """Train as `slipway train ARGUMENTS` does."""
    from slipway import store
    from slipway.cli.main import build_parser
    from slipway.cli.train import resolve
    from slipway.publish.train import fit, from_setup, read

    case = resolve(build_parser().parse_args(["train", *arguments]))
    version = store.find(fit(case))
    _, learnt, _ = read(from_setup(case))
    found = Subject(store.load_predictor(version), learnt, version.metrics().importance, None)
    records = learnt.inputs.sample(RECORDS, random_state=99)
    return Subject(found.predictor, learnt, found.importance, found.columns(records))


def measure(one: Subject) -> dict[str, tuple[float, float]]:
    """The median and the largest difference for each background, means over the seeds."""
    rows = one.learnt.inputs
    wanted = one.contributions(rows.sample(REFERENCE_ROWS, random_state=7))
    largest = np.abs(wanted).max(axis=1, keepdims=True)
    backgrounds: dict[str, Callable[[int], pd.DataFrame]] = {
        "64 training rows": lambda seed: rows.sample(64, random_state=seed),
        "64 drawn rows": lambda seed: one.drawn(64, seed),
        "128 drawn rows": lambda seed: one.drawn(128, seed),
        "500 other training rows": lambda seed: rows.sample(500, random_state=100 + seed),
    }
    found = {}
    for name, background in backgrounds.items():
        off = [np.abs(one.contributions(background(seed)) - wanted) / largest for seed in range(SEEDS)]
        found[name] = float(np.mean([np.median(part) for part in off])), float(np.mean([part.max() for part in off]))
    return found


def main() -> None:
    """Print a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENTOML_HOME"] = folder
        made = Path(folder) / "made.csv"
        made_table(made)
        tables = {
            "insurance": subject("insurance", "--include", "gbr", "--folds", "2"),
            "diabetes": subject("diabetes", "--include", "gbc", "--folds", "2"),
            "many categories": subject(
                "--data", str(made), "--target", "cost", "--include", "lightgbm", "--folds", "2"
            ),
        }
        found = {name: measure(one) for name, one in tables.items()}
    print(f"\nmedian and largest difference from {REFERENCE_ROWS} training rows, {RECORDS} records, {SEEDS} seeds\n")
    print("| background | " + " | ".join(found) + " |\n|---|" + "---:|" * len(found))
    for name in next(iter(found.values())):
        cells = (f"{100 * median:.1f} %, {100 * most:.0f} %" for median, most in (of[name] for of in found.values()))
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
