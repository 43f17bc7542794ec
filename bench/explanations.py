"""How good explanations are, and how long they take: `python -m bench.explanations`.

Trains models in a store of its own. It explains records with backgrounds of training rows and of drawn rows, and prints how
far a contribution is off from 500 training rows, as a share of the record's largest contribution, beside the error that is
stated. Then it explains records from the leaves of trees and by mixed rows, in turns, and a file of 20,000 rows.
"""

import math
import os
import tempfile
import time
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
FORMER_ROWS = 32_768
"""Rows that sampling evaluated for a record before trees were explained by their leaves."""
FILE_ROWS = 20_000

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
        explainer = self.explainer(background, rows=ORDERS_ROWS)
        return np.array(list(explainer.shares(self.checked(RECORDS))), dtype="float64")[:, 1:]

    def explainer(self, background: pd.DataFrame, **options: Any) -> Any:
        """What explains with the rows of `background`."""
        from slipway.inference.shapley import Explainer

        return Explainer(self.predictor, self.columns(background), **options)

    def checked(self, rows: int) -> Any:
        """As many records to explain, repeated where there are fewer."""
        from slipway.schema.schema import Checked

        columns = {name: np.resize(column, rows) for name, column in self.records.items()}
        return Checked(columns, [[] for _ in range(rows)])

    def explained(self, background: pd.DataFrame) -> tuple[Floats, Floats]:
        """Contributions and stated errors of records drawn from the schema, each of shape (n_records, n_fields)."""
        from slipway.schema.sampling import draw_records

        explainer = self.explainer(background, rows=ORDERS_ROWS)
        answers = [explainer.explain(record) for record in draw_records(self.predictor.schema, RECORDS, seed=5)]
        shares, errors = (
            np.array([[each[key] for each in answer["contributions"]] for answer in answers])
            for key in ("contribution", "standard_error")
        )
        return shares, errors

    def columns(self, rows: pd.DataFrame) -> Any:
        """Rows as the background's file gives them back."""
        from slipway.store import read_background, write_background

        fields = self.predictor.schema.fields
        with tempfile.TemporaryDirectory() as folder:
            write_background(Path(folder), rows, fields)
            return read_background("made:1", Path(folder), fields)

    def drawn(self, count: int, seed: int) -> pd.DataFrame:
        """A background as `slipway train` draws it, with as many rows."""
        from slipway.schema.schema import Checked
        from slipway.training.background import draw_background, thin

        pool = draw_background(self.learnt, self.importance, seed)
        answers = self.predictor.predict_arrays(Checked(self.columns(pool), [[] for _ in range(len(pool))]))
        return thin(pool, self.learnt, self.importance, answers, count)

    def kept(self) -> pd.DataFrame:
        """The background that `slipway train` keeps: fewer rows where trees have very many leaves."""
        from slipway.publish.version import background

        return background(self.learnt, self.importance, training_rows=False, predictor=self.predictor)


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
        "32 drawn rows": lambda seed: one.drawn(32, seed),
        "64 drawn rows": lambda seed: one.drawn(64, seed),
        "128 drawn rows": lambda seed: one.drawn(128, seed),
        "500 other training rows": lambda seed: rows.sample(500, random_state=100 + seed),
    }
    found = {}
    for name, background in backgrounds.items():
        off = [np.abs(one.contributions(background(seed)) - wanted) / largest for seed in range(SEEDS)]
        found[name] = float(np.mean([np.median(part) for part in off])), float(np.mean([part.max() for part in off]))
    return found


def stated(one: Subject) -> tuple[float, float]:
    """The error that is stated with 64 drawn rows, relative to the largest contribution, and what the true one is of it.

    The first is a median; the second relates the root mean squares of both.
    """
    wanted, _ = one.explained(one.learnt.inputs.sample(REFERENCE_ROWS, random_state=7))
    shares, errors = one.explained(one.drawn(64, 0))
    largest = np.abs(wanted).max(axis=1, keepdims=True)
    return float(np.median(errors / largest)), math.sqrt(float(((shares - wanted) ** 2).mean() / (errors**2).mean()))


