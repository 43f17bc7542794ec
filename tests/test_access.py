"""API keys: their file, their command, what a server answers those who call with one; hosts, CORS, trusted proxies."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from slipway.cli.main import main
from slipway.errors import RequestCode, SlipwayError
from slipway.service.access import key_file, keys
from slipway.service.access.callers import Caller, Scope
from slipway.service.access.key_file import add_key, read_keys, revoke_key
from slipway.service.access.keys import ApiKeys
from slipway.service.access.middleware import Access
from slipway.service.access.setup import announce
from slipway.service.allowed_hosts import AllowedHosts
from slipway.service.forwarded import Forwarded, Networks, peer_of
from slipway.service.port import listening
from slipway.service.proxy import BehindProxy
from slipway.service.requests import RequestError
from slipway.service.security_headers import SecurityHeaders, cors
from tests.calls import on_a_loop, refusal
from tests.conftest import PERSON, ROOT, SLIPWAY, Server, serve
from tests.test_errors import documented, example

PREDICT = frozenset({Scope.PREDICT})
DAY = timedelta(days=1)


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "keys.json"


def asked(**headers: str) -> dict:
    """A request with these headers."""
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": given, "state": {}}


def bearer(key: str) -> dict:
    return asked(authorization=f"Bearer {key}")


# The file of keys


def test_the_file_has_no_key_and_nobody_else_may_read_it(file):
    key = add_key(file, "reporting", PREDICT)

    assert key.startswith("slipway_") and len(key) == 51
    assert key not in file.read_text() and key[8:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [(one.name, one.scopes, one.expires) for one in read_keys(file)] == [("reporting", PREDICT, None)]


def test_many_keys_added_at_once_are_all_there(file):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: add_key(file, f"k{number}", PREDICT), range(16)))

    found = ApiKeys(file)
    assert sorted(found.caller(bearer(key)).name for key in made) == sorted(f"k{number}" for number in range(16))


@pytest.mark.parametrize("name", ["", " ", "a b", "é", "-a", "a" * 65, "a\nb", "../x"])
def test_a_name_that_a_log_could_not_show_is_refused(file, name):
    with pytest.raises(SlipwayError, match="cannot be the name of a key"):
        add_key(file, name, PREDICT)


def test_a_name_is_given_once(file):
    add_key(file, "a", PREDICT)

    with pytest.raises(SlipwayError, match="has a key 'a'; revoke it first"):
        add_key(file, "a", PREDICT)


def test_a_key_that_is_not_there_cannot_be_revoked(file):
    add_key(file, "reporting", PREDICT)

    with pytest.raises(SlipwayError, match="has no key 'reportin'; did you mean 'reporting'"):
        revoke_key(file, "reportin")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o640, 0o666])
def test_a_file_that_others_may_read_is_refused_with_what_to_do(file, mode):
    add_key(file, "a", PREDICT)
    file.chmod(mode)

    with pytest.raises(SlipwayError, match=f"has the mode 0{mode:o}, .*; expected 0600: `chmod 600"):
        ApiKeys(file)


GOOD_ENTRY = {
    "name": "a",
    "scopes": ["predict"],
    "created": "2026-01-01",
    "expires": None,
    "fingerprint": "00" * 8,
    "salt": "00",
    "scrypt": "00",
}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 2, "keys": []}',
        '{"format": 1, "keys": {}}x',
        '{"format": 1, "keys": [1]}',
        *(json.dumps({"format": 1, "keys": [GOOD_ENTRY | wrong]}) for wrong in (
            {"name": "a\nb"}, {"scopes": ["root"]}, {"salt": "xyz"}, {"expires": "soon"}, {"name": None}, {"salt": 1},
        )),
        json.dumps({"format": 1, "keys": [GOOD_ENTRY, GOOD_ENTRY]}),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_keys_is_refused_in_one_line(file, content):
    file.write_text(content)
    file.chmod(0o600)

    with pytest.raises(SlipwayError, match="is not a file of API keys") as caught:
        ApiKeys(file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused_with_the_command_that_makes_one(file):
    with pytest.raises(SlipwayError, match="cannot be read .*; `slipway keys add NAME --file"):
        ApiKeys(file)


# Calls with a key


def refused(found: ApiKeys, scope: dict) -> RequestError:
    with pytest.raises(RequestError) as caught:
        found.caller(scope)
    assert caught.value.status == 401
    return caught.value


def test_a_key_names_its_caller_in_either_header(file):
    key = add_key(file, "reporting", PREDICT)
    found = ApiKeys(file)

    for scope in (bearer(key), asked(authorization=f"bearer {key}"), asked(x_api_key=key)):
        assert found.caller(scope) == Caller("reporting", PREDICT, "key")


def test_two_keys_are_refused_and_one_key_twice_is_one(file):
    key, other = add_key(file, "a", PREDICT), add_key(file, "b", PREDICT)
    found = ApiKeys(file)

    for one, two in ((key, other), (other, key), (key, "unknown")):
        assert refused(found, asked(authorization=f"Bearer {one}", x_api_key=two)).code is RequestCode.SEVERAL_KEYS
    assert found.caller(asked(authorization=f"Bearer {key}", x_api_key=key)).name == "a"


@pytest.mark.parametrize("header", ["Basic YTpi", "Digest x", ""])
def test_other_credentials_are_left_to_others(file, header):
    add_key(file, "a", PREDICT)

    assert ApiKeys(file).caller(asked(authorization=header)) is None


def test_a_key_that_is_changed_anywhere_is_unknown(file):
    key = add_key(file, "a", PREDICT)
    found = ApiKeys(file)

    for wrong in (key[:-1], key + "x", key[:-1] + ("A" if key[-1] != "A" else "B"), key.upper(), "x" * 5000, "é"):
        assert refused(found, bearer(wrong)).code is RequestCode.INVALID_KEY
    assert found.caller(bearer(key))


def test_an_unknown_key_never_costs_a_slow_hash(file, monkeypatch):
    key = add_key(file, "a", PREDICT)
    found = ApiKeys(file)
    hashed = []
    monkeypatch.setattr(key_file, "_hash", lambda *given: hashed.append(given) or "")

    for number in range(100):
        refused(found, bearer(f"slipway_{number}"))
    assert hashed == []
    refused(found, bearer(key))  # as its hash is another now
    assert len(hashed) == 1


def test_a_slow_hash_is_computed_once_for_a_key(file, monkeypatch):
    key = add_key(file, "a", PREDICT)
    found, slow, hashed = ApiKeys(file), key_file._hash, []
    monkeypatch.setattr(key_file, "_hash", lambda *given: hashed.append(given) or slow(*given))

    for _ in range(5):
        found.caller(bearer(key))
    assert len(hashed) == 1


def test_a_key_is_valid_on_its_last_day_and_not_after(file, monkeypatch):
    today = key_file.today()
    key = add_key(file, "a", PREDICT, expires=today)
    found = ApiKeys(file)
    assert found.caller(bearer(key))

    found._today = today + DAY
    assert refused(found, bearer(key)).code is RequestCode.EXPIRED_KEY
    with pytest.raises(SlipwayError, match="would not be valid"):
        add_key(file, "b", PREDICT, expires=today - DAY)


def test_keys_come_and_go_without_a_restart(file, monkeypatch):
    monkeypatch.setattr(keys, "WATCHED", 0.0)
    first = add_key(file, "a", PREDICT)
    found = ApiKeys(file)
    second = add_key(file, "b", PREDICT)

    assert found.caller(bearer(first)) and found.caller(bearer(second))
    revoke_key(file, "a")
    refused(found, bearer(first))
    assert found.caller(bearer(second))


@pytest.mark.parametrize("damage", ["cut", "gone", "open to all"])
def test_a_file_that_is_damaged_meanwhile_changes_nothing_and_is_logged(file, monkeypatch, caplog, damage):
    monkeypatch.setattr(keys, "WATCHED", 0.0)
    key = add_key(file, "a", PREDICT)
    found = ApiKeys(file)

    if damage == "cut":
        file.write_text('{"format"')
    elif damage == "gone":
        file.unlink()
    else:
        file.chmod(0o644)
    for _ in range(3):
        assert found.caller(bearer(key)).name == "a"
    assert [message for message in caplog.messages if "API keys stay as they were" in message] == caplog.messages[:1]
    assert len(caplog.messages) == 1


# The command


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, "keys", *arguments], env=os.environ | environment, capture_output=True, text=True, timeout=60
    )


def test_the_command_adds_lists_and_revokes(file):
    where = {"SLIPWAY_KEYS_FILE": str(file)}

    added = run("add", "reporting", "--scope", "predict", "--scope", "operate", "--expires", "2999-12-31", **where)
    listed = run("list", **where)
    revoked = run("revoke", "reporting", **where)

    assert added.returncode == 0 and added.stdout.startswith("slipway_") and added.stdout.count("\n") == 1
    assert added.stderr == "keys: this is the key of reporting; it is shown only now\n"
    assert listed.stdout.split() == [
        "reporting", "operate,predict", "created", str(key_file.today()), "expires", "2999-12-31",
    ]  # fmt: skip
    assert revoked.returncode == 0 and read_keys(file) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list"], "which file has the keys? Set SLIPWAY_KEYS_FILE"),
        (["add", "a", "--expires", "soon", "--file", "k"], "--expires is 'soon'; expected a date such as 2027-06-30"),
        (["add", "a", "--file", "/none/k"], "there is no folder /none for the key file k"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(arguments, message, capsys, monkeypatch):
    monkeypatch.delenv("SLIPWAY_KEYS_FILE", raising=False)

    assert main(["keys", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("keys: ") and message in error and error.count("\n") == 1


# The line of a start


@pytest.mark.parametrize(
    ("host", "loud"),
    [("127.0.0.1", False), ("::1", False), ("localhost", False), (None, False), ("0.0.0.0", True), ("::", True)]
    + [("10.1.2.3", True), ("ml.example.org", True)],
)
def test_a_start_says_loudly_that_nobody_is_asked_where_others_can_call(host, loud, monkeypatch, caplog):
    monkeypatch.setattr("slipway.service.access.setup.listening", lambda: (host, 3000))

    announce([])

    assert [message.startswith("NOBODY IS ASKED WHO CALLS") for message in caplog.messages] == [True] * loud
    assert all("\n" not in message and str(host) in message for message in caplog.messages)


def test_a_start_with_keys_is_not_loud_about_it(file, monkeypatch, caplog):
    add_key(file, "a", PREDICT)
    monkeypatch.setattr("slipway.service.access.setup.listening", lambda: ("0.0.0.0", 3000))
    caplog.set_level("INFO", "bentoml")

    announce([ApiKeys(file)])

    assert caplog.messages == [f"calls need an API key (keys in {file}: 1)"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], ("0.0.0.0", 3000)), (["--host", "127.0.0.1"], ("127.0.0.1", 3000)), (["--port", "3001"], ("0.0.0.0", 3001))],
)
def test_a_server_without_a_host_as_in_an_image_is_one_that_others_can_call(arguments, expected, monkeypatch):
    from bentoml_cli.cli import cli

    for name in ("BENTOML_HOST", "BENTOML_PORT"):
        monkeypatch.delenv(name, raising=False)

    with cli.commands["serve"].make_context("serve", list(arguments), resilient_parsing=True):
        assert listening() == expected


# In front of an app


async def hello(scope, receive, send) -> None:
    """Answers with who called, from where and how."""
    caller = scope["state"].get("caller")
    content = json.dumps([caller and caller.name, scope["client"][0], scope["scheme"], peer_of(scope)])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": content.encode()})


def call(app, method: str = "POST", path: str = "/predict", **headers: str) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("10.0.0.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://ml.example.org") as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return on_a_loop(once())


def test_a_caller_without_the_scope_is_refused_by_name(file):
    key = add_key(file, "prom", frozenset({Scope.OPERATE}))
    app = Access(hello, [ApiKeys(file)])

    answer = call(app, authorization=f"Bearer {key}")

    assert refusal(answer, 403)["code"] == "missing_scope"
    assert (
        answer.json()["error"]
        == "prom lacks the scope predict, which this needs; use a key that has it, or ask whoever runs the server for it"
    )
    assert call(app, "GET", "/metrics", authorization=f"Bearer {key}").json()[0] == "prom"


@pytest.mark.parametrize("code", [RequestCode.NOT_AUTHENTICATED, RequestCode.INVALID_KEY])
def test_without_a_valid_key_a_call_is_refused_in_either_language(file, code):
    add_key(file, "a", PREDICT)
    headers = {"authorization": "Bearer x"} if code is RequestCode.INVALID_KEY else {}

    english, chinese = (
        call(Access(hello, [ApiKeys(file)]), "POST", f"/predict{q}", **headers) for q in ("", "?lang=zh")
    )

    assert refusal(english, 401)["code"] == refusal(chinese, 401)["code"] == code
    assert english.json()["error"].isascii() is False or "key" in english.json()["error"]
    assert "密钥" in chinese.json()["error"]
    assert english.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "host", ["ml.example.org", "ML.example.org:8443", "a.b.example.com", "10.1.2.3:3000", "[fd00::1]:3000"]
)
def test_a_name_of_the_server_is_let_through(host):
    app = BehindProxy(AllowedHosts(hello, ("ml.example.org", "*.example.com", "10.0.0.0/8", "fd00::1")), "")

    assert call(app, host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "ml.example.org.evil.example", "example.com", "xexample.com", "11.1.2.3", "", "[", ":"]
)
def test_another_name_is_refused_but_for_probes(host):
    app = BehindProxy(AllowedHosts(hello, ("ml.example.org", "*.example.com", "10.0.0.0/8")), "")

    assert refusal(call(app, host=host))["code"] == "host_not_allowed"
    assert call(app, "GET", "/livez", host=host).status_code == 200


def test_scripts_of_the_origins_that_are_set_may_call_every_route_and_read_refusals(file):
    add_key(file, "a", PREDICT)
    (middleware,) = cors(("https://app.example.org",))
    app = middleware.cls(Access(hello, [ApiKeys(file)]), **middleware.kwargs)
    asks = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,content-type"}

    preflight = call(app, "OPTIONS", origin="https://app.example.org", **asks)
    refused_call = call(app, origin="https://app.example.org")
    other = call(app, "OPTIONS", origin="https://evil.example", **asks)

    assert preflight.status_code == 200 and "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert refused_call.status_code == 401
    for answer in (preflight, refused_call):
        assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
        assert "access-control-allow-credentials" not in answer.headers
    assert refusal(other)["code"] == "cors_not_allowed" and "access-control-allow-origin" not in other.headers
    documented_text = example(documented()["Requests"]["cors_not_allowed"])
    assert other.json()["error"] == documented_text and "Origin" in other.headers["vary"]
    assert refusal(
        call(app, "OPTIONS", origin="https://app.example.org", **(asks | {"access_control_request_method": "PUT"}))
    )


def test_only_trusted_proxies_say_for_whom_and_how_they_call():
    told = {"x_forwarded_for": "203.0.113.7", "x_forwarded_proto": "https"}

    assert call(Forwarded(hello, ("10.0.0.0/8",)), **told).json()[1:] == ["203.0.113.7", "https", "10.0.0.9"]
    assert call(Forwarded(hello, ("private",)), **told).json()[1:] == ["203.0.113.7", "https", "10.0.0.9"]
    assert call(Forwarded(hello, ("127.0.0.1", "::1")), **told).json()[1:] == ["10.0.0.9", "http", "10.0.0.9"]
    made_up = {"x_forwarded_for": "198.51.100.1, 203.0.113.7"}
    assert call(Forwarded(hello, ("private",)), **made_up).json()[1] == "203.0.113.7"


def test_networks_hold_addresses():
    assert "10.2.3.4" in Networks(["10.0.0.0/8"]) and "11.2.3.4" not in Networks(["10.0.0.0/8"])
    assert "192.168.0.1" in Networks(["private"]) and "8.8.8.8" not in Networks(["private"])
    assert "no address" not in Networks(["private"]) and "anything" in Networks(["*"])


def test_tls_is_kept_where_there_is_tls():
    app = Forwarded(SecurityHeaders(hello, ("'self'", "https://portal.example.org")), ("private",))

    plain, tls = call(app), call(app, x_forwarded_proto="https")

    for answer in (plain, tls):
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; frame-ancestors 'self' https://portal.example.org"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in plain.headers
    assert tls.headers["strict-transport-security"] == "max-age=31536000"


# A server


@pytest.fixture(scope="module")
def server_keys(tmp_path_factory) -> tuple[Path, str]:
    """A file of keys, and one of them."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    return path, add_key(path, "reporting", PREDICT)


