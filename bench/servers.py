"""Slipway and its peers as processes on this machine's loopback: started, awaited, weighed, stopped."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

import psutil

from bench.load import LoadError

ROOT = Path(__file__).parent.parent
_BENTOML = [str(Path(sys.executable).with_name("bentoml")), "serve", "--host", "127.0.0.1", "--port", "{port}"]
_UVICORN = [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"]

SLIPWAY, DIABETES, LOGGED = "Slipway", "Slipway, diabetes", "Slipway, request log"
SIGNING, SIGNED = "Slipway, with a key", "Slipway, signed answers"
RAW, FASTAPI, BENTOML = "bare socket", "FastAPI, no model", "BentoML, no model"
MLFLOW = "MLflow + PyCaret pipeline"
ONNX = "FastAPI, the same graph"
SKLEARN, PYCARET, GRADIO = "FastAPI + scikit-learn", "FastAPI + PyCaret pipeline", "BentoML + empty Gradio page"

COMMANDS = {
    SLIPWAY: [*_BENTOML, "--arg", "model=insurance"],
    DIABETES: [*_BENTOML, "--arg", "model=diabetes"],
    **dict.fromkeys((LOGGED, SIGNING, SIGNED), [*_BENTOML, "--arg", "model=insurance"]),
    RAW: [sys.executable, "-m", "bench.peers.raw", "{port}"],
    FASTAPI: [*_UVICORN, "bench.peers.fastapi_bare:app"],
    ONNX: [*_UVICORN, "bench.peers.fastapi_onnx:app"],
    BENTOML: [*_BENTOML, "bench.peers.bentoml_bare:Bare"],
    SKLEARN: [*_UVICORN, "bench.peers.fastapi_sklearn:app"],
    PYCARET: [*_UVICORN, "bench.peers.fastapi_pycaret:app"],
    GRADIO: [*_BENTOML, "bench.peers.bentoml_gradio:Page"],
    # What `mlflow models serve --env-manager local` runs, in an environment of its own (`make bench-load`).
    MLFLOW: [str(ROOT / ".venv" / "load" / "bin" / "python"), *_UVICORN[1:], "mlflow.pyfunc.scoring_server.app:app"],
}

READY = {MLFLOW: "/ping"}


@dataclass(frozen=True)
class Server:
    """A process that was started, and is to be waited for."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    started: float = field(default_factory=time.perf_counter)

    def wait(self) -> float:
        """Seconds from its start to the first 200 of its `/readyz`; it returns when the page is there, too."""
        while get(self.port, READY.get(self.name, "/readyz"))[0] != 200:
            if self.process.poll() is not None or time.perf_counter() - self.started > 180:
                self.log.seek(0)
                raise LoadError(f"{self.name} did not start:\n{self.log.read().decode(errors='replace')[-3000:]}")
            time.sleep(0.02)
        ready = time.perf_counter() - self.started
        while get(self.port, "/ui/")[0] == 503:
            time.sleep(0.1)
        return ready

    def memory(self) -> dict[str, float]:
        """MB of the process and its children: resident, and (on Linux) with shared pages shared out."""
        parent = psutil.Process(self.process.pid)
        found = [process.memory_full_info() for process in (parent, *parent.children(recursive=True))]
        memory = {"rss_mb": sum(info.rss for info in found) / 1e6}
        if hasattr(found[0], "pss"):
            memory["pss_mb"] = sum(info.pss for info in found) / 1e6
        return memory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body of a GET; status 0 if there is nobody."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


@contextmanager
def serve(name: str, environment: Mapping[str, str] = MappingProxyType({}), workers: int = 1) -> Iterator[Server]:
    """A server, stopped at the end with all its children."""
    port = free_port()
    command = [part.format(port=port) for part in COMMANDS[name]]
    if workers > 1:
        environment = {
            **environment,
            "SLIPWAY_WORKERS": str(workers),
            "WEB_CONCURRENCY": str(workers),
        }  # ours, uvicorn's
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 (the commands above)
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Server(name, port, process, log)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in psutil.wait_procs(children, timeout=10)[1]:
        child.kill()
