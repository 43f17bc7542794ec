"""A real PostgreSQL for tests."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy

WANTED = bool(os.environ.get("SLIPWAY_REQUIRE_POSTGRESQL"))
PASSWORD = "s3cret-w0rd"


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The address of an empty server on loopback that answers; run by a user who is not root. Without PostgreSQL the test is skipped."""
    found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    if found is None and not WANTED:
        pytest.skip("PostgreSQL is not installed")
    binaries = Path(found or "initdb").resolve().parent
    folder = Path("/tmp") / f"slipway-postgresql-{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o755)
    user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, "nobody", "nogroup")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **user}
    subprocess.run([binaries / "initdb", "-D", data, "-U", "me", "-A", "scram-sha-256", f"--pwfile={secret}"], check=True, capture_output=True, **run)  # fmt: skip
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-p", str(port)]
    server = subprocess.Popen([binaries / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL, **run)
    address = f"postgresql://me:{PASSWORD}@127.0.0.1:{port}/postgres"
    try:
        _wait(address)
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # which does not wait until every client has gone, as SIGTERM does
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str) -> None:
    engine = sqlalchemy.create_engine(address.replace("postgresql:", "postgresql+pg8000:"))
    for _ in range(100):
        try:
            engine.connect().close()
            engine.dispose()
            return
        except sqlalchemy.exc.SQLAlchemyError:
            time.sleep(0.2)
    raise AssertionError("PostgreSQL does not answer")
