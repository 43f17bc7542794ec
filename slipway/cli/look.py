"""Read a table as training would, and say how: its columns, their kinds, and what was decided.

slipway look people.csv
slipway look people.csv --target income
slipway look *.csv --cells cells/
"""

import argparse
import sys
from pathlib import Path

from slipway.cli import cells, table
from slipway.errors import SlipwayError, UseCaseError
from slipway.tables.source import DataSource
from slipway.training.usecase import TargetSpec, UseCase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway look` takes."""
    parser.add_argument("file", nargs="+", help="a table: CSV, Excel, JSON, Parquet …, or the address of a database")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict, if that is known already")
    parser.add_argument(
        "--cells",
        metavar="OUT",
        help="write the cells as they are read, as CSV: into a folder, or one table into a file",
    )
    table.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each column and for each thing that was decided."""
    if args.cells:
        source = table.with_options(UseCase("table", TargetSpec(""), data=DataSource(args.file[0])), args).data
        return cells.write_all(args.file, Path(args.cells), source or DataSource(args.file[0]))
    if len(args.file) == 1:
        _look(args, args.file[0])
        return 0
    if args.target:
        raise UseCaseError("--target", "is for one table; give one file")
    failed = 0
    for file in args.file:
        try:
            _look(args, file)
        except SlipwayError as exc:
            failed += 1
            print(f"look: {' '.join(str(exc).split())}", file=sys.stderr)
    return int(failed > 0)


def _look(args: argparse.Namespace, file: str) -> None:
    # Only now: pandas takes a second, and `slipway --help` should not.
    from slipway.publish.train import described, prepare
    from slipway.tables.readers import read_table
    from slipway.training.schema_inference import infer_inputs

    source = DataSource(file)
    case = table.with_options(UseCase("table", TargetSpec(args.target or ""), data=source), args)
    if args.target:
        prepare(case)
        return
    read = read_table(case.data or source, case.reading, sample=True)
    learnt = infer_inputs(read.frame, case, read.source, reading=read.reading)
    beginning = ", the beginning of a large file" if read.sampled else ""
    print(f"{read.source}: {len(read.frame):,} rows, {len(read.frame.columns):,} columns{beginning}")
    print("\n".join(described(learnt)))
