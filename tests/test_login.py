"""Logging in with a password: the cookie, the file, the form, and who is believed; without a model behind it."""

import logging
import os
import re
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from slipway.cli.main import main
from slipway.errors import SlipwayError
from slipway.page.login.app import LoginPages, own_path
from slipway.service.access.callers import Scope, caller_of
from slipway.service.access.middleware import Access
from slipway.service.access.setup import authenticators
from slipway.service.forwarded import Forwarded
from slipway.service.login import passwords
from slipway.service.login.attempts import Attempts, address_key
from slipway.service.login.sessions import Cookies, Session
from slipway.service.login.setup import login_of
from slipway.service.proxy import BehindProxy
from slipway.service.settings import Settings, read_settings
from tests.calls import on_a_loop, refusal

SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "correct horse"
ORIGIN = "https://ml.example.org"


@pytest.fixture
def cheap_hashes(monkeypatch):
    """A hash that takes a thousandth of the real one."""
    monkeypatch.setattr(passwords, "COST", 2**5)


@pytest.fixture
def people(tmp_path, cheap_hashes) -> Path:
    """A password file with Anna in it."""
    path = tmp_path / "passwords"
    passwords.add(path, "anna", PASSWORD)
    return path


async def who(request: Request) -> JSONResponse:
    caller = caller_of(request.scope)
    headers = [name.decode() for name, _ in request.scope["headers"]]
    return JSONResponse({"caller": caller.name if caller else None, "kind": caller and caller.kind, "headers": headers})


class Chain:
    """The middlewares of a server around an app that says who calls; asked as a browser would, from an address."""

    def __init__(self, settings: Settings, peer: str = "203.0.113.7") -> None:
        login = login_of(settings)
        app = Starlette(routes=[Route("/ui/", who), Route("/predict", who, methods=["POST"])])
        app.routes.extend(Route(path, who) for path in ("/metrics", "/model"))
        app = LoginPages(app, login)
        app = Access(app, authenticators(settings, login), login.sign_in if login else None)
        self.app = Forwarded(BehindProxy(app, settings.root_path), settings.trusted_proxies)
        self.cookies: dict[str, str] = {}
        self.peer = peer

    def call(self, method: str, path: str, **request: object) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(self.peer, 1234))
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
                return await client.request(method, path, **request)

        answer = on_a_loop(call())
        for cookie in answer.cookies.jar:
            self.cookies[cookie.name] = cookie.value
        return answer

    def login(
        self, password: str = PASSWORD, name: str = "anna", path: str = "/login", **more: object
    ) -> httpx.Response:
        headers = {"Sec-Fetch-Site": "same-origin"} | more.pop("headers", {})
        return self.call("POST", path, data={"name": name, "password": password}, headers=headers, **more)


@pytest.fixture
def chain(people) -> Chain:
    return Chain(Settings(password_file=str(people), session_secret=SECRET))


BROWSER = {"Accept": "text/html,application/xhtml+xml"}


# The way through


def test_a_browser_is_led_to_the_login_and_back_to_what_it_asked_for(chain):
    asked = chain.call("GET", "/ui/?a=1&b=x", headers=BROWSER)

    assert (asked.status_code, asked.headers["location"]) == (303, "./login?next=ui/%3Fa%3D1%26b%3Dx") or asked.headers[
        "location"
    ] == "../login?next=ui/%3Fa%3D1%26b%3Dx"
    form = chain.call("GET", "/login?next=ui/%3Fa%3D1%26b%3Dx", headers=BROWSER)
    action = re.search(r'action="([^"]+)"', form.text)[1].replace("&amp;", "&")
    answer = chain.login(path="/" + action)
    assert (answer.status_code, answer.headers["location"]) == (303, "./ui/?a=1&b=x")
    assert chain.call("GET", "/ui/").json()["caller"] == "anna"
    assert chain.call("GET", "/login/user").json() == {"name": "anna", "logout": True}


def test_a_program_gets_a_401_and_no_page(chain):
    answer = chain.call("POST", "/predict", json={})

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_the_cookie_is_for_the_server_alone(chain):
    flags = chain.login().headers["set-cookie"].lower()

    assert "httponly" in flags and "samesite=lax" in flags and "max-age=43200" in flags and "path=" not in flags


