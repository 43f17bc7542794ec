"""Listing the store: nothing is served from what is listed here, so files are not checked."""

import datetime as dt
from dataclasses import dataclass

import bentoml

from slipway.errors import HistoryError
from slipway.store.artifacts import FORMAT
from slipway.store.history import History, read_history
from slipway.store.summary import Summary, format_of
from slipway.store.versions import names, version_names

OLDEST = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Listed:
    """A version as it stands in the store, its files not checked.

    `summary` is None if its model.yaml cannot be read, which `problem` then says, and if this project
    did not save it.
    """

    version: str
    created: dt.datetime = OLDEST
    summary: Summary | None = None
    problem: str = ""


def list_versions(name: str, most: int | None = None) -> tuple[list[Listed], int]:
    """The newest versions of a name. Damaged ones are included, because nothing is served from them.

    Parameters
    ----------
    name : str
    most : int, optional
        The largest number of versions to return.

    Returns
    -------
    versions : list
        Newest first.
    others : int
        The number of further versions.
    """
    known = version_names(name)
    versions = [_listed(name, version) for version in known[:most]]
    versions.sort(key=lambda item: item.created, reverse=True)
    return versions, len(known) - len(versions)


def _listed(name: str, version: str) -> Listed:
    try:
        model = bentoml.models.get(f"{name}:{version}")
        if (format := format_of(model)) > FORMAT:
            return Listed(version, model.creation_time, problem=f"its format {format} is later than {FORMAT}")
        summary = Summary.of(model) if "estimator" in model.info.labels else None
    except Exception:  # a damaged model.yaml raises whatever its reader raises
        return Listed(version, problem="its model.yaml cannot be read")
    return Listed(version, model.creation_time, summary)


def list_models() -> list[str]:
    """One line for each version in the store, newest first, under a heading."""
    rows = [("MODEL", "TASK", "TARGET", "ESTIMATOR", "METRIC", "ENGINE", "AGE", "STATUS")]
    listed, problems = [], []
    for name in names():
        try:
            history = read_history(name)
        except HistoryError as exc:
            history = History()
            problems.append(str(exc))
        listed += [(f"{name}:{item.version}", item, history.status(item.version)) for item in list_versions(name)[0]]
    problems += [f"{tag}  {item.problem}" for tag, item, _ in listed if item.problem]
    for tag, item, status in sorted(listed, key=lambda one: one[1].created, reverse=True):
        if (summary := item.summary) is None:
            continue
        score = f"{summary.metric} {summary.score:.4g}"
        age = _age(dt.datetime.now(dt.UTC) - item.created)
        rows.append((tag, summary.task, summary.target, summary.estimator, score, summary.engine, age, status or ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + problems


def _age(age: dt.timedelta) -> str:
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if age.total_seconds() >= seconds:
            return f"{int(age.total_seconds() // seconds)} {unit}"
    return f"{max(0, int(age.total_seconds()))} s"
