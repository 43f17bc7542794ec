"""The options that say how a table is read; `slipway look` and `slipway train` share them."""

import argparse
from dataclasses import replace

from slipway.errors import UseCaseError, nearest
from slipway.schema.types import KINDS
from slipway.training import usecase
from slipway.training.usecase import FieldSpec, UseCase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Columns that do not count, cells that are missing, how dates and numbers are written."""
    parser.add_argument(
        "--ignore", metavar="COLUMN", action="append", help="leave a column out; may be given repeatedly"
    )
    together = parser.add_mutually_exclusive_group()
    together.add_argument(
        "--groups", metavar="COLUMN", help="rows with one value here stay together in hold-out and folds"
    )
    together.add_argument("--time", metavar="COLUMN", help="the newest rows by this column are the hold-out")
    parser.add_argument(
        "--kind",
        metavar="COLUMN=KIND",
        action="append",
        help=f"what a column holds, instead of what its values suggest: {', '.join(KINDS)}",
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
    parser.add_argument(
        "--sheet",
        metavar="NAME",
        help="the sheet of a workbook, by its name or number (default: the first with a table)",
    )
    parser.add_argument("--query", metavar="SELECT", help="what to read from a database; one SELECT")
    parser.add_argument("--encoding", help="of a text file, where the one that was found is wrong")
    parser.add_argument(
        "--separator",
        metavar="CHARACTER",
        type=_separator,
        help="between the cells of a text file, where what was found is wrong",
    )
    parser.add_argument(
        "--header", choices=("yes", "no"), help="whether a file has names of columns, where what was found is wrong"
    )


def _separator(text: str) -> str:
    found = {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)
    if len(found) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character; expected one such as ; or tab")
    return found


def with_options(case: UseCase, args: argparse.Namespace) -> UseCase:
    """The use case with what the options say of columns and their cells."""
    names = ("decimal", "sheet", "query", "encoding", "separator", "header")
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    if "header" in given:
        given["header"] = given["header"] == "yes"
    if given:
        if case.data is None:
            raise UseCaseError(f"--{next(iter(given))}", "there is no table yet; give it with --data FILE")
        case = replace(case, data=replace(case.data, **given))
    missing, fields = dict(case.missing), dict(case.fields)
    for name, marks in usecase.pairs("--missing", args.missing or ()).items():
        missing[name] = tuple(filter(None, marks.split(",")))
    for name, kind in usecase.pairs("--kind", args.kind or ()).items():
        if kind not in KINDS:
            raise UseCaseError(
                "--kind", f"{kind!r} is not a kind{nearest(kind, KINDS)}; expected one of {', '.join(KINDS)}"
            )
        fields[name] = replace(fields.get(name, FieldSpec()), kind=kind)
    for name, format in usecase.pairs("--format", args.format or ()).items():
        fields[name] = replace(fields.get(name, FieldSpec()), format=format)
    if args.groups or args.time:
        case = replace(case, groups=args.groups, time=args.time)
    return replace(case, missing=missing, fields=fields, ignore=(*case.ignore, *(args.ignore or ())))