@pytest.fixture(scope="module")
def server(insurance: str, server_keys) -> Iterator[Server]:
    """A server with keys, allowed hosts and an origin of scripts."""
    settings = {
        "SLIPWAY_KEYS_FILE": str(server_keys[0]),
        "SLIPWAY_ALLOWED_HOSTS": "127.0.0.1,ml.example.org",
        "SLIPWAY_CORS_ORIGINS": "https://app.example.org",
    }
    with serve("--arg", f"model={insurance}", **settings) as server:
        yield server


def predict_with(server: Server, key: str | None = None, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"authorization": f"Bearer {key}"} if key else {}
    return server.post("/predict", json={"records": [PERSON]}, headers=given)


def test_a_server_answers_with_a_key_and_says_nothing_of_it(server, server_keys):
    _, key = server_keys

    assert predict_with(server).status_code == 401
    assert predict_with(server, key + "x").status_code == 401
    assert predict_with(server, key, origin="https://app.example.org").headers["access-control-allow-origin"]
    assert key[8:] not in server.log.read_text()


def test_a_server_takes_and_drops_keys_while_it_runs(server, server_keys):
    path, _ = server_keys
    added = run("add", "second", "--file", str(path)).stdout.strip()
    assert eventually(lambda: predict_with(server, added).status_code) == 200

    run("revoke", "second", "--file", str(path))
    assert eventually(lambda: predict_with(server, added).status_code, 401) == 401


def eventually(look, wanted: int = 200) -> int:
    """What `look` gives, as soon as it is what is wanted; at the latest after five seconds."""
    import time

    end = time.monotonic() + 5
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_a_server_refuses_other_hosts_before_it_asks_for_a_key(server, server_keys):
    refused_call = predict_with(server, server_keys[1], host="evil.example")

    assert refusal(refused_call)["error"].startswith("the server is not called 'evil.example'")
    assert server.get("/readyz", headers={"host": "10.0.0.7:3000"}).status_code == 200
    assert predict_with(server, server_keys[1], host="ml.example.org").status_code == 200


def test_a_key_file_that_anyone_can_read_stops_the_start_with_one_line(insurance, tmp_path):
    path = tmp_path / "keys.json"
    add_key(path, "a", PREDICT)
    path.chmod(0o644)

    ended = subprocess.run(
        [SLIPWAY, "serve", insurance, "--port", "1"],
        env=os.environ | {"SLIPWAY_KEYS_FILE": str(path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith(f"slipway: the key file {path} has the mode 0644")
