"""Who may reach every route of the real app: BentoML's, ours, Gradio's, static files. A route that is not listed here fails."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from slipway.service.access.callers import Scope
from slipway.service.access.key_file import add_key
from slipway.service.paths import LOGIN, Audience, audience
from slipway.service.paths import ROUTES as PATHS
from tests.conftest import HOME, ROOT, Server, serve

# `nobody`: the guard of the page answers 404, whoever calls.
LISTED = {
    "anybody": "GET /livez, GET /readyz, GET /healthz, GET /favicon.ico",
    "predict": (
        "GET /, POST /predict, POST /predict_csv, POST /explain, POST /counterfactual, POST /outcome, GET /model/schema, GET /docs, GET /docs.json, "
        "GET /schema.json, MOUNT /static_content, GET /ui/en, GET /ui/en/, HEAD /ui/en/, GET /ui/en/theme.css, "
        "GET /ui/en/favicon.ico, GET /ui/en/assets/{path:path}, GET /ui/en/static/{path:path}, "
        "GET /ui/en/svelte/{path:path}, GET /ui/hyparquet.min.js, POST /ui/en/gradio_api/run/{api_name}, MOUNT /ui"
    ),
    "operate": "GET /metrics, GET /model, GET /model/card",
    "nobody": (
        "GET /ui/en/openapi.json, POST /ui/en/login, GET /ui/en/logout, GET /ui/en/config, GET /ui/en/robots.txt, "
        "GET /ui/en/pwa_icon/{size}, GET /ui/en/pwa_icon, GET /ui/en/manifest.json, GET /ui/en/monitoring, "
        "GET /ui/en/monitoring/summary, GET /ui/en/monitoring/{key}, GET /ui/en/gradio_api/deep_link, "
        "GET /ui/en/gradio_api/user, GET /ui/en/gradio_api/login_check, GET /ui/en/gradio_api/token, "
        "GET /ui/en/gradio_api/app_id, GET /ui/en/gradio_api/dev/reload, GET /ui/en/gradio_api/runs, "
        "GET /ui/en/gradio_api/info, GET /ui/en/gradio_api/openapi.json, "
        "GET /ui/en/gradio_api/custom_component/{id}/{environment}/{type}/{file_name}, "
        "GET /ui/en/gradio_api/proxy={url_path:path}, HEAD /ui/en/gradio_api/proxy={url_path:path}, "
        "GET /ui/en/gradio_api/file={path_or_url:path}, HEAD /ui/en/gradio_api/file={path_or_url:path}, "
        "GET /ui/en/gradio_api/file/{path:path}, POST /ui/en/gradio_api/stream/{event_id}, "
        "POST /ui/en/gradio_api/stream/{event_id}/close, "
        "GET /ui/en/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8, "
        "GET /ui/en/gradio_api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}, "
        "GET /ui/en/gradio_api/stream/{session_hash}/{run}/{component_id}/playlist-file, "
        "POST /ui/en/gradio_api/reset, GET /ui/en/gradio_api/heartbeat/{session_hash}, "
        "POST /ui/en/gradio_api/api/{api_name}, POST /ui/en/gradio_api/call/v2/{api_name}, "
        "POST /ui/en/gradio_api/call/{api_name}, POST /ui/en/gradio_api/queue/join, POST /ui/en/gradio_api/cancel, "
        "GET /ui/en/gradio_api/call/{api_name}/{event_id}, GET /ui/en/gradio_api/call/v2/{api_name}/{event_id}, "
        "GET /ui/en/gradio_api/queue/data, POST /ui/en/gradio_api/component_server, "
        "GET /ui/en/gradio_api/queue/status, GET /ui/en/gradio_api/upload_progress, POST /ui/en/gradio_api/upload, "
        "GET /ui/en/gradio_api/startup-events, GET /ui/en/gradio_api/theme.css, "
        "POST /ui/en/gradio_api/process_recording, POST /ui/en/gradio_api/vibe-edit, "
        "POST /ui/en/gradio_api/undo-vibe-edit, GET /ui/en/gradio_api/vibe-code, POST /ui/en/gradio_api/vibe-code, "
        "POST /ui/en/gradio_api/vibe-starter-queries"
    ),
}
ROUTES = {route: who for who, routes in LISTED.items() for route in routes.split(", ")}
EXAMPLES = {  # where a parameter has to be something that there is
    "/ui/en/gradio_api/run/{api_name}": "/ui/en/gradio_api/run/predict",
    "/static_content": "/static_content/swagger-ui.css",
    "/ui": "/ui/",
}


def normal(kind: str, methods: str, path: str) -> Iterator[str]:
    """A route as it is listed: the page in English, without a slash at the end, and GET that answers HEAD as well."""
    path = re.sub(r"^/ui/zh", "/ui/en", path)
    if path not in ("/", "/ui/en/"):
        path = path.rstrip("/")
    names = set(methods.split(",")) - {""}
    for method in (names - {"HEAD"} if "GET" in names else names) or {kind.upper()}:
        yield f"{method} {path}"


@pytest.fixture(scope="module")
def routes(insurance: str) -> list[tuple[str, str, str]]:
    """Every route of the app that serves insurance."""
    command = [sys.executable, "-m", "tests.app_routes"]
    found = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    return [tuple(line.split("\t")) for line in found.stdout.splitlines() if line.count("\t") == 2]


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """A key of each scope, and the file of both."""
    file = HOME / "policy-keys.json"
    return {"file": str(file)} | {scope: add_key(file, f"{scope}-key", frozenset({scope})) for scope in Scope}


@pytest.fixture(scope="module")
def guarded(insurance: str, keys: dict[str, str]) -> Iterator[Server]:
    """A server that asks for a key."""
    with serve("--arg", f"model={insurance}", SLIPWAY_KEYS_FILE=keys["file"]) as server:
        yield server


def test_every_route_of_the_app_is_listed_and_no_other(routes):
    found = {route for one in routes for route in normal(*one)} | {"GET /metrics"}  # answered in front of the app

    assert "GET /ui/en/gradio_api/info" in found and "GET /livez" in found, "the walk through the app finds too little"
    assert found - ROUTES.keys() == set(), "list who may reach it, and add it to slipway/service/paths.py"
    assert ROUTES.keys() - found == set(), "these routes are gone"


def test_no_route_is_a_websocket(routes):
    assert [path for kind, _, path in routes if kind == "websocket"] == []


def test_what_the_policy_lists_is_a_route():
    paths = {route.partition(" ")[2] for route in ROUTES} | {"/ui"}
    assert PATHS.keys() - paths == LOGIN


@pytest.mark.parametrize(
    "path",
    ["/nothing", "//predict", "/predict/submit", "/ui2", "/Predict", "/static_content", "/assets/a.js"],
)
def test_what_is_not_listed_is_nowhere(path):
    assert audience(path) is None


@pytest.mark.parametrize("path", sorted(LOGIN - {"/login/user"}))
def test_a_login_is_open_to_anybody(path):
    assert audience(path) is Audience.ANYBODY


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One client, as each would read all certificates of the machine."""
    with httpx.Client(timeout=60) as client:
        yield client


