"""Logging in at an OpenID Connect provider, which is a real process; without a model behind it."""

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from slipway.errors import SlipwayError
from slipway.service.login.oidc import Provider, allowed_by
from slipway.service.login.setup import login_of
from slipway.service.settings import Settings, read_settings
from tests.calls import on_a_loop
from tests.conftest import free_port
from tests.oidc import confirm, provider
from tests.test_login import BROWSER, SECRET, Chain, scopes

PUBLIC = "https://ml.example.org/app/insurance"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    people = {
        "anna": {"groups": ["analysts"], "email_verified": True},
        "berta": {"email_verified": False},
        "carl": {"groups": ["others"]},
    }
    with provider(**people) as found:
        yield found


def settings(issuer: str, allowed: str = "anna@example.org", **more: str) -> Settings:
    return read_settings(
        {
            "SLIPWAY_OIDC_ISSUER": issuer,
            "SLIPWAY_OIDC_CLIENT_ID": "slipway",
            "SLIPWAY_OIDC_CLIENT_SECRET": "not so secret",
            "SLIPWAY_OIDC_ALLOWED": allowed,
            "SLIPWAY_PUBLIC_URL": PUBLIC,
            "SLIPWAY_SESSION_SECRET": SECRET,
        }
        | more
    )


class Visit(Chain):
    """A browser on its way to the provider and back."""

    def away(self, path: str = "/login/provider?next=ui/en/") -> str:
        answer = self.call("GET", path)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def back(self, address: str) -> httpx.Response:
        assert address.startswith(f"{PUBLIC}/login/callback?")
        return self.call("GET", address.removeprefix(PUBLIC))


def message(answer: httpx.Response) -> str:
    return re.search(r'role="alert" id="message">([^<]+)<', answer.text)[1]


def test_through_the_provider_and_back(issuer):
    visit = Visit(settings(issuer))

    asked = visit.call("GET", "/ui/", headers=BROWSER)
    form = visit.call("GET", "/login?next=ui/en/")
    assert asked.status_code == 303 and 'href="login/provider?next=ui/en/"' in form.text and "<form" not in form.text
    address = visit.away()
    query = parse_qs(urlsplit(address).query)
    assert query["code_challenge_method"] == ["S256"] and query["redirect_uri"] == [f"{PUBLIC}/login/callback"]
    assert query["nonce"] and query["state"] and query["scope"] == ["openid email profile"]
    answer = visit.back(confirm(address, "anna@example.org"))

    assert (answer.status_code, answer.headers["location"]) == (303, "../ui/en/")
    cookies = [value.lower() for value in answer.headers.get_list("set-cookie")]
    assert [re.match(r"\w+", one)[0] for one in cookies] == ["slipway_session", "slipway_id_token", "slipway_login"]
    assert all("httponly" in one and "secure" in one and "samesite=lax" in one for one in cookies)
    assert ["path=/app/insurance/;" in one for one in cookies] == [True, False, True]
    assert "path=/app/insurance/logout;" in cookies[1]
    assert visit.call("GET", "/ui/").json()["caller"] == "anna@example.org"
    assert visit.call("GET", "/login/user").json() == {"name": "anna@example.org", "logout": True}


def test_logging_out_ends_the_session_at_the_provider_too(issuer):
    visit = Visit(settings(issuer))
    visit.back(confirm(visit.away(), "anna@example.org"))

    answer = visit.call("POST", "/logout")

    address = re.search(r'content="0; url=([^"]+)"', answer.text)[1].replace("&amp;", "&")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{issuer}/oauth2/end_session?") and query["client_id"] == ["slipway"]
    assert query["post_logout_redirect_uri"] == [f"{PUBLIC}/login?out"] and query["id_token_hint"][0].count(".") == 2
    assert len([one for one in answer.headers.get_list("set-cookie") if "max-age=0" in one.lower()]) == 2
    again = visit.call("GET", "/login?out").text
    assert "You are logged out." in again and "again" in re.search(r'href="(login/provider[^"]+)"', again)[1]
    assert "prompt=select_account" in visit.away("/login/provider?again")


@pytest.mark.parametrize("harm", ["state", "no cookie", "another browser", "cookie"])
def test_a_login_that_was_started_elsewhere_is_not_taken(issuer, harm):
    visit, other = Visit(settings(issuer)), Visit(settings(issuer))
    address = confirm(visit.away(), "anna@example.org")
    if harm == "state":
        address = re.sub(r"state=\w+", "state=x%C3%A9", address)
    elif harm == "another browser":
        other.away()
        visit = other
    elif harm == "no cookie":
        visit.cookies = {}
    else:
        visit.cookies["slipway_login"] += "x"

    answer = visit.back(address)

    assert answer.status_code == 403 and "slipway_session" not in str(answer.headers)
    assert message(answer).startswith("This login took too long, or was started in another window")


