"""What the supervisor of the workers does in addition to BentoML's: it stops if no worker can serve.

With BentoML 1.4.39, circus restarts a worker every ten seconds, whatever it ended with, and the port stays
open meanwhile: a model that was damaged after the start led to a server that never answers and never stops.
Therefore a worker that cannot start says why through a pipe, and the supervisor prints this one line, stops
the other workers and exits with 1.
"""

import atexit
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import click
import psutil

from slipway.errors import SlipwayError

_PIPE = "SLIPWAY_SUPERVISOR"
"""In the environment of the workers: `<process id of the supervisor>:<their end of its pipe>`."""

GRACE = 30.0
"""Seconds that the other workers have to finish what they are answering."""


def supervise() -> None:
    """In the supervisor, before any worker exists: stop the server if a worker cannot start."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    os.environ[_PIPE] = f"{os.getpid()}:{writing}"
    failed = Event()
    atexit.register(_exit_if, failed)
    Thread(target=_wait, args=(reading, failed), daemon=True).start()


def _wait(reading: int, failed: Event) -> None:
    print(os.read(reading, 4096).decode("utf-8", "replace"), file=sys.stderr, flush=True)
    failed.set()
    # As if somebody had asked it to; it does not listen while it is starting a worker.
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE / 3)
    for worker in psutil.Process().children(recursive=True):
        worker.kill()
    os._exit(1)


def _exit_if(failed: Event) -> None:
    """Exit with code 1 instead of the 0 with which BentoML ends after a SIGTERM."""
    if failed.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


@contextmanager
def starting() -> Iterator[None]:
    """Wraps what a worker, or a supervisor, does before it serves: an error inside stops the server.

    Errors that a user can fix become one line; a bug keeps its traceback.
    """
    try:
        yield
    except SlipwayError as exc:
        line = f"slipway: {exc}"
        if _tell_supervisor(line):
            os._exit(1)  # and nothing else is printed: uvicorn would log a SystemExit with its traceback
        raise SystemExit(line) from None
    except Exception as exc:
        _tell_supervisor(f"slipway: a worker cannot start ({type(exc).__name__}, see above)")
        raise


def _tell_supervisor(line: str) -> bool:
    """Report to our supervisor, if there is one; whether there is."""
    supervisor, _, pipe = os.environ.get(_PIPE, "").partition(":")
    if supervisor != str(os.getppid()):
        return False
    try:
        os.write(int(pipe), " ".join(line.split())[:4000].encode())
    except OSError:
        return False
    return True


def check_port() -> None:
    """Check that the port can be listened on, before workers are started for it.

    BentoML would fail with some fifty lines. Host and port are options of its command line, which knows them.

    Raises
    ------
    SlipwayError
        With what is in the way.
    """
    context = click.get_current_context(silent=True)
    host, port = ((context.params if context else {}).get(name) for name in ("host", "port"))
    if not isinstance(host, str) or not isinstance(port, int):
        return
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            if os.name == "posix":  # elsewhere it would let two listen
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
            probe.listen()  # binding alone succeeds where another has bound and listens later
    except (OSError, OverflowError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise SlipwayError(
            f"nobody can listen on port {port} of {host}: {reason}; stop what does (`lsof -i :{port}`), or take another "
            "port (`make serve PORT=3001`, `slipway serve MODEL --port 3001`)"
        ) from exc
