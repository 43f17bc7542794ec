"""The options that name a request log, which several commands read."""

import argparse
import datetime as dt

from slipway.errors import DataError


def add_log_options(parser: argparse.ArgumentParser, rows: "argparse._MutuallyExclusiveGroup") -> None:
    """`--log` and `--since`.

    Parameters
    ----------
    parser : ArgumentParser
    rows : group of options
        The others that name rows.
    """
    rows.add_argument(
        "--log",
        metavar="LOG",
        help="what servers were asked: their SLIPWAY_REQUEST_LOG, a folder, a URL such as s3://bucket/prefix, or the address of a database",
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=_time,
        help="with --log: only requests from then on, a day or a time in UTC such as 2026-11-01 or 2026-11-01T06:30",
    )


def check_log_options(args: argparse.Namespace) -> None:
    """Refuse `--since` without `--log`.

    Raises
    ------
    DataError
    """
    if args.since and not args.log:
        raise DataError("--since", "belongs to --log; a table is compared as a whole")


def _time(text: str) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; expected one such as 2026-11-01 or 2026-11-01T06:30"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