def test_a_code_that_was_given_to_another_browser_is_not_taken(issuer):
    visit, other = Visit(settings(issuer)), Visit(settings(issuer))
    stolen = parse_qs(urlsplit(confirm(other.away(), "anna@example.org")).query)["code"][0]
    mine = confirm(visit.away(), "carl@example.org")

    answer = visit.back(re.sub(r"code=\w+", f"code={stolen}", mine))

    assert answer.status_code == 403 and "could not be verified" in message(answer)


@pytest.mark.parametrize("query", ["code=made-up", "error=access_denied&error_description=x", "code=", ""])
def test_what_the_provider_does_not_confirm_is_refused(issuer, query):
    visit = Visit(settings(issuer))
    state = parse_qs(urlsplit(visit.away()).query)["state"][0]

    answer = visit.back(f"{PUBLIC}/login/callback?state={state}&{query}")

    assert answer.status_code == 403 and message(answer).endswith("did not confirm this login. Please log in again.")


@pytest.mark.parametrize(
    ("allowed", "person", "is_in"),
    [
        ("ANNA@example.org", "anna", True),
        ("x@example.org, @example.org", "anna", True),
        ("group:analysts", "anna", True),
        ("*", "carl", True),
        ("*", "berta", True),
        ("group:analysts", "carl", False),
        ("@example.org", "berta", False),
        ("berta@example.org", "berta", False),
        ("@ample.org", "anna", False),
        ("anna@example.org", "carl", False),
    ],
)
def test_who_may_log_in(issuer, allowed, person, is_in):
    visit = Visit(settings(issuer, allowed))

    answer = visit.back(confirm(visit.away(), f"{person}@example.org"))

    assert answer.status_code == (303 if is_in else 403)
    if not is_in:
        assert message(answer).startswith(f"{person}@example.org has no access here.")
        assert "again" in re.search(r'href="([^"]+provider[^"]+)"', answer.text)[1]


@pytest.mark.parametrize(
    ("claims", "entry"),
    [
        ({"email": "a@x.org"}, "@x.org"),
        ({"email": "a@x.org", "email_verified": "false"}, None),
        ({"email": "a@y.x.org"}, None),
        ({"email": None}, None),
        ({"preferred_username": "a@x.org"}, None),
        ({"groups": "g"}, "group:g"),
        ({"groups": [1, "g"]}, "group:g"),
        ({"groups": {"g": 1}}, None),
        ({}, None),
    ],
)
def test_what_a_claim_allows(claims, entry):
    assert allowed_by(claims, ("@x.org", "group:g"), "groups") == entry


@pytest.mark.parametrize(
    ("person", "operators", "may"),
    [
        ("anna@example.org", "group:analysts", {"predict", "operate"}),
        ("carl@example.org", "group:analysts,carl@example.org", {"predict", "operate"}),
        ("carl@example.org", "group:analysts", {"predict"}),
    ],
)
def test_operators_of_the_provider_may_operate_until_the_setting_changes(issuer, person, operators, may):
    visit = Visit(settings(issuer, "*", SLIPWAY_OPERATORS=operators))

    visit.back(confirm(visit.away(), person))

    assert scopes(visit) == may
    later = Visit(settings(issuer, "*", SLIPWAY_OPERATORS="group:none"))
    later.cookies = visit.cookies
    assert scopes(later) == {"predict"}


def test_who_is_no_longer_allowed_is_out_after_the_restart(issuer):
    visit = Visit(settings(issuer, "anna@example.org"))
    visit.back(confirm(visit.away(), "anna@example.org"))
    later = Visit(settings(issuer, "carl@example.org"))
    later.cookies = visit.cookies

    assert visit.call("POST", "/predict").status_code == 200
    assert later.call("POST", "/predict").status_code == 401


# A provider that does not behave


@pytest.mark.parametrize("ahead", [3600, -7200], ids=["ahead", "behind"])
def test_clocks_that_differ_are_named(ahead, caplog):
    with provider(ahead, anna={}) as wrong:
        visit = Visit(settings(wrong))
        answer = visit.back(confirm(visit.away(), "anna@example.org"))

    assert answer.status_code == 403 and "differs from the clock of this server" in message(answer)
    assert "do the clocks of both agree?" in caplog.text


def test_clocks_may_differ_by_a_minute():
    with provider(60, anna={}) as wrong:
        visit = Visit(settings(wrong))
        assert visit.back(confirm(visit.away(), "anna@example.org")).status_code == 303


def test_a_provider_that_is_away_is_named_at_the_start_and_at_the_login(caplog):
    nobody = f"http://localhost:{free_port()}"
    visit = Visit(settings(nobody))

    on_a_loop(login_of(settings(nobody)).provider.check())
    assert f"nobody can log in at {nobody} as yet" in caplog.text
    assert visit.call("GET", "/login").status_code == 200
    answer = visit.call("GET", "/login/provider?next=ui/")
    assert answer.status_code == 503 and "cannot be reached at the moment" in message(answer)
    assert 'href="../login/provider?next=ui/"' in answer.text


