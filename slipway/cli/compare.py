"""Compare two versions: schema, training data, metrics, and predictions for the same rows.

slipway compare insurance insurance:latest
slipway compare insurance:5o5t7exg insurance:6p6u8fyh --data claims-2026.csv --json
slipway compare insurance insurance:6p6u8fyh --log /var/lib/slipway/requests
"""

import argparse
import json

from slipway.cli.log import add_log_options, check_log_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway compare` takes."""
    parser.add_argument("first", metavar="A", help="NAME:VERSION, or NAME for its promoted version")
    parser.add_argument("second", metavar="B", help="the version to compare with it")
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument(
        "--data",
        metavar="TABLE",
        help="rows with the target, best ones that neither was trained on; without any rows, predictions alone are "
        "compared, for records drawn from the schema",
    )
    add_log_options(parser, rows)
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")


def run(args: argparse.Namespace) -> int:
    """Print the comparison."""
    from slipway import store
    from slipway.errors import StoreError
    from slipway.publish.comparison import compare
    from slipway.publish.comparison_text import lines
    from slipway.store.artifacts import to_json

    check_log_options(args)
    first, second = store.find_any(args.first), store.find_any(args.second)
    if first.tag == second.tag:
        raise StoreError(f"{args.first} and {args.second} are the same version, {first.tag}; name two")
    comparison = compare(first, second, args.data, args.log, args.since)
    if args.json:
        print(json.dumps(to_json(comparison), ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines(comparison, first.schema())))
    return 0