@pytest.mark.parametrize(("headers", "secure"), [({}, False), ({"X-Forwarded-Proto": "https"}, True)])
def test_the_cookie_is_kept_to_tls_behind_a_proxy_that_has_it(people, headers, secure):
    chain = Chain(Settings(password_file=str(people), session_secret=SECRET))
    chain_origin = "http://ml.example.org"

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(chain.app)
        async with httpx.AsyncClient(transport=transport, base_url=chain_origin) as client:
            return await client.post("/login", data={"name": "anna", "password": PASSWORD}, headers=headers)

    assert ("secure" in on_a_loop(call()).headers["set-cookie"].lower()) == secure


def test_logging_out_takes_the_cookie_away(chain):
    chain.login()

    answer = chain.call("POST", "/logout", headers={"Sec-Fetch-Site": "same-origin"})

    assert (answer.status_code, answer.headers["location"]) == (303, "./login?out")
    assert re.search(r'slipway_session="?"?; .*max-age=0', answer.headers["set-cookie"].lower())
    assert "You are logged out." in chain.call("GET", "/login?out").text


def test_who_is_logged_in_already_is_led_on(chain):
    chain.login()

    answer = chain.call("GET", "/login?next=ui/zh/")

    assert (answer.status_code, answer.headers["location"]) == (303, "./ui/zh/")


# What is refused


def test_a_wrong_password_does_not_say_which_of_both_is_wrong(chain):
    answers = [chain.login("wrong"), chain.login(name="nobody")]

    texts = [re.sub(r'value="\w*"|autofocus', "", answer.text) for answer in answers]
    assert [answer.status_code for answer in answers] == [403, 403] and texts[0].replace(" ", "") == texts[1].replace(
        " ", ""
    )
    assert 'role="alert" id="message">Name or password is wrong.<' in answers[0].text
    assert "set-cookie" not in answers[0].headers


def test_a_name_that_nobody_has_takes_as_long(people):
    file = passwords.PasswordFile(people)
    hashed = []
    original = passwords.is_password

    def counted(password: str, found: str) -> bool:
        hashed.append(found)
        return original(password, found)

    passwords.is_password = counted
    try:
        assert [file.is_right("anna", "wrong"), file.is_right("nobody", "wrong")] == [False, False]
    finally:
        passwords.is_password = original
    assert len(hashed) == 2 and hashed[0].rpartition("$")[0].count("$") == hashed[1].rpartition("$")[0].count("$")


def test_the_texts_are_in_the_language_of_the_browser(chain):
    answer = chain.login("wrong", headers={"Accept-Language": "zh-CN,en;q=0.5"})

    assert 'lang="zh-CN"' in answer.text and "用户名或密码错误。" in answer.text


def test_what_was_typed_as_a_name_is_text_and_nothing_else(chain, caplog):
    caplog.set_level(logging.INFO)
    answer = chain.login(name='"><script>alert(1)</script>')

    assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text
    assert "script" not in caplog.text


def test_after_five_wrong_passwords_one_has_to_wait(chain):
    answers = [chain.login("wrong") for _ in range(5)]
    sixth = chain.login()

    assert {answer.status_code for answer in answers} == {403}
    assert sixth.status_code == 429 and 0 < int(sixth.headers["retry-after"]) <= 60
    assert re.search(r"Too many attempts\. Try again in \d+ seconds?\.", sixth.text)
    chain.peer = "203.0.113.8"
    assert chain.login().status_code == 303


def test_other_names_from_one_address_are_counted_together(chain):
    answers = [chain.login("wrong", name=f"n{i}").status_code for i in range(31)]

    assert answers == [403] * 30 + [429]


def test_attempts_come_back_with_time_and_take_bounded_memory():
    now = 0.0
    attempts = Attempts(5, 300, keys=100, clock=lambda: now)

    waits = [attempts.wait("a") for _ in range(7)]
    assert waits == [0, 0, 0, 0, 0, 60, 60]
    now = 61.0
    assert [attempts.wait("a"), attempts.wait("a")] == [0, 59]
    for i in range(1000):
        attempts.wait(f"k{i}")
    assert len(attempts._used) == 100
    attempts.give_back("k999")
    assert len(attempts._used) == 99