def test_a_provider_that_goes_away_meanwhile_is_named(caplog):
    with provider(anna={}) as gone:
        visit = Visit(settings(gone))
        address = confirm(visit.away(), "anna@example.org")
    answer = visit.back(address)

    assert answer.status_code == 503 and "cannot be reached" in message(answer)
    assert visit.call("POST", "/logout").status_code == 303


def test_an_address_that_is_no_issuer_is_named(issuer, caplog):
    answer = Visit(settings(f"{issuer}/users")).call("GET", "/login/provider")

    assert answer.status_code == 503


def test_a_provider_by_another_name_is_not_believed(issuer, caplog):
    answer = Visit(settings(issuer.replace("localhost", "127.0.0.1") + "/.")).call("GET", "/login/provider")

    assert answer.status_code == 503 and "it calls itself" in caplog.text


def unsigned(token: str) -> str:
    part = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{part}.{token.split('.')[1]}."


@pytest.mark.parametrize("harm", ["signature", "unsigned", "rubbish", "recipient", "no token"])
def test_a_token_that_cannot_be_verified_is_refused(issuer, harm, monkeypatch):
    visit = Visit(settings(issuer))
    original = Provider._token

    async def harmed(self, app, code, verifier):
        token = await original(self, app, code, verifier)
        changed = {
            "signature": token["id_token"][:-8] + "AAAAAAAA",
            "unsigned": unsigned(token["id_token"]),
            "rubbish": "x",
        }
        return token | ({"id_token": changed[harm]} if harm in changed else {})

    monkeypatch.setattr(Provider, "_token", harmed)
    if harm == "recipient":
        original_init = Provider.finish

        async def other(self, *arguments):
            self._client_id = "another"
            return await original_init(self, *arguments)

        monkeypatch.setattr(Provider, "finish", other)
    if harm == "no token":
        from authlib.integrations.starlette_client import StarletteOAuth2App

        async def without(self, *arguments, **keywords):
            return {"access_token": "x"}

        monkeypatch.setattr(StarletteOAuth2App, "fetch_access_token", without)

    answer = visit.back(confirm(visit.away(), "anna@example.org"))

    assert answer.status_code == 403 and "could not be verified" in message(answer)
    assert "slipway_session" not in str(answer.headers)


# Settings


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SLIPWAY_OIDC_ALLOWED": None}, "SLIPWAY_OIDC_ALLOWED is missing; who may log in: emails, @domains"),
        ({"SLIPWAY_PUBLIC_URL": None}, "SLIPWAY_PUBLIC_URL is missing"),
        ({"SLIPWAY_OIDC_CLIENT_ID": None, "SLIPWAY_PUBLIC_URL": None}, "CLIENT_ID and SLIPWAY_PUBLIC_URL is missing"),
        ({"SLIPWAY_OIDC_ALLOWED": "everybody"}, "has 'everybody'; expected an email"),
        (
            {"SLIPWAY_OIDC_ISSUER": "https://accounts.google.com", "SLIPWAY_OIDC_ALLOWED": "*"},
            "everybody who has an account",
        ),
        ({"SLIPWAY_OIDC_ISSUER": "http://idp.example.org"}, "begins with https://"),
        ({"SLIPWAY_OIDC_ISSUER": "idp.example.org"}, "SLIPWAY_OIDC_ISSUER is 'idp.example.org'; expected an address"),
        ({"SLIPWAY_OIDC_CLIENT_SECRET_FILE": "/none"}, "both set"),
        (
            {"SLIPWAY_OIDC_CLIENT_SECRET_FILE": "/none", "SLIPWAY_OIDC_CLIENT_SECRET": None},
            "/none, which cannot be read",
        ),
        ({"SLIPWAY_OIDC_ISSUER": None}, "SLIPWAY_OIDC_ISSUER is missing"),
    ],
    ids=str,
)
def test_settings_of_a_provider_that_do_not_go_together_stop_the_start(changed, said):
    environment = {
        "SLIPWAY_OIDC_ISSUER": "https://idp.example.org",
        "SLIPWAY_OIDC_CLIENT_ID": "slipway",
        "SLIPWAY_OIDC_CLIENT_SECRET": "not so secret",
        "SLIPWAY_OIDC_ALLOWED": "@example.org",
        "SLIPWAY_PUBLIC_URL": PUBLIC,
        "SLIPWAY_SESSION_SECRET": SECRET,
    } | changed

    with pytest.raises(SlipwayError, match=re.escape(said)) as caught:
        login_of(read_settings({name: value for name, value in environment.items() if value is not None}))
    assert "\n" not in str(caught.value) and "not so secret" not in str(caught.value)