def taken(one: Subject) -> dict[str, str]:
    """Milliseconds for a record now and before, in turns; by how much the sum is off; the seconds of a file."""
    from slipway.schema.sampling import draw_records

    background = one.kept()
    ways = {
        "now": one.explainer(background),
        "before": one.explainer(background, rows=FORMER_ROWS, use_trees=False),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    off = 0.0
    for record in draw_records(one.predictor.schema, RECORDS, seed=5):
        for name, explainer in ways.items():
            began = time.perf_counter()
            answer = explainer.explain(record)
            times[name].append(1000 * (time.perf_counter() - began))
            if name == "now":
                total = math.fsum([answer["base"], *(each["contribution"] for each in answer["contributions"])])
                off = max(off, abs(total - answer["prediction"]) / max(abs(answer["prediction"]), abs(answer["base"])))
    began = time.perf_counter()
    rows = FILE_ROWS if ways["now"].is_fast else FILE_ROWS // 40
    list(ways["now"].shares(one.checked(rows)))
    seconds = time.perf_counter() - began
    ratios = np.array(times["before"]) / np.array(times["now"])
    return {
        "background rows": str(len(background)),
        "before, ms": f"{np.median(times['before']):.1f}",
        "now, ms": f"{np.median(times['now']):.1f}",
        "ratio": f"{np.median(ratios):.1f}",
        "sum off by": f"{off:.0e}",
        "file": f"{seconds:.0f} s for {rows:,} rows",
    }


def scikit_learns(path: Path, classes: bool) -> None:
    """1,000 rows with 20 numbers, as scikit-learn makes them."""
    from sklearn.datasets import make_classification, make_regression

    X, y = (
        make_classification(1_000, 20, n_informative=8, random_state=0)
        if classes
        else make_regression(1_000, 20, n_informative=10, noise=10, random_state=0)
    )
    frame = pd.DataFrame(X.round(4), columns=[f"x{place}" for place in range(20)])
    frame.assign(y=np.array(["no", "yes"])[y] if classes else y.round(3)).to_csv(path, index=False)


def timed_subjects(folder: Path) -> dict[str, Subject]:
    """Models whose explanations are timed."""
    numbers, classes = folder / "numbers.csv", folder / "classes.csv"
    scikit_learns(numbers, classes=False)
    scikit_learns(classes, classes=True)
    made = ("--target", "y", "--folds", "2", "--include")
    return {
        "diabetes, rf": subject("diabetes", "--include", "rf", "--folds", "2"),
        "20 numbers, gbr": subject("--data", str(numbers), *made, "gbr"),
        "20 numbers, rf": subject("--data", str(numbers), *made, "rf"),
        "20 numbers, two classes, gbc": subject("--data", str(classes), *made, "gbc"),
        "20 numbers, two classes, rf": subject("--data", str(classes), *made, "rf"),
    }


def main() -> None:
    """Print Markdown tables."""
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
        errors = {name: stated(one) for name, one in tables.items()}
        timed = {"insurance, gbr": tables["insurance"], **timed_subjects(Path(folder))}
        times = {name: taken(one) for name, one in timed.items()}
    print(f"\nmedian and largest difference from {REFERENCE_ROWS} training rows, {RECORDS} records, {SEEDS} seeds\n")
    print("| background | " + " | ".join(found) + " |\n|---|" + "---:|" * len(found))
    for name in next(iter(found.values())):
        cells = (f"{100 * median:.1f} %, {100 * most:.0f} %" for median, most in (of[name] for of in found.values()))
        print(f"| {name} | {' | '.join(cells)} |")
    cells = (f"{100 * median:.1f} %, {share:.2f}" for median, share in errors.values())
    print(f"| error stated with 64 drawn rows (median), and what the true one is of it | {' | '.join(cells)} |\n")
    heads = list(next(iter(times.values())))
    print(f"| one explanation | {' | '.join(heads)} |\n|---|" + "---:|" * len(heads))
    for name, row in times.items():
        print(f"| {name} | {' | '.join(row.values())} |")


if __name__ == "__main__":
    main()
