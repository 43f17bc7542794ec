"""Servers, and runs of `slipway score`, that are forks of a process which has imported most of it, as that is most of a start.

tests/conftest.py uses them where nothing but settings is special to a server. A start from nothing is what
test_start.py, test_supervisor.py, test_cli.py, test_bento.py and test_serve_only.py look at.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path


class Prepared:
    """A fork that runs `bentoml ARGUMENTS`, or another function; it has what the tests use of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: list[str],
        cwd: Path,
        environment: Mapping[str, str],
        log: Path,
        run: Callable[[list[str]], None] | None = None,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.preload"])
        with chdir(cwd):  # it looks there for the module
            made = (run or _bentoml, arguments, str(cwd), dict(environment), str(log))
            self._process = context.Process(target=_run, args=made)
            self._process.start()
        self.pid = self._process.pid
        self.terminate = self._process.terminate
        self.kill = self._process.kill

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("bentoml", timeout)
        return self.returncode


def _run(
    run: Callable[[list[str]], None], arguments: list[str], cwd: str, environment: dict[str, str], log: str
) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for end in (1, 2):
        os.dup2(out, end)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)

    from slipway.store._bentoml import use_store

    use_store(Path(environment["BENTOML_HOME"]) / "models")
    run(arguments)


def _bentoml(arguments: list[str]) -> None:
    sys.argv = ["bentoml", *arguments]
    from bentoml_cli.cli import cli

    try:
        cli()
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out


def score(arguments: list[str]) -> None:
    """`slipway score`, with parts that are small enough for a test to stop it between two of them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C while Python imports a program is Python's to answer
    from slipway.cli.main import main
    from slipway.tables import content

    content.BLOCK = 100_000
    signal.signal(signal.SIGINT, signal.default_int_handler)  # wherever the tests run
    sys.exit(main(["score", *arguments]))
