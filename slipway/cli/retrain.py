"""Train a model again on another table, as a version of it was trained.

    slipway retrain insurance --data claims-2026.csv

The new version is served if it is at least as good on the same rows; otherwise it is saved, and the last lines say why it is not.
"""

import argparse

from slipway.cli.engines import add_engine_options, runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway retrain` takes."""
    parser.add_argument(
        "model", metavar="MODEL", help="the version to go by: NAME for the promoted one, or NAME:VERSION"
    )
    parser.add_argument("--data", metavar="TABLE", required=True, help="the table to train on")
    parser.add_argument("--promote", action="store_true", help="serve the new version, whatever it is worth")
    add_engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Train, and end with the tag of the version."""
    from slipway import store
    from slipway.publish.retraining import retrain

    retrain(store.find_any(args.model), args.data, args.promote, runner(args))
    return 0
