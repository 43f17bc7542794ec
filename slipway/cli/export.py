"""Write a model as one HTML page that answers in a browser, without a server or a network.

slipway export insurance --html insurance.html

The page has form, answer, reasons and what-if of the served one, at most 2 MB with the model in it.
"""

import argparse
from pathlib import Path

from slipway.cli import output
from slipway.errors import SlipwayError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway export` takes."""
    parser.add_argument("model", help="NAME:VERSION, or NAME for the version in use")
    parser.add_argument("--html", metavar="FILE", required=True, type=Path, help="where to write the page")
    parser.add_argument(
        "--no-rows",
        action="store_true",
        help="leave out the rows that reasons compare with, be they drawn or of the training table; there are no reasons then",
    )


def run(args: argparse.Namespace) -> int:
    """Write the page, and say what of the training table is in it."""
    from slipway import store

    try:
        from slipway.publish.offline.document import document
    except ImportError as exc:
        raise SlipwayError(f"--html: {exc.name} is not installed; `pip install 'slipway-ml[train]'`") from exc

    version = store.find(args.model)
    page = document(version, with_rows=not args.no_rows)
    output.write(args.html, page)
    print(f"wrote {args.html} ({len(page):,} bytes): {version.tag}; open it in a browser, from any folder")
    metrics = version.metrics()
    if metrics.training_rows_kept and not args.no_rows:
        rows = len(next(iter(version.background().values())))
        print(f"it holds {rows} rows of the training table, which reasons compare with; --no-rows leaves them out")
    if metrics.rows_in_model:
        print(f"it holds rows of the training table, with which the model computes: {', '.join(metrics.rows_in_model)}")
    return 0
