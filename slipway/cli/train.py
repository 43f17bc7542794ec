"""Train a model from a use case or a table, and put it into the BentoML model store.

    slipway train insurance                       a use case that comes with Slipway
    slipway train path/to/usecase.yaml            a use case of your own
    slipway train --data people.csv --target income
    slipway train insurance --engine dask --cluster tcp://scheduler:8786

The last line is the version that was saved.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway import training
from slipway.cli import table
from slipway.cli.engines import add_engine_options, runner
from slipway.errors import DataError, UseCaseError, nearest
from slipway.schema.types import TASKS
from slipway.tables.address import is_address, shown_address
from slipway.tables.source import DataSource
from slipway.training import usecase
from slipway.training.usecase import TargetSpec, UseCase

SAMPLES = Path(training.__file__).parent / "samples"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway train` takes."""
    parser.add_argument("usecase", nargs="?", help="name of a use case that comes with Slipway, or path of a YAML file")
    parser.add_argument(
        "--data",
        metavar="FILE",
        help="the table to learn from: CSV, Excel, JSON, Parquet …, or the address of a database",
    )
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--name", help="name of the model in the store (default: the use case's, or the file's)")
    parser.add_argument("--task", choices=TASKS, help="default: inferred from the target")
    parser.add_argument(
        "--metric", help="name of the metric to choose by, as PyCaret has it (default: RMSE; for classes the log loss)"
    )
    parser.add_argument(
        "--include", metavar="gbr,rf,…", help="PyCaret's ids of the estimators to compare (default: all quick ones)"
    )
    parser.add_argument("--folds", type=int, help="folds of the cross-validation, 2 or more (default: 10)")
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="time for comparing estimators: those that would take longer than what is left are skipped (default: no limit)",
    )
    parser.add_argument(
        "--tune", action="store_true", help="tune the best model's hyperparameters, and take them if that helps"
    )
    parser.add_argument(
        "--average",
        action=argparse.BooleanOptionalAction,
        help="average the best model with CatBoost models that stop in time, if that helps (default: yes, without --include)",
    )
    parser.add_argument("--seed", type=int, help="the same seed gives the same model (default: 123)")
    parser.add_argument("--limit-rows", type=int, metavar="N", help="learn from N rows drawn at random")
    table.add_arguments(parser)
    add_engine_options(parser)
    parser.add_argument(
        "--training-rows",
        action=argparse.BooleanOptionalAction,
        help="keep 64 training rows with the version, for explanations; without it they are drawn, and none is one person's",
    )
    parser.add_argument(
        "--promote", action="store_true", help="serve the new version even if it is not as good as the one in use"
    )


def resolve(args: argparse.Namespace) -> UseCase:
    """The use case that the arguments ask for; an option outweighs what the file says."""
    if args.usecase:
        case = _named(args.usecase)
    elif args.data and args.target:
        # An address may have a password in it; of a database only its name is taken.
        place = urlsplit(args.data).path if is_address(args.data) else args.data
        name = args.name or re.sub(r"[^a-z0-9._-]+", "-", Path(place).stem.lower()).strip("-._")
        case = UseCase(usecase.check_name(name, "--name"))
    else:
        raise UseCaseError(
            "arguments", "give a use case, or --data FILE and --target COLUMN; `slipway train --help` shows more"
        )
    for option, least in (("folds", 2), ("seed", 0), ("limit_rows", 2)):
        value = getattr(args, option)
        if value is not None and value < least:
            raise UseCaseError(f"--{option.replace('_', '-')}", f"{value} is too small; expected at least {least}")
    if args.minutes is not None and not 0 < args.minutes < float("inf"):
        raise UseCaseError("--minutes", f"{args.minutes:g} is not a length of time; expected minutes, above 0")
    include = tuple(filter(None, (args.include or "").replace(" ", "").split(","))) or None
    names = ("metric", "folds", "seed", "limit_rows", "average", "minutes")
    options = {name: getattr(args, name) for name in names} | {"include": include}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if include:
        given["exclude"] = None
    if args.tune:
        given["tune"] = True
    if args.training_rows is not None:
        given["keep_rows"] = args.training_rows
    case = replace(case, training=replace(case.training, **given))
    if args.data:
        case = replace(case, data=DataSource(args.data))
    if args.target and args.target != case.target.column:
        case = replace(case, target=TargetSpec(args.target))
    if args.name:
        case = replace(case, name=usecase.check_name(args.name, "--name"))
    return table.with_options(replace(case, task=args.task) if args.task else case, args)


def _named(name: str) -> UseCase:
    if Path(name).suffix in (".yaml", ".yml"):
        return usecase.read(name)
    known = sorted(path.stem for path in SAMPLES.glob("*.yaml"))
    if name not in known:
        raise UseCaseError(
            "arguments",
            f"no use case {name!r}{nearest(name, known)}; known are {', '.join(known)}, or give the path of a YAML file",
        )
    return usecase.read(SAMPLES / f"{name}.yaml")


def run(args: argparse.Namespace) -> int:
    """Train, and end with the tag of the version."""
    from slipway.publish.train import fit

    try:
        fit(resolve(args), args.promote, runner(args))
    except MemoryError as exc:
        raise DataError(
            shown_address(args.data) if args.data else args.usecase, "does not fit into memory; use --limit-rows"
        ) from exc
    return 0
