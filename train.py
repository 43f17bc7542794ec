"""Train a model from a use case or a table, and put it into the BentoML model store.

    python train.py insurance                       a use case that comes with Slipway
    python train.py path/to/usecase.yaml            a use case of your own
    python train.py --data people.csv --target income

The last line is the version that was saved. An expected failure is one line, exit code 1.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.errors import DataError, SlipwayError, UseCaseError, nearest
from slipway.i18n import sentences
from slipway.publish import smoke_test
from slipway.schema.metrics import DataOrigin, ReadingNote
from slipway.schema.schema import Schema
from slipway.schema.types import TASKS, Kind
from slipway.tables import readers
from slipway.tables.reading import Reading
from slipway.tables.source import DataSource
from slipway.training import usecase
from slipway.training.profile import with_leaks
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

KIND_OPTIONS: dict[str, Kind] = {
    "numeric_features": "number",
    "categorical_features": "category",
    "date_features": "date",
    "text_features": "text",
}

USECASES = Path(__file__).parent / "usecases"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("usecase", nargs="?", help="name of a use case in usecases/, or path of a YAML file")
    parser.add_argument("--data", metavar="FILE", help="a CSV or Parquet file to learn from")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--name", help="name of the model in the store (default: the use case's, or the file's)")
    parser.add_argument("--task", choices=TASKS, help="default: inferred from the target")
    parser.add_argument(
        "--metric", help="name of the metric to choose by, as PyCaret has it (default: R2; for classes the log loss)"
    )
    parser.add_argument(
        "--include", metavar="gbr,rf,…", help="PyCaret's ids of the estimators to compare (default: all quick ones)"
    )
    parser.add_argument("--folds", type=int, help="folds of the cross-validation, 2 or more (default: 10)")
    parser.add_argument("--tune", action="store_true", help="tune the best model's hyperparameters")
    parser.add_argument("--seed", type=int, help="the same seed gives the same model (default: 123)")
    parser.add_argument("--limit-rows", type=int, metavar="N", help="learn from N rows drawn at random")
    parser.add_argument(
        "--ignore", metavar="COLUMN", action="append", help="leave a column out; may be given repeatedly"
    )
    parser.add_argument(
        "--missing",
        metavar="COLUMN=A,B,…",
        action="append",
        help="cells of a column that mean “no value” (none: no text does)",
    )
    parser.add_argument(
        "--format", metavar="COLUMN=%d/%m/%Y", action="append", help="how the dates of a column are written"
    )
    parser.add_argument(
        "--decimal", choices=(".", ","), help="the decimal mark, where numbers such as 1.030 can be read in two ways"
    )
    parser.add_argument("--no-training-rows", action="store_true", help="keep no training row with the version")
    parser.add_argument("--list", action="store_true", help="list the versions in the store, and stop")
    return parser


def resolve(args: argparse.Namespace) -> UseCase:
    """The use case that the arguments ask for; an option outweighs what the file says."""
    if args.usecase:
        case = _named(args.usecase)
    elif args.data and args.target:
        name = args.name or re.sub(r"[^a-z0-9._-]+", "-", Path(args.data).stem.lower()).strip("-._")
        case = UseCase(usecase.check_name(name, "--name"))
    else:
        raise UseCaseError(
            "arguments", "give a use case, or --data FILE and --target COLUMN; `python train.py --help` shows more"
        )
    for option, least in (("folds", 2), ("seed", 0), ("limit_rows", 2)):
        value = getattr(args, option)
        if value is not None and value < least:
            raise UseCaseError(f"--{option.replace('_', '-')}", f"{value} is too small; expected at least {least}")
    include = tuple(filter(None, (args.include or "").replace(" ", "").split(","))) or None
    options = {name: getattr(args, name) for name in ("metric", "folds", "seed", "limit_rows")} | {"include": include}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if include:
        given["exclude"] = None
    if args.tune:
        given["tune"] = True
    case = replace(case, training=replace(case.training, **given))
    if args.data:
        case = replace(case, data=DataSource(args.data))
    if args.target and args.target != case.target.column:
        case = replace(case, target=TargetSpec(args.target))
    if args.name:
        case = replace(case, name=usecase.check_name(args.name, "--name"))
    return _with_column_options(replace(case, task=args.task) if args.task else case, args)


def _with_column_options(case: UseCase, args: argparse.Namespace) -> UseCase:
    """The use case with what the options say of columns and their cells."""
    if args.decimal:
        if case.data is None:
            raise UseCaseError("--decimal", "there is no table yet; give it with --data FILE")
        case = replace(case, data=replace(case.data, decimal=args.decimal))
    missing, fields = dict(case.missing), dict(case.fields)
    for name, marks in usecase.pairs("--missing", args.missing or ()).items():
        missing[name] = tuple(filter(None, marks.split(",")))
    for name, format in usecase.pairs("--format", args.format or ()).items():
        fields[name] = replace(fields.get(name, FieldSpec()), format=format)
    return replace(case, missing=missing, fields=fields, ignore=(*case.ignore, *(args.ignore or ())))


def _named(name: str) -> UseCase:
    if Path(name).suffix in (".yaml", ".yml"):
        return usecase.read(name)
    known = sorted(path.stem for path in USECASES.glob("*.yaml"))
    if name not in known:
        raise UseCaseError(
            "arguments",
            f"no use case {name!r}{nearest(name, known)}; known are {', '.join(known)}, or give the path of a YAML file",
        )
    return usecase.read(USECASES / f"{name}.yaml")


def from_setup(case: UseCase) -> UseCase:
    """What PyCaret's `setup:` says of columns, folds and seed, as the use case's own words.

    So that the schema knows it too: a number that PyCaret is told to take as a category is a
    category on the page and in the API.
    """
    setup = dict(case.setup)
    ignore = (*case.ignore, *(setup.pop("ignore_features", None) or ()))
    fields = dict(case.fields)
    for option, kind in KIND_OPTIONS.items():
        for name in setup.pop(option, None) or ():
            fields[name] = replace(fields.get(name, FieldSpec()), kind=kind)
    training = replace(
        case.training,
        folds=setup.pop("fold", case.training.folds),
        seed=setup.pop("session_id", case.training.seed),
    )
    return replace(case, setup=setup, fields=fields, ignore=ignore, training=training)


def fit(case: UseCase, *, training_rows: bool = True) -> str:
    """Train as the use case says, report on standard output, and give the saved version's tag."""
    started = time.monotonic()
    case = from_setup(case)
    table, learnt, dropped = prepare(case)
    progress("importing PyCaret …")
    smoke_test.warm_up()
    # Only now: it takes seconds, and a wrong file name should not.
    from slipway.training.selection import experiment_class, train

    experiment_class(learnt.schema.task)  # refuses another PyCaret before anything else imports it
    from slipway.publish.version import save_version

    trained = train(case, learnt, progress)
    progress("")
    if trained.failed:
        progress(
            f"{len(trained.failed)} of {len(trained.failed) + len(trained.leaderboard)} estimators could not be fitted, see above"
        )
    progress(trained.leaderboard.to_string(index=False, float_format=number))
    origin = DataOrigin(table.source, table.sha256, dropped)
    saved = save_version(trained, learnt, origin, training_rows, progress)
    progress("")
    progress(f"{'':10} {'folds':>12} {'SD':>12} {'hold-out':>12}")
    for name, fold in saved.evaluation.folds.items():
        progress(
            f"{name:10} {number(fold.mean):>12} {number(fold.sd):>12} {number(saved.evaluation.holdout[name]):>12}"
        )
    if saved.threshold is not None:
        positive = learnt.schema.target.positive
        progress(f"classes are named at the threshold {saved.threshold:g}: {positive!r} from that probability on")
    progress("")
    progress(f"chosen by {trained.metric}; {time.monotonic() - started:.0f} s in all")
    progress(f"saved {saved.tag}")
    return saved.tag


