"""Train a model and put it into the BentoML model store: `python train.py insurance`, as `slipway train insurance` does.

The steps from a table to a version:

    slipway/cli/train.py                  what was asked for, as a use case
    slipway/tables/readers.py             the file as a table
    slipway/training/schema_inference.py  what a valid input is
    slipway/training/selection.py         PyCaret: set up, compare, tune
    slipway/publish/experiment.py         evaluate, compile, prove, save
    slipway/publish/train.py              these steps in their order, and what is said of them
"""

import sys

from slipway.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
