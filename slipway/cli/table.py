"""The options that say how a table is read; `slipway look` and `slipway train` share them."""

import argparse
from dataclasses import replace

from slipway.errors import UseCaseError
from slipway.training import usecase
from slipway.training.usecase import FieldSpec, UseCase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Columns that do not count, cells that are missing, how dates and numbers are written."""
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


def with_options(case: UseCase, args: argparse.Namespace) -> UseCase:
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
