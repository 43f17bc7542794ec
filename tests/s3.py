"""A server that answers as S3 does (moto), as a process; `make stores-test` installs it into .venv/moto."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.conftest import ROOT, free_port

BUCKET = "rows"


@dataclass
class S3:
    """A server with one bucket, which is as empty after each start."""

    port: int
    process: subprocess.Popen | None = None

    @property
    def environment(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "mine", "AWS_REGION": "eu-central-1"}
        return keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def start(self) -> None:
        server = ROOT / ".venv" / "moto" / "bin" / "moto_server"
        assert server.exists(), f"no {server}; `make stores-test` makes it"
        command = [str(server), "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while True:
            try:
                httpx.put(f"http://127.0.0.1:{self.port}/{BUCKET}").raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextmanager
def running_s3() -> Iterator[S3]:
    """A server, and the variables that name it."""
    server = S3(free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.start()
        try:
            yield server
        finally:
            server.stop()
