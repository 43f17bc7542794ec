"""docs/compile-coverage.md: it says for every case what the compiler does today."""

import pytest

from scripts import coverage
from slipway.compile.registry import CLASSIFIERS, REGRESSORS
from slipway.training.selection import experiment_class

pytestmark = pytest.mark.slow

LINES = coverage.written()
SAMPLE = [
    ("huber", "numbers", "huber"),
    ("dt", "three classes", "dt"),
    ("gbc", "two classes", "gbc"),
    ("normalize_method=robust", "people", "dt"),
    ("max_encoding_ohe=3 (target encoding)", "people", "ridge"),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_file_has_a_line_for_every_case_and_no_other():
    wanted = [coverage.subject(coverage.line(coverage.Result(case, ""))) for case in coverage.cases()]

    assert list(LINES) == wanted and len(wanted) > 100


@pytest.mark.parametrize(
    ("task", "listed"), [("regression", coverage.REGRESSORS), ("classification", coverage.CLASSIFIERS)]
)
def test_every_estimator_of_pycarets_list_is_a_case(task, listed):
    experiment = experiment_class(task)()
    known = coverage.learnt("numbers" if task == "regression" else "two classes")
    experiment.setup(
        data=known.inputs.assign(target=known.target), target="target", html=False, verbose=False, system_log=False
    )

    assert set(experiment.models(internal=True).query("not Special").index) <= set(listed)


def test_what_is_listed_as_compiled_has_a_converter_and_what_has_one_is_listed():
    listed = {cells(line)[3].strip("`") for line in LINES.values() if cells(line)[4] != "–"}
    estimators = {name for name in listed if "." in name}

    registered = REGRESSORS.keys() | CLASSIFIERS.keys()
    assert estimators <= registered
    assert len(estimators) > 40


def test_enough_is_compiled():
    """The bar: 22 of 24 regressors, 16 of 17 classifiers, and all but three options."""
    parts = {part: [cells(line) for line in LINES.values() if cells(line)[1] == part] for part in coverage.TABLES}
    failed = [row for rows in parts.values() for row in rows if row[4] == "–"]
    regressors = {row[0] for row in failed if row[0] in coverage.REGRESSORS and row[1] == "numbers"}
    classifiers = {row[0] for row in failed if row[0] in coverage.CLASSIFIERS and "classes" in row[1]}
    options = {row[0] for row in failed if row[1] == "people" and "=drop" not in row[0]}

    assert len(regressors) <= 2 and len(classifiers) <= 1 and len(options) <= 3


def test_after_a_stop_only_what_this_commit_has_not_tried_is_tried():
    first, second, third, *_ = coverage.cases()
    lines = [coverage.line(coverage.Result(case, "A"), at) for case, at in ((first, "1a2b3c4"), (second, "0ld0ld0"))]
    known = {coverage.subject(line): line for line in lines}

    assert coverage.remaining([], known, "1a2b3c4")[:2] == [second, third]
    assert coverage.remaining([], known, "1a2b3c4+")[0] == first  # nobody knows which files were changed
    assert first in coverage.remaining([first.name], known, "1a2b3c4")


@pytest.mark.parametrize("wanted", SAMPLE, ids=[f"{name}, {table}" for name, table, _ in SAMPLE])
def test_a_sample_is_as_the_file_says(wanted):
    case = next(case for case in coverage.cases() if (case.name, case.table, case.estimator) == wanted)

    result = coverage.run(case)

    said = cells(LINES[coverage.subject(coverage.line(result))])
    assert result.reason is None and result.largest <= 1e-5
    assert said[3] == f"`{result.kind}`" and said[4] == f"{result.rows:,}"
