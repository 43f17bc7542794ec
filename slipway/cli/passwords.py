"""Add, list and remove people who log in to the page with a password, in the file of SLIPWAY_PASSWORD_FILE.

    slipway passwords add anna              asks for the password twice, or changes it
    slipway passwords add anna < file       reads it from standard input
    slipway passwords add otto --scope predict --scope operate
    slipway passwords list
    slipway passwords remove anna           who is logged out at once

A running server notices at the next request.
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

from slipway.errors import SlipwayError

VARIABLE = "SLIPWAY_PASSWORD_FILE"
SCOPES = ("predict", "operate")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway passwords` takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add a person, or change their password")
    add.add_argument("name", help="what they log in as; the log names them so")
    add.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="what they may do: predict (the default), operate (metrics, model internals); repeat it for both",
    )
    listed = actions.add_parser("list", help="list the names")
    remove = actions.add_parser("remove", help="remove a person, who is logged out at once")
    remove.add_argument("name", help="of the person")
    for action in (add, listed, remove):
        action.add_argument("--file", type=Path, help=f"the password file (default: {VARIABLE})")


def run(args: argparse.Namespace) -> int:
    """Change the file, or list who is in it."""
    from slipway.service.access.callers import Scope
    from slipway.service.login import passwords

    path = _path(args.file)
    if args.action == "add":
        was_there = passwords.add(path, args.name, _password(), frozenset(map(Scope, args.scope or ())))
        print(f"{args.name} {'has a new password' if was_there else 'can log in'} ({path})")
    elif args.action == "remove":
        passwords.remove(path, args.name)
        print(f"{args.name} cannot log in any more ({path})")
    else:
        for name, person in passwords.names(path).items():
            print(f"{name:24} {','.join(sorted(person.scopes))}")
    return 0


def _path(given: Path | None) -> Path:
    named = given or os.environ.get(VARIABLE)
    if not named:
        raise SlipwayError(f"which file has the passwords? Set {VARIABLE}, as for the server, or give --file PATH")
    return Path(named)


def _password() -> str:
    """Typed twice without being shown; or the first line of standard input, if that is not a terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    try:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise SlipwayError("the two passwords differ; nothing was changed")
    except (EOFError, KeyboardInterrupt):
        raise SlipwayError("no password was typed; nothing was changed") from None
    return password