def prepare(case: UseCase) -> tuple[readers.Table, InferredDataset, int]:
    """The table that a use case names, what is learnt from it, and the rows dropped for lack of a target.

    Says on standard output what was read and decided.
    """
    if case.data is None:
        raise UseCaseError(f"use case {case.name}", "has no `data:`; name the table there, or with --data FILE")
    table = readers.read_table(case.data, case.reading)
    target = case.target.column
    rows, dropped = readers.drop_missing_targets(table, target, case.missing.get(target, ()))
    if case.training.limit_rows and case.training.limit_rows < len(rows):
        rows = rows.sample(case.training.limit_rows, random_state=case.training.seed).reset_index(drop=True)
    learnt = with_leaks(infer_dataset(rows, case, table.source, reading=table.reading))
    progress(
        f"{case.name}: {len(table.frame):,} rows from {table.source}"
        + (f", {dropped:,} without target dropped" if dropped else "")
    )
    inferred = (
        ""
        if case.task
        else f" (inferred from {rows[case.target.column].nunique():,} different values; --task overrides)"
    )
    positive = learnt.schema.target.positive
    sides = (
        f"; positive is {positive!r} (`positive:` in a use case changes it)"
        if len(learnt.schema.target.classes) == 2
        else ""
    )
    progress(f"task: {learnt.schema.task} of {case.target.column!r}{inferred}{sides}")
    for name, reason in learnt.left_out.items():
        progress(f"left out: {name!r} {reason}")
    for line in described(learnt.schema):
        progress(line)
    for note in learnt.notes:
        progress(
            f"note: {sentences.note(ReadingNote(note.kind, note.column, note.values), 'en')}{f' [{note.hint}]' if note.hint else ''}"
        )
    # The file's cells were for telling lines; training needs the memory.
    return replace(table, reading=Reading()), learnt, dropped


def described(schema: Schema) -> Iterator[str]:
    """A line for each input: its name, its kind, what was seen, and whether it may be missing."""
    width = max(len(name) for name in schema.names)
    for field in schema.fields:
        seen = (
            f"{field.observed_min} to {field.observed_max}"
            if field.observed_min is not None
            else ", ".join(map(str, field.categories[:8]))
        )
        more = f", … ({len(field.categories)})" if len(field.categories) > 8 else ""
        yield f"input: {field.name:{width}}  {field.kind:8}  {seen}{more}{' or missing' if field.nullable else ''}"


def number(value: float) -> str:
    """A metric as a person compares it: no decimals where there are thousands."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4f}"


def progress(text: str) -> None:
    print(text, flush=True)


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        if args.list:
            from slipway import store

            print("\n".join(store.listing()))
        else:
            fit(resolve(args), training_rows=not args.no_training_rows)
    except SlipwayError as exc:
        print(f"train: {exc}", file=sys.stderr)
        return 1
    except MemoryError:
        print(
            f"train: {DataError(args.data or args.usecase, 'does not fit into memory; use --limit-rows')}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
