"""Add, list and revoke API keys, in the file of SLIPWAY_KEYS_FILE.

    slipway keys add reporting                                  a key that may predict; it is shown once
    slipway keys add prometheus --scope operate --expires 2027-06-30
    slipway keys list
    slipway keys revoke reporting

A running server notices within a second.
"""

import argparse
import sys
from datetime import date

from slipway.cli.access_file import add_file, add_scope, named_file
from slipway.errors import SlipwayError

VARIABLE = "SLIPWAY_KEYS_FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway keys` takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="make a key, and show it once")
    add.add_argument("name", help="who uses it; the log names it so")
    add_scope(add, "it")
    add.add_argument("--expires", metavar="DATE", help="its last day, in UTC, such as 2027-06-30 (default: none)")
    listed = actions.add_parser("list", help="list the keys' names, scopes and dates")
    revoke = actions.add_parser("revoke", help="make a key useless")
    revoke.add_argument("name", help="of the key")
    add_file((add, listed, revoke), "file of keys", VARIABLE)


def run(args: argparse.Namespace) -> int:
    """Change the file, or list what is in it."""
    from slipway.service.access import key_file
    from slipway.service.access.callers import Scope

    path = named_file(args.file, "keys", VARIABLE)
    if args.action == "add":
        scopes = frozenset(map(Scope, args.scope or ["predict"]))
        secret = key_file.add_key(path, args.name, scopes, _date(args.expires))
        print(f"keys: this is the key of {args.name}; it is shown only now", file=sys.stderr)
        print(secret)
    elif args.action == "revoke":
        key_file.revoke_key(path, args.name)
    else:
        for key in key_file.read_keys(path):
            until = (
                f"{'expired' if key.is_expired(key_file.today()) else 'expires'} {key.expires}" if key.expires else ""
            )
            print(f"{key.name:24} {','.join(sorted(key.scopes)):16} created {key.created}  {until}".rstrip())
    return 0


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SlipwayError(f"--expires is {text[:40]!r}; expected a date such as 2027-06-30") from None
