"""`slipway`: what each command is called, and how its errors are shown.

An expected failure is one line on standard error and exit code 1; a command or an option that
does not exist is exit code 2; a bug keeps its traceback.
"""

import argparse
import signal
import sys

from slipway import __version__
from slipway.cli import (
    compare,
    compile,
    drift,
    export,
    keys,
    look,
    models,
    passwords,
    promote,
    retire,
    retrain,
    rollback,
    score,
    serve,
    sign,
    train,
    verify,
)
from slipway.cli.deploy import command as deploy
from slipway.errors import SlipwayError, nearest

COMMANDS = {
    "look": (look, "read a table, and say how it is read"),
    "train": (train, "train a model and put it into the store"),
    "models": (models, "list the versions in the store"),
    "compare": (compare, "compare two versions"),
    "drift": (drift, "compare recent rows with those of training"),
    "retrain": (retrain, "train a model again on another table, as it was trained"),
    "promote": (promote, "take a version into use"),
    "rollback": (rollback, "take the version into use that was promoted before"),
    "retire": (retire, "take a version out of use"),
    "sign": (sign, "sign a version with a key of your own"),
    "verify": (verify, "check a saved answer, and say what it came from"),
    "serve": (serve, "serve a model: page and API"),
    "export": (export, "write a model as one HTML page that answers without a server"),
    "score": (score, "score files of any number of rows"),
    "keys": (keys, "add, list and revoke API keys"),
    "passwords": (passwords, "add, list and remove people who log in to the page"),
    "compile": (compile, "compile a saved pipeline of PyCaret or scikit-learn into an ONNX graph"),
    "deploy": (deploy, "put an image on Azure, as a Web App"),
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; `run` of what it parses runs one."""
    parser = argparse.ArgumentParser(
        prog="slipway", description="From a trained tabular model to something people use: an API, a page and an image."
    )
    parser.add_argument("--version", action="version", version=f"slipway {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=(module.__doc__ or "").split("\n\n")[0])
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    name = arguments[0] if arguments else "slipway"
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        hint = nearest(arguments[0], COMMANDS)
        print(f"slipway: no command {arguments[0]!r}{hint} (there are: {', '.join(COMMANDS)})", file=sys.stderr)
        return 2
    try:
        args = build_parser().parse_args(arguments)
        return int(args.run(args))
    except SlipwayError as exc:
        print(f"{name}: {' '.join(str(exc).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as exc:
        print("; ".join([f"{name}: stopped", *map(str, exc.args)]), file=sys.stderr)
        return 128 + signal.SIGINT
