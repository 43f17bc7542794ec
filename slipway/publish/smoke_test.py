"""The smoke test of a version before it is saved: it is started as on a server, and tried once.

This happens in a separate process, as a server is one: what training has imported, patched or
left in memory cannot help. That process imports BentoML and Gradio while training is running and
then forks for each version, because importing takes seconds and a start takes one.
"""

import atexit
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from slipway.errors import NotServableError, SlipwayError, first_line
from slipway.schema.schema import Schema

ROOT = Path(__file__).parents[2]
"""Where this package lies: the process that tries a version has the same one, however it was found."""
CODE = "import sys; sys.path.insert(0, sys.argv[1]); from slipway.publish.smoke_test import listen; listen()"
SECONDS = 600.0
"""A start that takes longer has failed."""
IDLE_SECONDS = 300
"""After so long without a version to try, the process that waits for one ends."""
GAPS = 50
"""Fields that are left out one by one, at most: a pipeline takes up to 80 ms for each."""
OWN = ("SLIPWAY_", "GRADIO_", "PROMETHEUS_")
"""Variables that are for a server of this machine and say nothing of the version."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Child:
    """The process that waits for versions to try, and its home folder, which contains its log."""

    process: subprocess.Popen[str]
    home: Path

    def kill(self) -> None:
        """End it and what it has forked, which holds the other end of its pipes as well."""
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL) if os.name == "posix" else self.process.kill()

    def end(self) -> None:
        """End it and what it has forked; its home is removed."""
        self.kill()
        with suppress(OSError):  # what it has not read
            self.process.communicate()
        shutil.rmtree(self.home, ignore_errors=True)

    def ask(self, line: str) -> dict[str, Any] | None:
        """Its answer to a line; None if it ended without one."""
        asked, answers = self.process.stdin, self.process.stdout
        if asked is None or answers is None:
            raise AssertionError("started without pipes")
        with suppress(OSError):
            asked.write(line + "\n")
            asked.flush()
            answer = answers.readline()
            return json.loads(answer) if answer else None
        return None

    def last_words(self) -> str:
        """The last line of its log."""
        lines = (self.home / "log").read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


_child: _Child | None = None


def warm_up() -> _Child:
    """The process that tries versions; started if there is none, so that it imports what a server does meanwhile."""
    global _child
    if _child and _child.process.poll() is None:
        return _child
    if _child:
        _child.end()
    home = Path(tempfile.mkdtemp(prefix="slipway-start-"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    ours = {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "GRADIO_ANALYTICS_ENABLED": "False"}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 (nothing in it is anybody's but ours)
            [sys.executable, "-c", CODE, str(ROOT)],
            cwd=ROOT,
            env=kept | ours,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for training
        )
    _child = _Child(process, home)
    return _child


@atexit.register
def _end() -> None:
    global _child
    if _child:
        _child.end()
    _child = None


def check(models: Path, tag: str, progress: Progress = lambda text: None) -> None:
    """Start the version as a server would, and make the calls that a page and a program make first.

    Parameters
    ----------
    models : path
        A BentoML model store that contains the version, with its pipeline.
    tag : str
    progress : callable, optional
        Called with a line on anything that could not be tried here.

    Raises
    ------
    NotServableError
        With what failed and why.
    """
    try:
        child = warm_up()
    except OSError as exc:
        raise NotServableError(tag, "starting a process", str(exc)) from exc
    asked = json.dumps({"models": str(models.resolve()), "tag": tag})
    timer = threading.Timer(SECONDS, child.kill)
    timer.start()
    try:
        found = child.ask(asked)
    except BaseException:  # whatever it still answers is not for the next version
        _end()
        raise
    finally:
        timer.cancel()
    if found is None:
        reason = child.last_words()
        _end()
        raise NotServableError(tag, "the process that starts it ended", reason)
    if found["failed"]:
        raise NotServableError(tag, found["failed"], found["reason"])
    if found["untried"]:
        progress(f"the page was not tried: {found['untried']}")


def listen() -> None:
    """What the process runs: a line in for each version to try, a line out with what was found."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints goes into the log
    from slipway.store._bentoml import import_server

    import_server()
    for module in ("starlette.testclient", "slipway.service.app"):
        import_module(module)
    untried = _without_page()
    while line := _next_line():
        asked = json.loads(line)
        if not any((Path(asked["models"]) / asked["tag"].replace(":", "/")).glob("*.onnx")):
            _import_pycaret()
        if not hasattr(os, "fork"):
            _answer(answers, _try(**asked, untried=untried))
            return  # BentoML allows one app in a process
        child = os.fork()
        if child == 0:
            _answer(answers, _try(**asked, untried=untried))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            ended = f"by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"with {os.WEXITSTATUS(status)}"
            _answer(answers, {"failed": "starting it", "reason": f"the process ended {ended}", "untried": None})
    # Training has ended, maybe killed: then nobody else removes it.
    shutil.rmtree(os.environ["BENTOML_HOME"], ignore_errors=True)