@pytest.mark.parametrize(
    ("address", "key"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::/64"), ("::ffff:10.0.0.1", "10.0.0.1"), ("", "")],
)
def test_an_address_of_ipv6_counts_as_its_network(address, key):
    assert address_key(address) == key


# The cookie


def cookie_of(chain: Chain) -> str:
    chain.login()
    return chain.cookies["slipway_session"]


@pytest.mark.parametrize(
    "broken",
    [
        # The last character but one: of the last, Base64 reads some bits only.
        lambda text: text[:-2] + ("A" if text[-2] != "A" else "B") + text[-1],
        lambda text: "x" + text,
        lambda text: text.replace(".", "", 1),
        lambda text: "",
        lambda text: "." * 5000,
        lambda text: "\xe9\xff",
        lambda text: text.partition(".")[0],
    ],
)
def test_a_cookie_that_was_tampered_with_is_none(chain, broken):
    good = cookie_of(chain)
    chain.cookies = {}

    header = {"Cookie": f"slipway_session={broken(good)}".encode("latin-1")}
    assert chain.call("POST", "/predict", headers=header).json()["code"] == "not_authenticated"
    assert chain.call("GET", "/ui/", headers=header | BROWSER).status_code == 303
    assert chain.call("GET", "/login", headers=header).status_code == 200
    assert chain.call("GET", "/ui/", headers={"Cookie": f"slipway_session={good}"}).json()["caller"] == "anna"


def test_a_cookie_of_another_server_below_the_same_host_is_passed_over(chain):
    good = cookie_of(chain)
    chain.cookies = {}

    answer = chain.call("GET", "/ui/", headers={"Cookie": f"slipway_session=other; a=b; slipway_session={good}"})

    assert answer.json()["caller"] == "anna"


def scope_with(response_headers, name: str = "slipway_session") -> dict[str, object]:
    value = re.search(rf"{name}=([^;]+)", response_headers["set-cookie"])[1]
    return {"type": "http", "headers": [(b"cookie", f"{name}={value}".encode())]}


def signed(cookies: Cookies) -> dict[str, object]:
    response = JSONResponse({})
    cookies.set_session({"type": "http", "headers": []}, response, Session("anna", "password", "m"))
    return scope_with(response.headers)


def test_a_session_ends():
    now = 1000.0
    cookies = Cookies([SECRET], 60, clock=lambda: now)
    scope = signed(cookies)

    now = 1000.0 + 3599
    assert cookies.session(scope) == Session("anna", "password", "m")
    now = 1000.0 + 3601
    assert cookies.session(scope) is None


def test_a_server_whose_clock_is_behind_takes_a_session_of_another():
    scope = signed(Cookies([SECRET], 60, clock=lambda: 1000.0))

    assert Cookies([SECRET], 60, clock=lambda: 700.0).session(scope) is not None


def test_a_new_secret_can_be_added_before_the_old_one_goes():
    old, new = SECRET, "another secret of 32 characters!!"
    scope = signed(Cookies([old], 60))

    assert Cookies([old, new], 60).session(scope) and not Cookies([new], 60).session(scope)


def test_a_cookie_for_the_way_to_the_provider_is_no_session():
    cookies, response = Cookies([SECRET], 60), JSONResponse({})
    cookies.set_attempt({"type": "http", "headers": []}, response, {"name": "x", "kind": "oidc", "mark": "*"}, 600)
    value = re.search(r"slipway_login=([^;]+)", response.headers["set-cookie"])[1]

    assert cookies.session({"type": "http", "headers": [(b"cookie", f"slipway_session={value}".encode())]}) is None


# The password file and a session


def test_who_is_removed_or_has_a_new_password_is_out_at_the_next_request(chain, people):
    chain.login()
    passwords.add(people, "berta", PASSWORD)
    assert chain.call("GET", "/ui/").json()["caller"] == "anna"

    passwords.add(people, "anna", "another password")
    assert chain.call("POST", "/predict").status_code == 401
    chain.login("another password")
    assert chain.call("GET", "/ui/").json()["caller"] == "anna"
    passwords.remove(people, "anna")
    assert chain.call("POST", "/predict").status_code == 401


def scopes(app: Chain, **arguments: object) -> set[str]:
    """What the caller of a request may do."""
    answers = {"predict": app.call("GET", "/ui/", **arguments), "operate": app.call("GET", "/metrics", **arguments)}
    assert {answer.status_code for answer in answers.values()} <= {200, 403}
    return {scope for scope, answer in answers.items() if answer.status_code == 200}


def test_the_password_file_says_who_may_operate_as_it_is_now(chain, people):
    chain.login()
    assert scopes(chain) == {"predict"}
    assert refusal(chain.call("GET", "/model"), 403)["code"] == "missing_scope"

    lines = people.read_text().rstrip()
    people.write_text(f"{lines}:operate,predict\n")
    assert scopes(chain) == {"predict", "operate"}
    people.write_text(f"{lines}:operate\n")
    assert scopes(chain) == {"operate"}
    people.write_text(f"{lines}:root\n")
    assert chain.call("GET", "/ui/").status_code == 401


def test_a_new_password_leaves_the_scopes_as_they_were(people, cheap_hashes):
    both = frozenset(Scope)
    assert passwords.names(people)["anna"].scopes == {Scope.PREDICT}

    assert passwords.add(people, "anna", PASSWORD, both) and passwords.add(people, "anna", "another password")

    assert passwords.names(people)["anna"].scopes == both
    assert people.read_text().rstrip().endswith(":operate,predict")


@pytest.mark.parametrize(
    ("name", "operators", "may"),
    [
        ("otto@example.org", ("otto@example.org",), {"predict", "operate"}),
        ("Otto@Example.org", ("@example.org",), {"predict", "operate"}),
        ("otto", ("otto",), {"predict", "operate"}),
        ("otto", ("*",), {"predict", "operate"}),
        ("anna", ("otto",), {"predict"}),
        ("group:ops", ("group:ops",), {"predict"}),
        ("otto@evil.example.org", ("@example.org",), {"predict"}),
        ("anna", (), {"predict"}),
    ],
)
def test_of_those_whom_a_proxy_names_the_operators_may_operate(name, operators, may):
    settings = Settings(user_header="x-forwarded-user", trusted_proxies=("10.0.0.1",), operators=operators)
    chain = Chain(settings, peer="10.0.0.1")

    assert scopes(chain, headers={"X-Forwarded-User": name}) == may


def test_operators_without_a_provider_or_proxy_stop_the_start(people):
    with pytest.raises(
        SlipwayError, match="SLIPWAY_OPERATORS is set, and neither .* `slipway passwords add NAME --scope"
    ):
        login_of(Settings(password_file=str(people), operators=("otto",)))


def test_people_added_at_once_are_all_there(people):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: passwords.add(people, f"p{number}", PASSWORD), range(24)))

    assert len(passwords.names(people)) == 25


