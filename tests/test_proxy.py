"""The page and the API behind a real nginx: with and without a path, whatever headers it sends to the server."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from slipway.service import proxy
from tests.conftest import PERSON, ROOT, Server, free_port, says, serve

BLOCKS = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8"), re.S)
STRIPPED, ANNOUNCED, PASSED_ON, PLAIN, TLS, FRAMED = BLOCKS
PATH = "/app/insurance"
PORTAL = free_port()
CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {server}
}}
"""
SERVER = "server {{ listen 127.0.0.1:{port}; absolute_redirect off; {location} }}"


@pytest.fixture(scope="module")
def nginx() -> str:
    """nginx; without it these tests are skipped, but not in `.ci/run`."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("SLIPWAY_REQUIRE_NGINX"):
            pytest.fail("nginx is missing; `apt-get install nginx-light`")
        pytest.skip("no nginx")
    return found


@contextmanager
def behind(nginx: str, folder: Path, server: Server, location: str, port: int | None = None) -> Iterator[Server]:
    """nginx on a port of its own, reached as `localhost`: a name that the server itself is never asked under."""
    port = port or free_port()
    config = folder / "nginx.conf"
    lines = location.replace("127.0.0.1:3000", netloc(server))
    is_tls = lines.startswith("server {")
    lines = lines.replace("listen 8443", f"listen 127.0.0.1:{port}").replace(
        "/etc/ssl/ml.example.org", str(folder / "tls")
    )
    lines = lines if is_tls else SERVER.format(port=port, location=lines)
    config.write_text(CONFIG.format(folder=folder, server=lines))
    process = subprocess.Popen([nginx, "-c", config, "-p", folder], stderr=subprocess.DEVNULL)
    proxy = Server(f"http{'s' * is_tls}://localhost:{port}", process, folder / "error.log")
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=5, verify=False)) as client:
            client.get(proxy.url + "/none")
        yield proxy
    finally:
        for close in proxy.before_stop:
            close()
        process.terminate()
        process.wait(30)


def netloc(server: Server) -> str:
    return server.url.removeprefix("http://")


@pytest.fixture(scope="module")
def rooted_server(insurance: str) -> Iterator[Server]:
    """A server that is told of the path that a proxy leaves in front of its own, and of a portal that frames its page."""
    frames = f"'self',http://127.0.0.1:{PORTAL}"
    settings = {"SLIPWAY_FRAME_ANCESTORS": frames, "SLIPWAY_ALLOWED_HOSTS": "ml.example.org,127.0.0.1"}
    with serve("--arg", f"model={insurance}", SLIPWAY_ROOT_PATH=PATH, **settings) as server:
        yield server


@pytest.mark.parametrize(
    ("location", "foreign"),
    [
        pytest.param(ANNOUNCED, 400, id="the Host of the browser"),
        pytest.param(PASSED_ON, 200, id="that of nginx, which is listed"),
    ],
)
def test_the_names_of_the_server_are_those_that_nginx_passes_on(nginx, rooted_server, tmp_path, location, foreign):
    with behind(nginx, tmp_path, rooted_server, location) as proxy:
        hosts = ("ml.example.org", "ML.example.org:8443", "evil.example", "127.0.0.1.evil.example")
        found = [proxy.get(f"{PATH}/model/schema", headers={"Host": host}) for host in hosts]

        assert [answer.status_code for answer in found] == [200, 200, foreign, foreign]
        assert proxy.get(f"{PATH}/livez", headers={"Host": "evil.example"}).status_code == 200
        assert foreign == 200 or found[2].json()["code"] == "host_not_allowed"


PLACES = [
    pytest.param((STRIPPED, PATH, "insurance_server"), id="path taken away"),
    pytest.param((PASSED_ON, PATH, "rooted_server"), id="path passed on"),
    pytest.param((PLAIN, "", "insurance_server"), id="no path"),
]
IS_ANNOUNCED = pytest.param((ANNOUNCED, PATH, "insurance_server"), id="path taken away and announced")
"""The page of this is that of a path taken away: no header changes it, which is a test below."""


@pytest.fixture(scope="module", params=[*PLACES, IS_ANNOUNCED])
def proxied(request, nginx, tmp_path_factory) -> Iterator[tuple[Server, str, Server]]:
    """nginx by the lines of the docs, the path under which it has the server, and that server itself."""
    location, path, name = request.param
    server = request.getfixturevalue(name)
    with behind(nginx, tmp_path_factory.mktemp("nginx"), server, location) as proxy:
        yield proxy, path, server


IN_A_BROWSER = pytest.mark.parametrize("proxied", PLACES, indirect=True)


def charge(server: Server, **changed: object) -> str:
    answer = server.post("/predict", json={"records": [PERSON | changed]}).json()
    return f"Expected bill: ${answer['predictions'][0]['prediction']:,.0f} a year"


@pytest.mark.browser
@IN_A_BROWSER
def test_the_page_works_wherever_a_proxy_has_it(open_page, proxied):
    proxy, path, server = proxied
    page = open_page(proxy, f"{path}/ui/en/")
    answers = []
    page.on("response", lambda answer: answers.append((answer.status, answer.url)))

    page.reload()
    page.locator(".slip-falls").wait_for()
    page.get_by_label("Male", exact=True).check()
    page.get_by_label("Southwest").check()
    for label, name in {"Age (years)": "age", "Body mass index (kg/m²)": "bmi", "Children": "children"}.items():
        page.get_by_label(label).fill(str(PERSON[name]))

    says(page, charge(server))
    page.get_by_label("Age (years)").fill("50")
    says(page, charge(server, age=50))
    assert page.locator(".slip-kicker").inner_text().startswith("For the values shown; ")
    page.locator(".slip-falls", has_text="Age: 50").wait_for()
    assert [one for one in answers if one[0] >= 400] == []
    assert [url for _, url in answers if not url.startswith((f"{proxy.url}{path}/ui/en/", "data:", "blob:"))] == []
    styled = {url.partition("?")[0].rpartition("/")[2] for _, url in answers}
    assert "theme.css" in styled and "predict" in styled
    # Of Gradio's theme, of Gradio's own styles and of ours.
    style = (
        "node => { const found = getComputedStyle(node); return [found.padding, found.borderRadius, found.cursor]; }"
    )
    assert page.get_by_role("button", name="Reset").evaluate(style) == ["6px 14px", "999px", "pointer"]


@pytest.mark.browser
@IN_A_BROWSER
def test_batch_links_and_the_other_language_work_wherever_a_proxy_has_the_page(open_page, proxied, tmp_path):
    proxy, path, server = proxied
    page = open_page(proxy, f"{path}/ui/")
    file = tmp_path / "people.csv"
    file.write_text("age,sex,bmi,children,smoker,region\n40,male,25,0,no,southwest\n")

    page.get_by_role("tab", name="Batch").click()
    page.locator('.slip-drop input[type="file"]').set_input_files(file)
    page.get_by_text("1 of 1 row of people.csv predicted").wait_for()
    predicted = page.locator(".slip-batch-result tbody tr").first.inner_text()
    assert re.search(r"\$([\d,]+)", charge(server))[1] in predicted
    page.get_by_role("tab", name="Model").click()
    assert page.locator('[data-call="curl"] code').text_content().startswith(f"curl '{proxy.url}{path}/predict' ")
    docs = page.locator(".slip-docs")
    assert docs.get_attribute("href") == f"{proxy.url}{path}/docs"
    page.get_by_role("link", name="中文").click()
    page.locator(".slip-form").get_by_label("年龄 (岁)").wait_for(state="attached")
    assert page.url.partition("#")[0] == f"{proxy.url}{path}/ui/zh/?tab=model"
    page.goto(f"{proxy.url}{path}/docs")
    page.get_by_text("/predict_csv").first.wait_for()
    assert page.get_by_text("Hospital charges").count() >= 1
    described = proxy.get(f"{path}/docs.json").json()
    assert described["servers"] == [{"url": "."}] and "/explain" in described["paths"]


@pytest.mark.browser
def test_the_page_works_over_tls_on_another_port_and_browsers_keep_to_it(nginx, open_page, insurance_server, tmp_path):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    files = ["-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.pem"]
    subprocess.run([*command, *files], check=True, capture_output=True)

    with behind(nginx, tmp_path, insurance_server, TLS) as proxy:
        page = open_page(proxy, f"{PATH}/ui/en/", ignore_https_errors=True)
        page.get_by_label("Age (years)").fill("50")
        page.locator(".slip-falls", has_text="Age: 50").wait_for()
        answer = proxy.get(f"{PATH}/model")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in insurance_server.get("/model").headers


@pytest.mark.browser
def test_pages_of_the_same_origin_and_of_a_portal_that_is_named_may_frame_the_page_and_no_other(
    nginx, browser, insurance_server, rooted_server, tmp_path
):
    with behind(nginx, tmp_path, insurance_server, FRAMED, PORTAL) as proxy:
        own, other = f"{proxy.url}/portal/", f"http://127.0.0.1:{PORTAL}/portal/"
        framed = {
            "same origin": (own, None),
            "another origin": (other, f"{proxy.url}{PATH}/ui/en/"),
            "a portal that is named": (other, f"{rooted_server.url}/ui/en/"),
            "not that portal": (own, f"{rooted_server.url}/ui/en/"),
        }
        shown = {name: in_frame(browser, *one) for name, one in framed.items()}

    assert shown == {
        "same origin": True,
        "another origin": False,
        "a portal that is named": True,
        "not that portal": False,
    }


def in_frame(browser, address: str, inside: str | None) -> bool:
    """Whether the page answers in the frame of a portal, which frames `inside` instead of what is in its document."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        refused = []
        page.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
        page.goto(address)
        if inside:
            refused.clear()
            page.evaluate("address => { document.querySelector('iframe').src = address; }", inside)
            page.wait_for_timeout(1000)
        frame = page.frame_locator("iframe")
        for _ in range(300):
            if refused:
                return False
            if frame.locator(".slip-sentence").count():
                frame.get_by_label("Age (years)").fill("50")
                frame.locator(".slip-falls", has_text="Age: 50").wait_for()
                return True
            page.wait_for_timeout(100)
        return False
    finally:
        context.close()