def status(client: httpx.Client, server: Server, route: str, key: str | None = None) -> int:
    method, _, path = route.partition(" ")
    path = re.sub(r"\{[^}]*\}", "1", EXAMPLES.get(path, path))
    headers = {"authorization": f"Bearer {key}"} if key else {}
    method = "GET" if method == "MOUNT" else method
    return client.request(method, server.url + path, headers=headers).status_code


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_answers_those_who_may_reach_it_and_nobody_else(client, guarded, keys, route):
    who = ROUTES[route]
    answers = [
        status(client, guarded, route, key) for key in (None, keys[Scope.PREDICT], keys[Scope.OPERATE], "slipway_x")
    ]

    if who == "anybody":
        assert set(answers) == {200}
        return
    assert (answers[0], answers[3]) == (401, 401)
    may, other = (answers[2], answers[1]) if who == "operate" else (answers[1], answers[2])
    assert other == 403
    if who == "nobody":
        assert may == 404
    else:
        assert may not in (401, 403, 405) and (may != 404 or "{path:path}" in route)


def test_what_is_nowhere_is_a_404_in_the_one_shape_with_and_without_a_key(guarded, keys):
    for headers in ({}, {"authorization": f"Bearer {keys[Scope.PREDICT]}"}):
        refused = guarded.get("/nothing", headers=headers)

        assert refused.status_code == 404 and refused.json()["code"] == "not_found"


@pytest.mark.parametrize("path", ["/ui/", "/ui/en/gradio_api/queue/join", "/", "/nothing"])
def test_a_websocket_is_never_opened(guarded, keys, path):
    headers = {
        "authorization": f"Bearer {keys[Scope.PREDICT]}",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    assert guarded.get(path, headers=headers).status_code != 101