@pytest.mark.parametrize("harm", ["rubbish", "gone", "readable"])
def test_a_file_that_cannot_be_used_any_more_lets_nobody_in_and_says_so(chain, people, harm, caplog):
    chain.login()
    if harm == "gone":
        people.unlink()
    elif harm == "rubbish":
        people.write_text("anna\n")
    else:
        people.chmod(0o644)

    answers = [chain.call("POST", "/predict") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {401}
    assert chain.login().status_code == 403
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


# Pages of other sites


@pytest.mark.parametrize(
    ("headers", "passed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({}, True),
        ({"Origin": ORIGIN}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://ml.example.org.evil.example"}, False),
    ],
    ids=str,
)
def test_a_call_of_another_sites_page_is_not_made_with_the_cookie(chain, headers, passed):
    chain.login()

    call, form = chain.call("POST", "/predict", headers=headers), chain.call("POST", "/logout", headers=headers)

    assert (call.status_code, form.status_code) == ((200, 303) if passed else (401, 403))


def test_a_form_of_another_site_logs_nobody_in(chain):
    answer = chain.call(
        "POST", "/login", data={"name": "anna", "password": PASSWORD}, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert "sent by a page of another site" in answer.text


def test_behind_a_proxy_that_replaces_the_host_the_public_address_is_ours(people):
    chain = Chain(Settings(password_file=str(people), session_secret=SECRET, public_url="http://ml.lan/app"))
    data = {"name": "anna", "password": PASSWORD}

    answers = [
        chain.call("POST", "/login", data=data, headers={"Origin": origin, "Host": "127.0.0.1:3000"}).status_code
        for origin in ("http://ml.lan", "http://evil.lan")
    ]

    assert answers == [303, 403]


@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.example", "/ui/", "https://evil.example", "http:evil.example", "\\\\evil.example", "ui//x"),
        *("javascript:alert(1)", "../x", "a/../../x", "..", "ui/?a=//x/../", " ui/", "ui/\n", "", "é", "x" * 2000),
        *("ui/#x", "/\\evil.example", "./ui", "%0d%0aSet-Cookie:x", ".//evil.example"),
    ],
)
def test_a_login_leads_to_no_other_place(wanted):
    assert own_path(wanted) == "ui/"


@pytest.mark.parametrize("wanted", ["ui/", "ui/en/", "ui/?a=1&b=2", "docs", "model/card?lang=zh", "ui/?x=%2F%2F"])
def test_a_login_leads_back(wanted):
    assert own_path(wanted) == wanted


def test_in_a_frame_of_another_site_the_login_opens_in_its_own_window(chain):
    framed = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}

    answer = chain.call("GET", "/login?next=ui/en/", headers=framed)

    assert 'target="_blank"' in answer.text and "<form" not in answer.text and 'href="?next=ui/en/"' in answer.text


