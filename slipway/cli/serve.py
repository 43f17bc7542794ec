"""Serve a model of the store: its page at /ui/, its API described at /docs.

    slipway serve insurance                  the promoted version, or else the newest
    slipway serve insurance:5o5t7exgfk562ax4

It is `bentoml serve` of the installed service, whatever the folder, on this machine alone
unless `--host` says otherwise.
"""

import argparse
import os
import subprocess
import sys

SERVICE = "slipway.page.server:Slipway"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway serve` takes."""
    parser.add_argument("model", help="name of a model in the store, for its promoted version, or NAME:VERSION")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=3000, help="port to listen on (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="processes that answer (default: SLIPWAY_WORKERS, or 1)")


def run(args: argparse.Namespace) -> int:
    """Become the server; on Windows, which cannot, wait for it."""
    options = ["--host", args.host, "--port", str(args.port), "--arg", f"model={args.model}"]
    command = [sys.executable, "-m", "bentoml", "serve", SERVICE, *options]
    environment = dict(os.environ)
    if args.workers is not None:
        environment["SLIPWAY_WORKERS"] = str(args.workers)
    if os.name == "posix":
        os.execve(command[0], command, environment)  # noqa: S606 (it takes signals itself)
    return subprocess.call(command, env=environment)  # noqa: S603
