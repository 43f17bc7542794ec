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
import sys

from slipway.cli.access_file import add_file, add_scope, named_file
from slipway.errors import SlipwayError

VARIABLE = "SLIPWAY_PASSWORD_FILE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway passwords` takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="add a person, or change their password")
    add.add_argument("name", help="what they log in as; the log names them so")
    add_scope(add, "they")
    listed = actions.add_parser("list", help="list the names")
    remove = actions.add_parser("remove", help="remove a person, who is logged out at once")
    remove.add_argument("name", help="of the person")
    add_file((add, listed, remove), "password file", VARIABLE)


def run(args: argparse.Namespace) -> int:
    """Change the file, or list who is in it."""
    from slipway.service.access.callers import Scope
    from slipway.service.login import passwords

    path = named_file(args.file, "passwords", VARIABLE)
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
