"""The process that looks after the workers: it starts them, replaces those that end or hang, and stops them.

It takes the place of circus, which BentoML uses: docs/decisions/supervisor.md says why. A worker of a compiled version is
a fork of this process, which has imported everything and checked the model, so that it answers at once and shares its
memory; any other is started anew. Where another version is promoted, its workers are started beside those that serve, on
the same sockets; once all of them answer, the others finish what they have and end.
"""

import gc
import logging
import math
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

from slipway.service.generation import Generation, Successors
from slipway.service.worker import PIPE, SUCCEEDS
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
    generation: Generation
    kind: str = WORKER
    """A helper answers large calls for the workers; `metrics` answers on the port of the metrics."""
    silent: float = 0.0
    """Seconds without a sign of life in which the supervisor was running."""
    lives: bool = False
    """Whether it has given one."""
    grace: float | None = None
    """Seconds left to finish, for a worker of a version that is not served any more."""

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
    generation : Generation
        What is served.
    timeout : float
        Seconds without a sign of life until a worker is replaced.
    successors : Successors, optional
        Where to look for what takes its place.
    metrics : callable, optional
        What one more fork does: a thread that answers for the metrics here would be in the way of the forks.
    """

    def __init__(
        self,
        watchers: list[Any],
        sockets: list[Any],
        *,
        generation: Generation,
        timeout: float,
        successors: Successors | None = None,
        metrics: Callable[[], None] | None = None,
    ) -> None:
        self.exit_stack = ExitStack()
        self._watcher = watchers[0]
        self._sockets = sockets
        self._serving = generation
        self._next: Generation | None = None  # whose workers are being started
        self._successors = successors
        self._unlooked = 0.0  # seconds since it was looked for a successor
        self._timeout = timeout
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
        if number == signal.SIGHUP and self._successors:
            log.info("SIGHUP: looking which version is promoted")
            self._unlooked = math.inf
        elif number == signal.SIGHUP:
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
            worker = self._workers.get(int(pid))
            if text and worker and worker.generation is self._next:
                self._give_up(text)
            elif text:
                self._fail(text)
            elif worker:
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
            if self._grace is None and worker.generation is not self._serving:
                self._read()  # it may have said why
                if worker.generation is self._next:
                    self._give_up(f"{worker} {_how(status)}")
            elif self._grace is None:
                self._failures += not worker.lives
                self._read()
                if self._failures >= TRIES:
                    self._fail(f"slipway: {TRIES} workers in a row could not start; the last {_how(status)}")
                elif self._grace is None:
                    log.warning("%s (process %d) %s; another takes its place", worker, pid, _how(status))

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
        self._look_after_others(elapsed)
        self._look_for_successor(elapsed)
        self._fill()

    def _fill(self) -> None:
        """Start as many processes of each kind as are missing."""
        there = {(worker.generation, worker.kind, worker.number) for worker in self._workers.values()}
        workers: int = self._watcher.numprocesses
        for generation in filter(None, (self._serving, self._next)):
            wanted = {HELPER: workers if generation.helpers else 0, WORKER: workers}
            for kind, most in wanted.items():
                for number in range(1, most + 1):
                    if (generation, kind, number) not in there:
                        self._start(Worker(number, generation, kind))
        if self._metrics and METRICS not in {worker.kind for worker in self._workers.values()}:
            self._start(Worker(1, self._serving, METRICS))

    # Another version

    def _look_for_successor(self, elapsed: float) -> None:
        """Begin to serve another version where one is promoted; switch to it once all its workers answer."""
        if self._next:
            workers = [one for one in self._workers.values() if one.generation is self._next and one.kind == WORKER]
            if len(workers) == self._watcher.numprocesses and all(one.lives for one in workers):
                self._switch(self._next)
            return
        self._unlooked += elapsed
        if self._successors and self._unlooked >= self._successors.interval:
            self._next = self._successors.look(self._serving.tag, again=self._unlooked == math.inf)
            self._unlooked = 0.0
            if self._next:
                gc.unfreeze()  # else what was served before stays in memory
                gc.collect()
                gc.freeze()

    def _switch(self, following: Generation) -> None:
        before, self._serving, self._next = self._serving, following, None
        log.info("%s is served now; workers of %s finish what they answer", following.tag, before.tag)
        self._retire(before)

    def _give_up(self, reason: str) -> None:
        """The workers of another version cannot start: nothing changes."""
        assert self._next  # noqa: S101
        log.error("%s cannot be served (%s); %s is served as before", self._next.tag, reason, self._serving.tag)
        before, self._next = self._next, None
        self._retire(before)

    def _retire(self, generation: Generation) -> None:
        """Have the workers of a version that is not served finish and end; helpers end after them."""
        generation.close()
        for pid, worker in self._workers.items():
            if worker.kind == METRICS:
                worker.generation = self._serving
            elif worker.generation is generation and worker.kind == WORKER:
                worker.grace = GRACE
                os.kill(pid, signal.SIGTERM)

    def _look_after_others(self, elapsed: float) -> None:
        """Kill what is left of versions that are not served any more."""
        needed = {worker.generation for worker in self._workers.values() if worker.kind == WORKER}
        needed |= {self._serving, *([self._next] if self._next else [])}
        for pid, worker in self._workers.items():
            if worker.grace is not None:
                worker.grace -= elapsed
            if worker.generation not in needed or (worker.grace is not None and worker.grace <= 0):
                os.kill(pid, signal.SIGKILL)

    # Processes

    def _start(self, worker: Worker) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # The handlers of this process are not the worker's.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        pid = os.fork()
        if not pid:
            self._become(worker, blocked)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        self._workers[pid] = worker

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
            for generation in filter(None, (self._serving, self._next)):
                if generation is not worker.generation:
                    generation.close()
            if worker.kind == WORKER:
                self._be_worker(worker)
            else:
                self._be_another(worker)
            code = 0
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _be_worker(self, worker: Worker) -> None:
        worker.generation.begin()
        if worker.generation is self._next:
            os.environ[SUCCEEDS] = "1"
        arguments = [self._filled_in(argument, worker.number) for argument in self._watcher.args]
        if not worker.generation.forks:
            os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 (BentoML's own command)
        run_worker(arguments)

    def _be_another(self, worker: Worker) -> None:
        for listening in self._sockets:
            listening.close()
        if worker.kind == METRICS and self._metrics:
            self._metrics()
        elif worker.generation.helpers:
            worker.generation.helpers.run()

    def _filled_in(self, argument: str, number: int) -> str:
        """An argument of the worker's command with what circus fills in."""
        argument = argument.replace("$(CIRCUS.WID)", str(number))
        for listening in self._sockets:
            argument = argument.replace(f"$(circus.sockets.{listening.name})", str(listening.fileno()))
        return argument


def _how(status: int) -> str:
    """How a process has ended."""
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
