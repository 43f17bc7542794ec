"""Compare recent rows with those that a version was trained on, and say how good its predictions for them are.

    slipway drift insurance --data claims-2026-11.csv
    slipway drift insurance:5o5t7exg --data november.parquet --json drift.json --html drift.html
    slipway drift insurance --log /var/lib/slipway/requests --since 2026-11-01
    slipway drift insurance --data claims-2026-11.csv --html drift.html --language zh

The exit code is 0 without drift, 4 with drift, and 1 if there is nothing to compare.
"""

import argparse
import json
from pathlib import Path

from slipway.cli import output
from slipway.cli.log import add_log_options, check_log_options

DRIFT = 4
"""The exit code if recent rows differ from training."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway drift` takes."""
    parser.add_argument("model", metavar="MODEL", help="name of a model in the store, or NAME:VERSION")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument(
        "--data",
        metavar="TABLE",
        help="recent rows, in any form that training reads; with the target, the error is measured, too",
    )
    add_log_options(parser, rows)
    parser.add_argument(
        "--ignore",
        metavar="FIELD",
        action="append",
        default=[],
        help="a field that is not compared, such as a date that always grows; may be given repeatedly",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to a file")
    parser.add_argument("--metrics", metavar="FILE", type=Path, help="write gauges for Prometheus's textfile collector")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write a report to a file, with charts")
    parser.add_argument(
        "--language",
        type=_language,
        default="en",
        metavar="LANGUAGE",
        help="of the report and of what is printed, such as zh (default: %(default)s); --json and --metrics are the same in each",
    )


def _language(text: str) -> str:
    from slipway.i18n.catalogues import languages

    if text not in languages():
        raise argparse.ArgumentTypeError(f"there are no texts in {text!r}; expected {' or '.join(languages())}")
    return text


def run(args: argparse.Namespace) -> int:
    """Print the comparison, write what was asked for, and tell by the exit code whether there is drift."""
    from slipway import store
    from slipway.publish.drift.measure import drift, drift_of_log
    from slipway.publish.drift.report import FORMAT
    from slipway.publish.drift.text import lines
    from slipway.store.artifacts import to_json

    check_log_options(args)
    version = store.find_any(args.model)
    if args.data:
        report = drift(version, args.data, args.ignore)
    else:
        report = drift_of_log(version, args.log, args.since, args.ignore)
    if args.json:
        content = {"format": FORMAT, **to_json(report)}
        output.write(args.json, json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False).encode())
    if args.html:
        from slipway.publish.drift.html import page

        output.write(args.html, page(report, args.language).encode())
    if args.metrics:
        from slipway.publish.drift.gauges import gauges

        output.write(args.metrics, gauges(report).encode())
    print("\n".join(lines(report, args.language)))
    return DRIFT if report.drift else 0
