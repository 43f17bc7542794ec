"""The plan as a comment on a pull request, against what answers as GitHub and Azure Repos do."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import ROOT


class Service(ThreadingHTTPServer):
    """Answers as the comments of GitHub and of Azure Repos do; keeps what was written, and refuses with `status`."""

    status = 0

    def __init__(self) -> None:
        self.comments: list[dict] = []
        self.tokens: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = json.loads(body) if body else {}
        comments = self.server.comments
        self.server.tokens.add(self.headers["Authorization"])
        path, _, query = self.path.partition("?")
        if self.server.status:
            return self._send(self.server.status, {})
        if self.command == "GET" and path.endswith("/threads"):
            return self._send(
                200, {"value": [{"id": 7, "comments": [{"id": 1, "content": c["body"]}]} for c in comments]}
            )
        if self.command == "GET":
            return self._send(200, comments if query.endswith("page=1") else [])
        text = said.get("body") or said.get("content") or said["comments"][0]["content"]
        if self.command == "POST":
            assert re.fullmatch(
                r"/repos/me/slipway/issues/5/comments|/org/my%20team/_apis/.*/pullRequests/5/threads", path
            )
            comments.append({"id": 11, "body": text})
        else:
            assert re.fullmatch(r"/repos/me/slipway/issues/comments/11|/org/my%20team/.*/threads/7/comments/1", path)
            comments[-1]["body"] = text
        self._send(200, {})

    def _send(self, status: int, answer: object) -> None:
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = _answer


@pytest.fixture
def service():
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def on(service: Service, where: str) -> dict[str, str]:
    """What each service sets for a step of a pull request's run."""
    if where == "github":
        own = {
            "GITHUB_API_URL": service.url,
            "GITHUB_REPOSITORY": "me/slipway",
            "PULL_REQUEST": "5",
            "GITHUB_TOKEN": "planted",
        }
    else:
        own = {
            "TF_BUILD": "True", "SYSTEM_COLLECTIONURI": f"{service.url}/org/", "SYSTEM_TEAMPROJECT": "my team",
            "BUILD_REPOSITORY_ID": "r1", "SYSTEM_PULLREQUEST_PULLREQUESTID": "5", "SYSTEM_ACCESSTOKEN": "planted",
        }  # fmt: skip
    return {"PATH": os.environ["PATH"]} | own


def comment(folder: Path, plan: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "dist").mkdir(exist_ok=True)
    (folder / "dist" / "plan.txt").write_text(plan, encoding="utf-8")
    command = [sys.executable, ROOT / "scripts" / "pipeline" / "comment.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("where", ["github", "azure"])
def test_the_plan_is_one_comment_that_each_push_changes(service, tmp_path, where):
    first = comment(tmp_path, "# a note\naz webapp create --name 'x'\n", on(service, where))
    second = comment(tmp_path, "# nothing ``` to do\n", on(service, where))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    (only,) = service.comments
    assert only["body"].endswith("````sh\n# nothing ``` to do\n````\n")
    assert service.tokens == {"Bearer planted"} and "planted" not in first.stdout + first.stderr


def test_a_long_plan_is_cut_and_says_so(service, tmp_path):
    ended = comment(tmp_path, "x" * 70_000, on(service, "github"))

    assert ended.returncode == 0 and len(service.comments[0]["body"]) < 65_536
    assert "… cut; the log of the run has all of it" in service.comments[0]["body"]


@pytest.mark.parametrize("where", ["github", "azure"])
def test_a_run_that_may_not_comment_says_so_in_one_line(service, tmp_path, where):
    service.status = 403

    ended = comment(tmp_path, "# a plan\n", on(service, where))

    assert ended.returncode == 1
    assert re.fullmatch(r"comment: the service answers 403 \w+; expected that the run may write .*\n", ended.stderr)


def test_a_run_without_a_pull_request_says_what_is_not_set(service, tmp_path):
    environment = on(service, "github")
    del environment["PULL_REQUEST"]

    ended = comment(tmp_path, "# a plan\n", environment)

    assert ended.stderr == "comment: 'PULL_REQUEST' is not set; a pull request's run sets it, see docs/ci.md\n"