# The header of a proxy


@pytest.fixture
def proxied() -> Chain:
    settings = read_settings({"SLIPWAY_USER_HEADER": "X-Forwarded-User", "SLIPWAY_TRUSTED_PROXIES": "10.0.0.0/8"})
    return Chain(settings, peer="10.1.2.3")


def test_a_trusted_proxy_says_who_calls(proxied):
    answer = proxied.call(
        "GET", "/ui/", headers={"X-Forwarded-User": "anna@example.org", "X-Forwarded-For": "203.0.113.9"}
    )

    assert answer.json()["caller"] == "anna@example.org" and answer.json()["kind"] == "proxy"
    user = proxied.call("GET", "/login/user", headers={"X-Forwarded-User": "anna@example.org"})
    assert user.json() == {"name": "anna@example.org", "logout": False}
    assert proxied.call("GET", "/login").json()["code"] == "not_found"


@pytest.mark.parametrize("claim", [{}, {"X-Forwarded-For": "10.1.2.3"}, {"Forwarded": "for=10.1.2.3"}], ids=str)
def test_nobody_else_is_believed(proxied, claim):
    proxied.peer = "203.0.113.7"

    answer = proxied.call("POST", "/predict", headers={"X-Forwarded-User": "anna@example.org"} | claim)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_the_header_of_anybody_else_is_taken_off(people):
    settings = Settings(
        password_file=str(people),
        session_secret=SECRET,
        user_header="x-forwarded-user",
        trusted_proxies=("10.0.0.0/8",),
    )
    chain = Chain(settings)
    chain.login()

    answer = chain.call("GET", "/ui/", headers={"X-Forwarded-User": "boss"})

    assert answer.json()["caller"] == "anna" and "x-forwarded-user" not in answer.json()["headers"]


@pytest.mark.parametrize("named", [["a", "b"], [""], [" "]])
def test_a_proxy_that_names_nobody_or_two_names_nobody(proxied, named):
    answer = proxied.call("POST", "/predict", headers=[("X-Forwarded-User", name) for name in named])

    assert answer.status_code == 401