def _next_line() -> str:
    """The next version to try; empty at the end, and the process ends if it waits for long."""
    if hasattr(signal, "alarm"):
        signal.alarm(IDLE_SECONDS)
    line = sys.stdin.readline()
    if hasattr(signal, "alarm"):
        signal.alarm(0)
    return line


def _answer(answers: IO[str], found: dict[str, Any]) -> None:
    answers.write(json.dumps(found) + "\n")
    answers.flush()


def _without_page() -> str | None:
    """Why the page cannot be built here; None if it can."""
    if find_spec("gradio") is None:
        return "Gradio is not installed (requirements/serve.txt has it)"
    import_module("slipway.page.app")
    import gradio
    from fastapi import FastAPI

    gradio.mount_gradio_app(FastAPI(), gradio.Blocks(), path="/")  # imports more
    return None


def _import_pycaret() -> None:
    """Once for all versions that are served by their pipelines: it takes longer than all else."""
    from slipway.training._pycaret import import_steps

    import_steps()


def _try(models: str, tag: str, untried: str | None) -> dict[str, Any]:
    """Start the version and try it; `failed` is what did not work, None if everything did."""
    doing = "loading it"
    try:
        for doing in _start(models, tag, with_page=untried is None):  # noqa: B007 (for whoever catches)
            pass
    except BaseException as exc:  # whatever a server would end with
        words = str(exc) if isinstance(exc, SlipwayError) else f"{type(exc).__name__}: {exc}"
        return {"failed": doing, "reason": first_line(words), "untried": untried}
    return {"failed": None, "reason": None, "untried": untried}


def _start(models: str, tag: str, with_page: bool) -> Iterator[str]:
    """Start the version and try it, yielding each step before it is taken."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from slipway import store
    from slipway.service.app import make_service
    from slipway.service.model import LoadedModel
    from slipway.service.settings import Settings
    from slipway.store._bentoml import use_store

    use_store(Path(models))
    yield "loading it"
    served = LoadedModel(store.find(tag))
    yield "repeating its golden predictions"
    served.check_golden()
    page = Starlette()
    if with_page:
        yield "building its page"
        from slipway.page.app import mount

        page = mount(served)
    yield "starting its service"
    app = make_service(served, page, Settings()).to_asgi()

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)  # the test client has one that no server has

    with TestClient(plain) as client:
        for what, call, accepted in _calls(client, served.schema, with_page):
            yield what
            response = call()
            if response.status_code not in accepted:
                raise RuntimeError(f"status {response.status_code}, {response.text[:300]}")


def _calls(client: Any, schema: Schema, with_page: bool) -> Iterator[tuple[str, Callable[[], Any], tuple[int, ...]]]:
    """The calls to try: for each its name, the call, and the status codes that are correct."""
    record = schema.example()
    text = io.StringIO()
    # With a column more, as pandas writes its index, since a row of empty cells alone is none.
    rows: list[list[Any]] = [[*schema.names, ""], [*(record[name] for name in schema.names), "1"]]
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    file = {"files": {"file": ("a.csv", text.getvalue())}}

    def post(path: str, **content: Any) -> Callable[[], Any]:
        return lambda: client.post(path, **content)

    yield "POST /predict", post("/predict", json={"records": [record]}), (200,)
    # Each alone: a step may treat a column otherwise that has nothing but gaps.
    for name in [field.name for field in schema.fields if field.nullable][:GAPS]:
        yield f"POST /predict without {name!r}", post("/predict", json={"records": [record | {name: None}]}), (200,)
    yield "POST /predict_csv", post("/predict_csv", **file), (200,)
    # A model without probabilities says so with 400.
    yield "POST /explain", post("/explain", json={"record": record}), (200, 400)
    pages = ("/ui/en/", "/ui/zh/") if with_page else ()
    for path in ("/model", "/model/schema", "/model/card", "/docs.json", *pages):
        yield f"GET {path}", partial(client.get, path), (200,)
