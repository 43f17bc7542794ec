"""Read a table as training would, and say how: its columns, their kinds, and what was decided.

slipway look people.csv
slipway look people.csv --target income --json
slipway look *.csv --cells cells/
"""

import argparse
import json
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
    parser.add_argument("--all", action="store_true", help="read all of a large file, not only its beginning")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    table.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a table with a line for each column, and then what was decided."""
    if args.cells:
        source = table.with_options(UseCase("table", TargetSpec(""), data=DataSource(args.file[0])), args).data
        return cells.write_all(args.file, Path(args.cells), source or DataSource(args.file[0]))
    if len(args.file) == 1:
        _look(args, args.file[0])
        return 0
    for option in ("target", "json"):
        if getattr(args, option):
            raise UseCaseError(f"--{option}", "is for one table; give one file")
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
    from slipway.publish.reading import as_json, lines
    from slipway.publish.train import prepare, read, rows_read
    from slipway.tables.readers import read_table
    from slipway.training.report import report
    from slipway.training.schema_inference import infer_inputs

    source = DataSource(file)
    case = table.with_options(UseCase("table", TargetSpec(args.target or ""), data=source), args)
    if args.target and not args.json:
        prepare(case, sample=not args.all, told=_progress)
        return
    if args.target:
        whole, learnt, _ = read(case, inputs_needed=False, sample=not args.all, told=_progress)
    else:
        whole = read_table(case.data or source, case.reading, not args.all, _progress)
        learnt = infer_inputs(whole.frame, case, whole.source, reading=whole.reading)
    found = report(whole, learnt, case)
    if args.json:
        print(json.dumps(as_json(found, learnt.notes, whole.source), ensure_ascii=False, indent=1))
        return
    print(f"{whole.source}: {rows_read(whole)}, {len(whole.frame.columns):,} columns")
    print("\n".join(lines(found, learnt.notes)))


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
