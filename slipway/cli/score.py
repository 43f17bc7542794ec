"""Score files of any number of rows: Parquet, Arrow and CSV, with the values of the API.

    slipway score insurance --in rows.parquet --out scored.parquet
    slipway score insurance --in january/ 'february/*.csv' --out scored.csv --columns id,region
    slipway score insurance --in s3://bucket/rows/ --out s3://bucket/scored.parquet
    slipway score insurance --in rows/ --out scored.parquet --engine spark --cluster spark://host:7077

A row that cannot be scored stands with its reasons in OUT.faults.csv, and the exit code is 3. A run that was stopped goes on when
the same command is given again.
"""

import argparse
import sys
from pathlib import Path

from slipway.cli.engines import check_cluster, count
from slipway.scoring.engines import ENGINES, LOCAL

FAULTY = 3
"""The exit code if there are faulty rows, and all others are scored."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway score` takes."""
    parser.add_argument("model", help="name of a model in the store, or NAME:VERSION")
    parser.add_argument(
        "--in",
        dest="inputs",
        nargs="+",
        required=True,
        metavar="PATH",
        help="Parquet, Arrow or delimited text: files, folders, or patterns such as 'days/*.csv', also in a store: "
        "s3://, gs://, abfs://",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="what is written, here or in a store; its name ends with .csv, .parquet or .arrow",
    )
    parser.add_argument(
        "--parts",
        metavar="FOLDER",
        type=Path,
        help="where the parts of an output in a store are kept until it is whole (default: the working directory)",
    )
    parser.add_argument(
        "--columns", metavar="A,B,…", help="the columns of the input that the output has (default: all of them)"
    )
    parser.add_argument(
        "--reasons",
        nargs="?",
        type=_reasons,
        const="all",
        metavar="N",
        help="give the N largest contributions of each row, too (without N: those of all fields); takes far longer",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an output that is there, once all is scored")
    parser.add_argument("--workers", type=count, metavar="N", help="processes that score (default: one for each core)")
    parser.add_argument(
        "--engine",
        choices=(LOCAL, *ENGINES),
        default=LOCAL,
        help="what scores (default: %(default)s, this machine); others read Parquet, and write a folder of it",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="of that engine, as tcp://host:8786, spark://host:7077, ray://host:10001 (default: what the engine's own "
        "settings say, else workers on this machine)",
    )


def _reasons(text: str) -> str:
    if text != "all" and (not text.isdecimal() or not int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of reasons; expected 1 or more")
    return text


def run(args: argparse.Namespace) -> int:
    """Score, and say how many rows are scored and how many are faulty."""
    try:
        return _score(args)
    except KeyboardInterrupt as exc:
        raise KeyboardInterrupt("run the same command again: it goes on where it was") from exc


def _most(text: str) -> int:
    return sys.maxsize if text == "all" else int(text)


def _score(args: argparse.Namespace) -> int:
    from slipway import store
    from slipway.scoring.reasons import ReasonsWanted
    from slipway.scoring.run import Wanted, score_files
    from slipway.scoring.stores import place_of
    from slipway.scoring.work import Model

    version = store.find(args.model)
    is_compiled = version.engine == "onnx"
    path = version.graph if is_compiled else version.pipeline
    model = Model(version.tag, version.schema(), version.interval(), version.support(), is_compiled, path)
    columns = None if args.columns is None else [name for name in args.columns.split(",") if name]
    check_cluster(args, "dask, spark or ray")
    wanted = Wanted(
        args.inputs,
        place_of(args.out),
        columns,
        args.overwrite,
        args.workers,
        args.engine,
        args.cluster,
        args.parts,
        None if args.reasons is None else ReasonsWanted(_most(args.reasons), version.background()),
    )
    done, parts = score_files(model, version.golden(), wanted)
    rows = "1 row" if done.rows == 1 else f"{done.rows:,} rows"
    if not done.faulty:
        print(f"wrote {parts.out}: {rows} scored by {model.tag}, none faulty")
        return 0
    faulty = "1 faulty row is" if done.faulty == 1 else f"{done.faulty:,} faulty rows are"
    print(f"wrote {parts.out}: {rows} scored by {model.tag}; {faulty} in {parts.faults}")
    return FAULTY