@pytest.mark.parametrize("asked", ["/", "/ui", "/ui/en", "/ui/zh", "/docs/", "/model/", "/livez/", "/ui?lang=x"])
def test_a_redirect_stays_below_the_path(proxied, asked):
    proxy, path, _ = proxied

    answer = proxy.get(f"{path}{asked}", headers={"Accept": "text/html"})

    assert answer.status_code == 307 and re.match(r"\.{0,2}/?[a-z]", answer.headers["location"])
    end = proxy.get(f"{path}{asked}", headers={"Accept": "text/html"}, follow_redirects=True)
    assert end.status_code == 200 and str(end.url).startswith(f"{proxy.url}{path}/")
    assert str(end.url).count("?") == asked.count("?")


def test_the_path_alone_leads_to_the_page(proxied):
    proxy, path, _ = proxied

    end = proxy.get(path, headers={"Accept": "text/html"}, follow_redirects=True)

    assert (end.status_code, str(end.url)) == (200, f"{proxy.url}{path}/ui/")


@pytest.mark.parametrize("asked", ["/ui/", "/ui/en/", "/ui/zh/", "/docs", "/docs.json", "/model", "/"])
def test_no_answer_names_the_server_behind_the_proxy(proxied, asked):
    proxy, path, server = proxied

    answer = proxy.get(f"{path}{asked}")

    said = answer.text + str(answer.headers)
    assert answer.status_code == 200 and netloc(server) not in said and netloc(proxy) not in said


