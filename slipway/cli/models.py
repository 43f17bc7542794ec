"""List the versions in the BentoML model store, newest first."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`slipway models` takes none."""


def run(args: argparse.Namespace) -> int:
    """Print a line for each version."""
    from slipway import store

    print("\n".join(store.list_models()))
    return 0
