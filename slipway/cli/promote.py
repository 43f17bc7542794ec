"""Take a version into use: the model's name means it from now on, where a server, an image or a bento is made of it.

slipway promote insurance:5o5t7exgfk562ax4 --why "half the error for smokers"
"""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway import store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway promote` takes."""
    parser.add_argument("model", help="NAME:VERSION, or NAME for its newest version")
    add_why(parser)


def add_why(parser: argparse.ArgumentParser) -> None:
    """`--why`, which the model's history keeps."""
    parser.add_argument("--why", required=True, metavar="REASON", help="the reason, for the model's history")


def run(args: argparse.Namespace) -> int:
    """Promote, and say what was in use before."""
    from slipway import store

    print_change(store.promote(args.model, args.why))
    return 0


def print_change(change: "store.Change") -> None:
    """Say what is in use now, and what servers do that are running."""
    before = f", instead of {change.name}:{change.before}" if change.before else ""
    print(
        f"{change.name}:{change.version} is in use{before}; a server that was started with the name takes it within seconds"
    )