NAMING = ["Host", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Gradio-Server", "Forwarded", "Origin"]


@pytest.mark.parametrize("header", NAMING)
@pytest.mark.parametrize("value", ["evil.example", "//evil.example/x", "/../..", "https://evil.example"])
def test_no_header_changes_a_page_or_a_redirect(insurance_server, header, value):
    for path in ("/ui/", "/ui/en/", "/ui/zh/", "/ui", "/docs/", "/docs"):
        plain, changed = (insurance_server.get(path, headers=headers) for headers in ({}, {header: value}))

        assert changed.content == plain.content and changed.status_code == plain.status_code
        assert changed.headers.get("location") == plain.headers.get("location")
        assert "evil.example" not in changed.text + str(changed.headers)


def test_a_server_that_knows_its_path_answers_without_it_as_well(rooted_server):
    person = {"records": [PERSON]}

    bare = rooted_server.get(PATH)
    answers = [rooted_server.post(path, json=person).json() for path in ("/predict", f"{PATH}/predict")]

    assert (bare.status_code, bare.headers["location"]) == (307, "./insurance/")
    assert answers[0] == answers[1] and "predictions" in answers[0]
    assert rooted_server.get(f"{PATH}/livez").status_code == rooted_server.get("/livez").status_code == 200
    assert rooted_server.get(f"{PATH}x/model").status_code == 404
    assert rooted_server.get(f"{PATH}{PATH}/model").status_code == 404


@pytest.mark.parametrize(
    ("target", "path", "wanted"),
    [
        ("http://any/ui/", "/ui", "./ui/"),
        ("https://any/docs", "/docs/", "../docs"),
        ("http://any/docs", "/docs//", "../../docs"),
        ("/ui/en/?a=b", "/ui/en", "./en/?a=b"),
        ("http://any/a:b/", "/a:b", "./a:b/"),
        ("http://any//x/", "//x", "./x/"),
        ("http://any/", "/ui/en/", "../../"),
    ],
)
def test_an_address_is_named_as_seen_from_the_one_that_was_asked_for(target, path, wanted):
    assert proxy.relative(target, path) == wanted


def test_the_page_asks_the_server_for_nothing_by_its_own_name(insurance_server):
    html = insurance_server.get("/ui/en/").text
    config = json.loads(re.search(r"window\.gradio_config = (\{.*?\});</script>", html)[1])

    assert config["root"] == "." and 'const root = "."' in html
