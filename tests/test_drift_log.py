"""`slipway drift --log`: what servers were asked against the training of a version; the same figures as of a table of it."""

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest

from slipway import store
from slipway.cli.main import main
from slipway.errors import DataError, RequestLogError
from slipway.publish.drift import measure
from slipway.publish.drift.measure import drift, drift_of_log
from slipway.publish.drift.report import NotCompared
from slipway.publish.drift.text import lines
from slipway.store.requestlog import Outcome, RowWriter, open_log
from tests.test_drift import TABLE, column, saved

ROWS = 300


def logged(tag: str, folder: Path, rows: int, untold: int = 0) -> tuple[str, str]:
    """A log of so many people as records with what they cost, but for the first ones; and a table of those of whom it was told."""
    people = pd.read_csv(TABLE).iloc[:rows]
    version = store.open_version(tag)
    records = json.loads(people.drop(columns="charges").to_json(orient="records"))
    answers = store.load_predictor(version).answer(records)["predictions"]
    log = open_log(folder / "log")
    log.check()
    log.append(RowWriter(tag, version.schema()).rows("r", records, answers))
    costs = [*enumerate(people["charges"].tolist())]
    log.add_outcomes([Outcome("r", position, cost) for position, cost in costs[untold:]])
    return str(folder / "log"), saved(people.iloc[untold:], folder / "people.csv")


@pytest.fixture(scope="module")
def asked(insurance, tmp_path_factory) -> tuple[str, str]:
    return logged(insurance, tmp_path_factory.mktemp("asked"), ROWS)


def test_a_log_and_a_table_of_the_same_rows_give_the_same_figures(insurance, asked):
    log, table = asked
    version = store.open_version(insurance)

    of_log, of_table = drift_of_log(version, log), drift(version, table)

    assert (of_log.rows, of_log.scored) == (ROWS, ROWS)
    assert of_log.columns == of_table.columns
    assert of_log.estimated == of_table.estimated and of_log.measured == of_table.measured
    assert column(of_log, "charges", "target").bars


def test_only_requests_from_a_time_on_are_compared(insurance, asked, capsys):
    log, _ = asked
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(1)).date()

    assert main(["drift", insurance, "--log", log, "--since", "2026-01-01"]) in (0, 4)
    assert f"{ROWS} rows of {log} against the 1,338" in capsys.readouterr().out
    assert main(["drift", insurance, "--log", log, "--since", str(tomorrow)]) == 1
    assert f"has no request to insurance since {tomorrow} 00:00 UTC" in capsys.readouterr().err


def test_without_private_fields_there_are_no_predictions_and_the_report_says_so(insurance, asked, monkeypatch):
    log, _ = asked
    monkeypatch.setattr(measure, "not_logged", lambda schema: ["sex"])

    report = drift_of_log(store.open_version(insurance), log)

    assert {(one.name, one.of) for one in report.columns} == {
        *((name, "field") for name in ("age", "bmi", "children", "smoker", "region")),
        ("charges", "target"),
    }
    assert report.estimated == report.measured == () and report.ignored == ("sex",)
    assert NotCompared("log_lacks_fields", ("sex",)) in report.missing
    assert "  predictions and their errors: a log of requests has no values of sex" in lines(report)


def test_a_log_that_does_not_fit_is_named(insurance, asked, tmp_path, capsys):
    log, table = asked
    version = store.open_version(insurance)
    with pytest.raises(RequestLogError, match=str(tmp_path / "none")):
        drift_of_log(version, str(tmp_path / "none"))
    other = open_log(tmp_path / "other")
    other.check()
    other.append((next(Path(log).glob("requests-*"))).read_bytes().replace(b'"model":"insurance:', b'"model":"cars:'))
    with pytest.raises(DataError, match="has no request to insurance; it has some of cars"):
        drift_of_log(version, str(tmp_path / "other"))

    assert main(["drift", insurance, "--data", table, "--since", "2026-01-01"]) == 1
    assert "--since: belongs to --log" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["drift", insurance, "--log", log, "--since", "yesterday"])
    assert "'yesterday' is no time; expected one such as 2026-11-01" in capsys.readouterr().err
