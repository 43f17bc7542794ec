"""Take the version into use again that was promoted before the present one.

slipway rollback insurance --why "complaints from the north"
"""

import argparse

from slipway.cli.promote import add_why, print_change


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway rollback` takes."""
    parser.add_argument("model", help="name of a model in the store")
    add_why(parser)


def run(args: argparse.Namespace) -> int:
    """Roll back, and say what is in use now."""
    from slipway import store

    print_change(store.roll_back(args.model, args.why))
    return 0
