"""`slipway compare A B --log`: what another version would have answered to what servers were asked, and when that is evidence enough."""

import re

import numpy as np
import pytest

from slipway import store
from slipway.cli.main import main
from slipway.errors import DataError
from slipway.publish.comparison import compare
from slipway.publish.paired import evidence, paired_difference
from slipway.publish.shared_rows import _drawn
from slipway.store.requestlog import open_log
from tests.conftest import trained
from tests.test_drift_log import logged

pytestmark = pytest.mark.slow

ROWS = 400


@pytest.fixture(scope="module")
def challenger() -> str:
    """A version that is worse than `insurance`, under a name of its own."""
    return trained("insurance", "--include", "dt", "--folds", "2", "--name", "challenger")


@pytest.fixture(scope="module")
def asked(insurance, tmp_path_factory) -> tuple[str, str]:
    return logged(insurance, tmp_path_factory.mktemp("asked"), ROWS, untold=10)


def test_a_log_gives_the_differences_of_a_table_of_what_came_true(insurance, challenger, asked):
    log, table = asked
    first, second = store.open_version(insurance), store.open_version(challenger)

    of_log, of_table = compare(first, second, log=log), compare(first, second, table)

    assert of_log.differences == of_table.differences and of_log.differences[0].rows == ROWS - 10
    assert of_log.predictions.accepted == ROWS and of_log.predictions.rows == f"requests of {log}"
    assert of_table.evidence == ()
    for one, proof in zip(of_log.differences, of_log.evidence, strict=True):
        assert proof.low < one.low < one.difference < one.high < proof.high


def test_it_is_said_whether_the_evidence_suffices(insurance, challenger, asked, capsys):
    log, _ = asked

    assert main(["compare", insurance, challenger, "--log", log, "--since", "2026-01-01"]) == 0

    said = capsys.readouterr().out
    assert f"predictions for {ROWS} requests of {log}" in said
    assert "looked at again and again, with 95% at all looks together" in said
    assert re.search(
        r"absolute error  difference \S+ to \S+: (the (first|second) is better|the evidence does not suffice; it)", said
    )


def test_requests_without_outcomes_show_what_would_have_been_answered(insurance, challenger, asked, tmp_path):
    log = open_log(tmp_path / "log")
    log.check()
    rows = [
        line for path in (tmp_path.parent / asked[0]).glob("requests-*") for line in path.read_bytes().splitlines(True)
    ]
    log.append(b"".join(rows))

    found = compare(store.open_version(insurance), store.open_version(challenger), log=str(tmp_path / "log"))

    assert found.differences == found.evidence == () and found.predictions.accepted == ROWS
    assert "errors on the same rows: no outcome of these requests was told (`POST /outcome`)" in found.missing


def test_requests_to_other_models_do_not_count(insurance, challenger, diabetes, asked):
    with pytest.raises(DataError, match=r"of its 0 requests to diabetes, none is accepted by both versions"):
        compare(store.open_version(diabetes), store.open_version(diabetes), log=asked[0])


def test_since_needs_a_log(insurance, challenger, capsys):
    assert main(["compare", insurance, challenger, "--since", "2026-01-01"]) == 1
    assert "--since: belongs to --log" in capsys.readouterr().err


def wrong_at_some_look(seed: int, looks: range) -> tuple[bool, bool]:
    """Whether the interval excludes zero at some look, although there is no difference: Student's, and ours."""
    off = np.random.default_rng(seed).exponential(1, looks.stop) - 1
    nothing = np.zeros(len(off))
    student = sequence = False
    for rows in looks:
        one = paired_difference("squared error", nothing[:rows], off[:rows])
        student |= not one.low < 0 < one.high
        sequence |= evidence("squared error", nothing[:rows], off[:rows]).suffices
    return student, sequence


def test_the_interval_is_right_at_all_looks_together_which_students_is_not():
    found = np.array([wrong_at_some_look(seed, range(100, 3000, 50)) for seed in range(300)])

    student, sequence = found.mean(axis=0)
    assert student > 0.15
    assert sequence <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_rows_that_are_needed_are_those_from_which_the_evidence_suffices():
    off = np.random.default_rng(0).normal(0, 1, 60)
    off = (off - off.mean()) / off.std(ddof=1) + 0.1
    found = evidence("squared error", np.zeros(60), off)
    assert not found.suffices and found.low < 0 < found.high

    def as_many(rows: int) -> bool:
        """Whether so many rows of the same mean and spread suffice."""
        more = np.tile([-1.0, 1.0], rows)[:rows]
        more = (more - more.mean()) / more.std(ddof=1) + 0.1
        return evidence("squared error", np.zeros(rows), more).suffices

    assert as_many(found.needed) and not as_many(found.needed - 1)
    assert evidence("squared error", np.zeros(60), np.zeros(60)).needed is None
    assert evidence("squared error", np.zeros(29), np.ones(29)) is None


def test_of_many_rows_each_is_as_likely_to_be_drawn():
    rows = [{"record": number} for number in range(10_000)]

    drawn = [row["record"] for row in _drawn(iter(rows), 2_000)]

    assert len({*drawn}) == 2_000 and _drawn(iter(rows[:5]), 2_000) == rows[:5]
    assert abs(np.mean(drawn) - 5_000) < 4 * 10_000 / np.sqrt(12 * 2_000)