def test_a_page_of_another_site_cannot_call_through_the_proxy(proxied):
    answer = proxied.call("POST", "/predict", headers={"X-Forwarded-User": "anna", "Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 401


# What stops a start


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SLIPWAY_SESSION_SECRET": "short"}, "fewer than 32 characters; make one with `openssl rand -hex 32`"),
        ({"SLIPWAY_SESSION_SECRET_FILE": "{folder}/none"}, "cannot be read: No such file"),
        ({"SLIPWAY_SESSION_SECRET": SECRET, "SLIPWAY_SESSION_SECRET_FILE": "x"}, "both set"),
        ({"SLIPWAY_PASSWORD_FILE": "{folder}/none"}, "cannot be read: No such file"),
        ({"SLIPWAY_PASSWORD_FILE": "{folder}/open"}, "has mode 0644, so that others may .* `chmod 600"),
        ({"SLIPWAY_PASSWORD_FILE": "{folder}/rubbish"}, "rubbish, line 2: expected a name, a colon and a hash"),
        ({"SLIPWAY_USER_HEADER": "X-User", "SLIPWAY_TRUSTED_PROXIES": "*"}, r"SLIPWAY_TRUSTED_PROXIES is \*"),
        ({"SLIPWAY_OIDC_ALLOWED": "*"}, "SLIPWAY_OIDC_ALLOWED is set, and SLIPWAY_OIDC_ISSUER is missing"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_used_stops_the_start_in_one_line(people, tmp_path, environment, said):
    for name, text, mode in (("open", people.read_text(), 0o644), ("rubbish", "# x\nanna:secret\n", 0o600)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    given = {"SLIPWAY_PASSWORD_FILE": str(people)} | {
        name: value.replace("{folder}", str(tmp_path)) for name, value in environment.items()
    }
    if "SLIPWAY_OIDC_ALLOWED" in environment:
        del given["SLIPWAY_PASSWORD_FILE"]

    with pytest.raises(SlipwayError, match=said) as caught:
        settings = read_settings(given)
        authenticators(settings, login_of(settings))
    assert "\n" not in str(caught.value) and SECRET not in str(caught.value)


def test_a_secret_is_not_repeated_by_a_message():
    with pytest.raises(SlipwayError, match="SLIPWAY_SESSION_SECRET is not usable") as caught:
        read_settings({"SLIPWAY_SESSION_SECRET": f"{SECRET}\nx"})
    assert SECRET not in str(caught.value)


def test_without_a_secret_one_is_made_for_all_processes_of_the_start(people, monkeypatch, caplog):
    monkeypatch.delenv("SLIPWAY_SESSION_SECRET", raising=False)
    first = login_of(Settings(password_file=str(people)))
    scope = signed(first.cookies)
    worker = login_of(
        read_settings(
            {"SLIPWAY_PASSWORD_FILE": str(people)}
            | {name: value for name, value in os.environ.items() if name == "SLIPWAY_SESSION_SECRET"}
        )
    )

    assert worker.cookies.session(scope) is not None
    assert caplog.text.count("sessions are signed with a secret of this start") == 1
    monkeypatch.delenv("SLIPWAY_SESSION_SECRET")


# The command


def test_the_command_adds_lists_and_removes(tmp_path, monkeypatch, capsys, cheap_hashes):
    path = tmp_path / "people"
    monkeypatch.setenv("SLIPWAY_PASSWORD_FILE", str(path))
    typed = iter(["correct horse", "correct horse", "battery staple", "battery stable"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())

    assert main(["passwords", "add", "anna"]) == 0
    assert main(["passwords", "add", "berta"]) == 1
    assert main(["passwords", "list"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [f"anna can log in ({path})", "anna                     predict"]
    assert captured.err == "passwords: the two passwords differ; nothing was changed\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and "correct" not in path.read_text()
    assert passwords.PasswordFile(path).is_right("anna", "correct horse")
    assert main(["passwords", "remove", "ana"]) == 1
    assert "did you mean 'anna'?" in capsys.readouterr().err
    assert main(["passwords", "remove", "anna"]) == 0 and passwords.names(path) == {}


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("anna", "short", "5 characters; expected 10 to 1000"),
        ("a:b", PASSWORD, "'a:b' is not a name for the password file"),
        ("", PASSWORD, "'' is not a name"),
        ("a\nb", PASSWORD, "is not a name"),
        ("x" * 65, PASSWORD, "is not a name"),
        ("#a", PASSWORD, "is not a name"),
    ],
)
def test_a_name_or_password_that_cannot_be_kept_is_refused(tmp_path, name, password, said):
    with pytest.raises(SlipwayError, match=re.escape(said)):
        passwords.add(tmp_path / "people", name, password)
    assert not (tmp_path / "people").exists()


def test_the_same_letters_are_the_same_name_and_password_however_they_were_typed(tmp_path, cheap_hashes):
    path = tmp_path / "people"
    passwords.add(path, "zoe\u0308", "cafe\u0301 au lait")

    assert passwords.PasswordFile(path).is_right("zo\u00eb", "caf\u00e9 au lait")


def test_a_real_hash_is_slow_enough_and_right():
    started = time.process_time()
    hashed = passwords.hash_password(PASSWORD)
    spent = time.process_time() - started

    assert hashed.startswith("scrypt$32768$8$3$") and spent > 0.05
    assert passwords.is_password(PASSWORD, hashed) and not passwords.is_password("x", hashed)
