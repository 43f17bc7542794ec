"""Trains a model again on another table, as a version was trained: with its use case, options and decisions on columns."""

from dataclasses import replace

from pydantic import ValidationError

from slipway.errors import ModelDamagedError, StoreError, first_line
from slipway.publish.train import fit
from slipway.store import Version
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource
from slipway.training.comparison import Runner
from slipway.training.usecase.file import adapter


def retrain(version: Version, data: str, promote: bool = False, runner: Runner | None = None) -> str:
    """Train on another table as the version was trained, and serve the new version if it is at least as good.

    Columns that the version does not use are left out. What is found on the way, and why the new version is not served, is said
    on standard output, as by `slipway train`.

    Parameters
    ----------
    version : Version
    data : str
        The table, in any form that training reads.
    promote : bool
        Whether it is served in any case.
    runner : Runner, optional
        What tries the estimators; this process without one.

    Returns
    -------
    str
        The tag of the new version.

    Raises
    ------
    StoreError
        If the version does not know its use case.
    DataError, UseCaseError, TrainingError
        As of a training.
    """
    stored = version.usecase()
    if stored is None:
        raise StoreError(
            f"{version.tag} does not know how it was trained, since it is from before versions kept their use case, or from a "
            f"notebook; train it with its use case: `slipway train {version.name} --data {data}`"
        )
    try:
        case = adapter().validate_python({**stored, "name": version.name})
    except ValidationError as exc:
        raise ModelDamagedError(version.tag, f"usecase.json: {first_line(str(exc))}") from exc
    source = DataSource(data)
    columns = read_table(source, case.reading, sample=True).frame.columns
    used = {*case.fields, case.target.column, case.groups, case.time}
    case = replace(case, data=source, ignore=tuple(name for name in columns if name not in used))
    return fit(case, promote, runner)
