"""The options of the commands that keep a file of who may call."""

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from slipway.errors import SlipwayError

SCOPES = ("predict", "operate")


def add_scope(parser: argparse.ArgumentParser, who: str) -> None:
    """`--scope`.

    Parameters
    ----------
    parser : ArgumentParser
    who : str
        Has the scopes: "it" or "they".
    """
    parser.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help=f"what {who} may do: predict (the default), operate (metrics, model internals); repeat it for both",
    )


def add_file(parsers: Iterable[argparse.ArgumentParser], what: str, variable: str) -> None:
    """`--file`.

    Parameters
    ----------
    parsers : iterable of ArgumentParser
    what : str
        The file, for the help.
    variable : str
        Of the environment, which names the file where the option is not given.
    """
    for parser in parsers:
        parser.add_argument("--file", type=Path, help=f"the {what} (default: {variable})")


def named_file(given: Path | None, holds: str, variable: str) -> Path:
    """The file that is meant.

    Parameters
    ----------
    given : Path, optional
        With `--file`.
    holds : str
        What is in it, for the message.
    variable : str

    Returns
    -------
    Path

    Raises
    ------
    SlipwayError
        If nobody has named one.
    """
    named = given or os.environ.get(variable)
    if not named:
        raise SlipwayError(f"which file has the {holds}? Set {variable}, as for the server, or give --file PATH")
    return Path(named)
