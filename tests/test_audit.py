"""`make audit`: a known vulnerability of a locked package, and a database that does not answer, are failures."""

import json
import subprocess
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.conftest import ROOT, free_port

pytestmark = pytest.mark.package


@contextmanager
def database(vulnerable: str):
    """A server that answers as OSV does: one package has a vulnerability, the others have none. Yields address and questions."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((question["package"]["name"], question["version"]))
            package = {"name": vulnerable, "ecosystem": "PyPI"}
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}]
            found = {"id": "PYSEC-1", "details": "made up", "affected": [{"package": package, "ranges": ranges}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(
                json.dumps({"vulns": [found]} if question["package"]["name"] == vulnerable else {}).encode()
            )

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
    server.shutdown()


def audit(address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", "audit", f"OPTIONS=--osv-url {address}"], cwd=ROOT, capture_output=True, text=True
    )


def test_every_locked_package_is_asked_about_and_none_has_a_known_vulnerability():
    with database("none-of-them") as (address, asked):
        run = audit(address)

    assert run.returncode == 0, run.stderr
    locked = (ROOT / "requirements" / "serve.txt").read_text(encoding="utf-8")
    assert len(asked) > 80 and all(f"{name}=={version}" in locked for name, version in asked)


def test_a_known_vulnerability_fails_and_is_named_with_the_version_that_mends_it():
    with database("jinja2") as (address, _):
        run = audit(address)

    assert run.returncode != 0
    assert "jinja2" in run.stdout and "PYSEC-1" in run.stdout and "99.0" in run.stdout


def test_a_database_that_does_not_answer_fails():
    assert audit(f"http://127.0.0.1:{free_port()}/v1/query").returncode != 0
