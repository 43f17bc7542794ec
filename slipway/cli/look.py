"""Read a table as training would, and say how: its columns, their kinds, and what was decided.

slipway look people.csv
slipway look people.csv --target income
"""

import argparse

from slipway.cli import table
from slipway.tables.source import DataSource
from slipway.training.usecase import TargetSpec, UseCase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway look` takes."""
    parser.add_argument("file", help="a CSV or Parquet file")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict, if that is known already")
    table.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a line for each column and for each thing that was decided."""
    # Only now: pandas takes a second, and `slipway --help` should not.
    from slipway.publish.train import described, prepare
    from slipway.tables.readers import read_table
    from slipway.training.schema_inference import infer_inputs

    source = DataSource(args.file)
    case = table.with_options(UseCase("table", TargetSpec(args.target or ""), data=source), args)
    if args.target:
        prepare(case)
        return 0
    read = read_table(case.data or source, case.reading)
    learnt = infer_inputs(read.frame, case, read.source, reading=read.reading)
    print(f"{read.source}: {len(read.frame):,} rows, {len(read.frame.columns):,} columns")
    print("\n".join(described(learnt)))
    return 0
