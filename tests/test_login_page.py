"""The login as a person sees it: a real server with two workers, a real provider, nginx with a path, and a browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from slipway.service.login import passwords
from tests.conftest import PERSON, Server, free_port, serve
from tests.oidc import provider
from tests.test_proxy import PATH, STRIPPED, behind, nginx  # noqa: F401 (a fixture)

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("login") / "passwords"
    for name in ("anna", "berta"):
        passwords.add(path, name, PASSWORD)
    return path


@pytest.fixture(scope="module")
def server(insurance, people) -> Iterator[Server]:
    """Passwords, two workers, and a secret that they are given."""
    with serve("--arg", f"model={insurance}", SLIPWAY_PASSWORD_FILE=str(people), SLIPWAY_WORKERS="2") as found:
        yield found


@pytest.fixture
def visit(browser):
    """A tab of a browser without cookies."""
    opened = []

    def visit(server: Server, path: str = "/ui/en/", **options: object):
        context = browser.new_context(**options)
        opened.append((server, context))
        server.before_stop.append(context.close)
        page = context.new_page()
        page.goto(server.url + path)
        return page

    yield visit
    for server, context in opened:
        server.before_stop.remove(context.close)
        context.close()


def log_in(page, name: str = "anna", password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.browser
def test_from_the_login_to_a_prediction_and_out_again(visit, server):
    page = visit(server, "/ui/en/?age=40")
    assert page.url == f"{server.url}/login?next=ui/en/%3Fage%3D40"
    assert page.evaluate("document.activeElement.name") == "name" and "charges" not in page.content()
    assert not Axe().run(page).response["violations"]

    log_in(page, password="wrong password")
    page.get_by_role("alert").get_by_text("Name or password is wrong.").wait_for()
    assert page.evaluate("document.activeElement.name") == "password"
    log_in(page)
    page.get_by_text("Logged in as anna").wait_for()
    assert page.url.partition("#")[0] == f"{server.url}/ui/en/?age=40"
    page.get_by_label("Age (years)").fill("50")
    page.locator(".slip-falls", has_text="Age: 50").wait_for()

    page.get_by_role("button", name="Log out").click()
    page.get_by_text("You are logged out.").wait_for()
    page.goto(f"{server.url}/ui/en/")
    assert page.url.startswith(f"{server.url}/login?")


@pytest.mark.browser
def test_a_login_that_ends_while_the_page_is_open_is_named_at_once(visit, server, people):
    page = visit(server)
    log_in(page, "berta")
    page.locator(".slip-falls").wait_for()
    passwords.remove(people, "berta")

    page.get_by_label("Age (years)").fill("61")

    notice = page.locator(".slip-notice", has_text="You are logged out. Your values are still here.")
    notice.wait_for(timeout=5000)
    assert page.locator('.slip-answer[data-state="failed"]').count() == 1
    passwords.add(people, "berta", PASSWORD)
    with page.expect_popup() as opened:
        notice.get_by_role("link", name="Log in").click()
    log_in(opened.value, "berta")
    opened.value.get_by_text("Logged in as berta").wait_for()
    opened.value.close()
    page.bring_to_front()
    page.locator(".slip-falls", has_text="Age: 61").wait_for()
    assert notice.count() == 0 or notice.inner_text() == ""


@pytest.mark.browser
def test_the_batch_tab_says_so_as_well(visit, server, tmp_path):
    page = visit(server)
    log_in(page)
    page.locator(".slip-falls").wait_for()
    page.get_by_role("tab", name="Batch").click()
    page.context.clear_cookies()
    file = tmp_path / "people.csv"
    file.write_text("age,sex,bmi,children,smoker,region\n40,male,25,0,no,southwest\n")

    page.locator('.slip-drop input[type="file"]').set_input_files(file)

    page.locator(".slip-notice", has_text="You are logged out.").wait_for()


@pytest.mark.browser
def test_the_login_works_without_a_script_on_a_phone_in_chinese(visit, server):
    phone = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True, "locale": "zh-CN"}
    page = visit(server, "/ui/", java_script_enabled=False, **phone)

    assert page.locator("html").get_attribute("lang") == "zh-CN"
    box = page.locator("main").bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= 360 and page.locator("button").bounding_box()["height"] >= 40
    page.get_by_label("用户名").fill("anna")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()

    assert page.url == f"{server.url}/ui/"


def test_both_workers_know_the_cookie_and_the_log_has_a_line_of_the_secret(server):
    answer = server.post("/login", data={"name": "anna", "password": PASSWORD})
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}

    answers = [server.post("/predict", json={"records": [PERSON]}, headers=cookie).status_code for _ in range(30)]

    assert answers == [200] * 30 and server.post("/predict", json={"records": [PERSON]}).status_code == 401
    log = server.log.read_text()
    assert log.count("sessions are signed with a secret of this start") == 1 and PASSWORD not in log
    assert "anna has logged in with a password" in log


def test_a_page_that_nobody_logs_in_to_has_no_sign_of_it(insurance_server):
    assert "Logged in as" not in insurance_server.get("/ui/en/").text
    assert insurance_server.get("/login").status_code == insurance_server.get("/login/user").status_code == 404


@pytest.fixture(scope="module")
def provided(insurance, nginx, tmp_path_factory) -> Iterator[Server]:  # noqa: F811
    """A server behind nginx that takes a path away, whose people log in at a provider."""
    port = free_port()
    settings = {
        "SLIPWAY_OIDC_CLIENT_ID": "slipway",
        "SLIPWAY_OIDC_CLIENT_SECRET": "not so secret",
        "SLIPWAY_OIDC_ALLOWED": "@example.org",
        "SLIPWAY_PUBLIC_URL": f"http://localhost:{port}{PATH}",
    }
    with (
        provider(anna={"email_verified": True}) as issuer,
        serve("--arg", f"model={insurance}", SLIPWAY_OIDC_ISSUER=issuer, **settings) as server,
        behind(nginx, tmp_path_factory.mktemp("nginx"), server, STRIPPED, port) as proxy,
    ):
        yield proxy


@pytest.mark.slow
@pytest.mark.browser
def test_through_a_provider_behind_a_proxy_with_a_path(visit, provided):
    page = visit(provided, f"{PATH}/ui/")
    assert page.url == f"{provided.url}{PATH}/login?next=ui/"
    assert not Axe().run(page).response["violations"]

    page.get_by_role("link", name=re.compile("Log in with localhost")).click()
    page.get_by_placeholder("sub").fill("anna@example.org")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_text("Logged in as anna@example.org").wait_for()
    page.locator(".slip-falls").wait_for()

    assert page.url.partition("#")[0] == f"{provided.url}{PATH}/ui/"
    assert {cookie["path"] for cookie in page.context.cookies() if cookie["name"].startswith("slipway")} == {
        f"{PATH}/",
        f"{PATH}/logout",
    }
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button").first.wait_for()
    assert "/oauth2/end_session?" in page.url and "post_logout_redirect_uri" in page.url
    page.goto(f"{provided.url}{PATH}/ui/")
    assert page.url.startswith(f"{provided.url}{PATH}/login?")
