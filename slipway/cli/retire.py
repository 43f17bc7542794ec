"""Take a version out of use: nothing serves it any more, and its files stay.

slipway retire insurance:5o5t7exgfk562ax4 --why "trained on the wrong year"
"""

import argparse

from slipway.cli.promote import add_why


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway retire` takes."""
    parser.add_argument("model", help="NAME:VERSION")
    add_why(parser)


def run(args: argparse.Namespace) -> int:
    """Retire, and say what is in use."""
    from slipway import store

    change = store.retire(args.model, args.why)
    print(f"{change.name}:{change.before} is retired; in use is {change.name}:{change.version}")
    return 0
