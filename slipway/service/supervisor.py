"""The process that looks after the workers: it starts them, replaces those that end or hang, and stops them.

It takes the place of circus, which BentoML uses: docs/decisions/supervisor.md says why. A worker of a compiled version is
a fork of this process, which has imported everything and checked the model, so that it answers at once and shares its
memory; any other is started anew.
"""

import gc
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from slipway.service.helper import Helpers
from slipway.service.worker import PIPE
from slipway.store._bentoml import run_worker

log = logging.getLogger("bentoml")

GRACE = 300.0
"""Seconds that workers have to finish what they are answering; BentoML allows a call as long."""
FAILED_GRACE = 30.0
"""The same, if the server stops because a worker cannot start."""
PATIENCE = 4
"""How many times as long as a worker a helper may be silent: reading a workbook is one call, and takes long at its low priority."""
TO_START = 120.0
"""Seconds until the first sign of life of a worker."""
TICK = 0.5
"""Seconds between two looks at the workers."""
TRIES = 3
"""Workers in a row that may end before they have answered."""
WORKER, HELPER, METRICS = "worker", "helper", "metrics"
"""The kinds of processes that are looked after."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD) if os.name == "posix" else ()


@dataclass
class Worker:
    """A worker process."""

    number: int
    """From 1; whoever takes its place has the same."""
    kind: str = WORKER
    """A helper answers large calls for the workers; `metrics` answers on the port of the metrics."""
    silent: float = 0.0
    """Seconds without a sign of life in which the supervisor was running."""
    lives: bool = False
    """Whether it has given one."""

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


class Supervisor:
    """Starts the workers of a server, replaces those that end or fall silent, and stops them.

    BentoML makes one where it would make circus's arbiter, and uses `exit_stack` and `start` of it.

    Parameters
    ----------
    watchers : list of circus.watcher.Watcher
        One: how a worker is started, and how many.
    sockets : list of circus.sockets.CircusSocket
    forks : bool
        Whether workers are forks of this process.
    timeout : float
        Seconds without a sign of life until a worker is replaced.
    helpers : Helpers, optional
        What as many other forks are, for workers that are forks.
    metrics : callable, optional
        What one more fork does: a thread that answers for the metrics here would be in the way of the forks.
    """

    def __init__(
        self,
        watchers: list[Any],
        sockets: list[Any],
        *,
        forks: bool,
        timeout: float,
        helpers: Helpers | None = None,
        metrics: Callable[[], None] | None = None,
    ) -> None:
        self.exit_stack = ExitStack()
        self._watcher = watchers[0]
        self._sockets = sockets
        self._forks = forks
        self._timeout = timeout
        self._helpers = helpers
        self._metrics = metrics
        self._workers: dict[int, Worker] = {}
        self._failure = ""
        self._failures = 0  # workers in a row that have ended before they gave a sign of life
        self._asked = False  # to stop, by a signal
        self._grace: float | None = None  # seconds left to stop
        self._messages, self._writing = os.pipe()
        self._rest = b""

    def start(self, cb: Callable[[Any], Any] | None = None) -> None:
        """Serve until a signal stops the server, or a worker cannot start.

        Raises
        ------
        SystemExit
            With the line of the worker that cannot start.
        """
        with self.exit_stack, self._signals() as wake:
            for listening in self._sockets:
                listening.bind_and_listen()
            gc.freeze()  # what the collector does not look at stays shared with the workers
            self._fill()
            if cb:
                cb(None)
            before = time.monotonic()
            while self._workers:
                self._wait(wake)
                if self._asked:
                    self._stop(GRACE)
                self._read()
                self._reap()
                now = time.monotonic()
                # A process that was frozen together with its workers, or a machine that slept, is none of their fault.
                self._look_after(min(now - before, 2 * TICK))
                before = now
        if self._failure:
            raise SystemExit(self._failure)

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Handles signals inside; gives what becomes readable with each."""
        for end in (self._messages, self._writing):
            os.set_blocking(end, False)
        os.set_inheritable(self._writing, True)
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self._handle)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    def _handle(self, number: int, _: Any) -> None:
        if number == signal.SIGHUP:
            log.info("SIGHUP: nothing is read again; to serve another version, start a new server")
        elif number != signal.SIGCHLD:
            self._asked = True

    def _stop(self, grace: float) -> None:
        """Ask every worker to finish."""
        self._asked = False
        self._grace = grace if self._grace is None else min(grace, self._grace)
        for listening in self._sockets:
            listening.close()  # who connects once the workers have closed theirs is refused, and does not wait in vain
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        """Send a signal to every worker."""
        for pid in self._workers:
            os.kill(pid, number)  # a child is there until it is waited for

    def _wait(self, wake: int) -> None:
        ready, _, _ = select.select([wake, self._messages], [], [], TICK)
        if wake in ready:
            os.read(wake, 4096)

    def _read(self) -> None:
        """What the workers have told."""
        try:
            self._rest += os.read(self._messages, 65536)
        except BlockingIOError:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            pid, _, text = line.decode("utf-8", "replace").partition(" ")
            if text:
                self._fail(text)
            elif worker := self._workers.get(int(pid)):
                worker.lives, worker.silent = True, 0.0
                self._failures = 0

    def _fail(self, line: str) -> None:
        """Stop the server for the reason that a line names."""
        if not self._failure:
            self._failure = line
            self._stop(FAILED_GRACE)

    def _reap(self) -> None:
        """Find the workers that have ended."""
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            worker = self._workers.pop(pid)
            if self._grace is None:
                code = os.waitstatus_to_exitcode(status)
                how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                self._failures += not worker.lives
                self._read()  # it may have said why
                if self._failures >= TRIES:
                    self._fail(f"slipway: {TRIES} workers in a row could not start; the last {how}")
                elif self._grace is None:
                    log.warning("%s (process %d) %s; another takes its place", worker, pid, how)

    def _look_after(self, elapsed: float) -> None:
        """Kill the workers that are silent, or late to stop; start those that are missing."""
        if self._grace is not None:
            self._grace -= elapsed
            if self._grace <= 0 or all(worker.kind != WORKER for worker in self._workers.values()):
                self._signal(signal.SIGKILL)  # the others know no other signal
            return
        for pid, worker in self._workers.items():
            worker.silent += elapsed
            timeout = self._timeout * (PATIENCE if worker.kind == HELPER else 1)
            if worker.silent > (timeout if worker.lives else TO_START):
                log.error("%s (process %d) has given no sign of life for %.0f s", worker, pid, worker.silent)
                os.kill(pid, signal.SIGKILL)
        self._fill()

    def _fill(self) -> None:
        """Start as many processes of each kind as are missing."""
        there = {(worker.kind, worker.number) for worker in self._workers.values()}
        workers: int = self._watcher.numprocesses
        wanted = {HELPER: workers if self._helpers else 0, WORKER: workers, METRICS: 1 if self._metrics else 0}
        for kind, most in wanted.items():
            for number in range(1, most + 1):
                if (kind, number) not in there:
                    worker = Worker(number, kind)
                    self._workers[self._start(worker)] = worker

    def _start(self, worker: Worker) -> int:
        """Start a worker; its process id."""
        sys.stdout.flush()
        sys.stderr.flush()
        # The handlers of this process are not the worker's.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if not pid:
            self._become(worker, blocked)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return pid

    def _become(self, worker: Worker, blocked: Any) -> None:
        """In the new process: serve, and end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for one in SIGNALS:
                signal.signal(one, signal.SIG_IGN if one == signal.SIGHUP else signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os.close(self._messages)
            if worker.kind == WORKER:
                os.chdir(self._watcher.working_dir)
                os.environ.update(self._watcher.env)
            os.environ[PIPE] = f"{os.getppid()}:{self._writing}"
            if worker.kind == WORKER:
                self._be_worker(worker.number)
            else:
                self._be_another(worker.kind)
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _be_worker(self, number: int) -> None:
        if self._helpers:
            self._helpers.use()
        arguments = [self._filled_in(argument, number) for argument in self._watcher.args]
        if not self._forks:
            os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 (BentoML's own command)
        run_worker(arguments)

    def _be_another(self, kind: str) -> None:
        for listening in self._sockets:
            listening.close()
        if kind == HELPER and self._helpers:
            self._helpers.run()
        elif kind == METRICS and self._metrics:
            self._metrics()

    def _filled_in(self, argument: str, number: int) -> str:
        """An argument of the worker's command with what circus fills in."""
        argument = argument.replace("$(CIRCUS.WID)", str(number))
        for listening in self._sockets:
            argument = argument.replace(f"$(circus.sockets.{listening.name})", str(listening.fileno()))
        return argument
