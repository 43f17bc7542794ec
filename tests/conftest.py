"""What the tests share: a separate store, models trained once, servers that really run."""

import csv
import io
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

HOME = Path(tempfile.mkdtemp(prefix="slipway-tests-"))
# Before anything imports BentoML, which reads it once.
os.environ["BENTOML_HOME"] = str(HOME / "bentoml")
os.environ["BENTOML_DO_NOT_TRACK"] = "True"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import httpx
import psutil
import pytest
from filelock import FileLock

from slipway import store
from slipway.cli.main import build_parser
from slipway.cli.train import resolve
from slipway.inference.pipeline_engine import NativeEngine
from slipway.page.context import PageContext
from slipway.publish.train import fit
from slipway.schema.schema import Schema
from slipway.service.helper import NAME
from slipway.service.login.secrets import SESSION_SECRET
from slipway.service.metric_files import FOLDER
from slipway.service.served import DECIDED
from tests.prepared import Prepared

ROOT = Path(__file__).parent.parent
CHROMIUM = Path("/usr/bin/chromium")
SCREEN = {"width": 1280, "height": 900}
SLIPWAY = Path(sys.executable).with_name("slipway")
"""The installed command."""
PERSON = {"age": 40, "sex": "male", "bmi": 25.0, "children": 0, "smoker": "no", "region": "southwest"}


PATIENT = {
    "Pregnancies": 2,
    "Glucose": 131,
    "BloodPressure": 70,
    "SkinThickness": 25,
    "Insulin": 100,
    "BMI": 31.5,
    "DiabetesPedigreeFunction": 0.42,
    "Age": 41,
}


SLOWEST = (
    "any_table stateless third_language train start smoke answer_states model_tab proxy predict_tab batch notebook "
    "classifier_metrics page_shell typed bounds axe artifacts compile_estimators compile_steps reading reasons row_order "
    "dates compile_command explain machine_faults supervisor hostile coverage metrics uncertainty cli serving bento "
    "serve_only"
).split()
"""Files that take longest. They go first, else at the end one process works at one of them and the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {f"test_{name}.py": place for place, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(SLOWEST)))


def pytest_sessionstart() -> None:
    # Who ends a run (.ci/run, where another lane has failed) ends what it has started as well, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(trylast=True)  # after the fixtures, of which an interrupted run still has some
def pytest_sessionfinish(session: pytest.Session) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    if hasattr(session.config, "workerinput"):
        return
    if manager := session.config.pluginmanager.get_plugin("dsession"):  # the run's own, not one process of it
        shutil.rmtree(Path(tempfile.gettempdir()) / f"slipway-tests-{manager.nodemanager.testrunuid}", True)


@pytest.fixture(scope="session")
def workdir() -> Path:
    """A folder for this run's files."""
    return HOME


def train(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python train.py …` as a person runs it."""
    return subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def trained(*arguments: str) -> str:
    """The tag that `python train.py …` ends with; in this process, which imports PyCaret once."""
    parsed = build_parser().parse_args(["train", *arguments])
    return fit(resolve(parsed))


def shared(name: str, *arguments: str) -> str:
    """As `trained`, but once for all processes of a run: the others copy the version into their stores."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return trained(*arguments)
    folder = Path(tempfile.gettempdir()) / f"slipway-tests-{run}"
    folder.mkdir(exist_ok=True)
    models = Path(os.environ["BENTOML_HOME"]) / "models"
    entries = (name, f"{name}-pipeline")
    with FileLock(folder / f"{name}.lock"):
        if not (folder / name).exists():
            tag = trained(*arguments)
            for entry in reversed(entries):  # the one that is looked for comes last
                shutil.copytree(models / entry, folder / entry)
            return tag
    for entry in entries:
        shutil.copytree(folder / entry, models / entry, dirs_exist_ok=True)
    return f"{name}:{(folder / name / 'latest').read_text()}"


@pytest.fixture(scope="session")
def insurance() -> str:
    """The tag of an insurance model: gradient boosting, three folds."""
    return shared("insurance", "insurance", "--include", "gbr,lr", "--folds", "3")


@pytest.fixture(scope="session")
def diabetes() -> str:
    """The tag of a diabetes model: linear discriminant analysis, three folds."""
    return shared("diabetes", "diabetes", "--include", "lda", "--folds", "3")


@pytest.fixture(scope="session")
def bare() -> str:
    """The tag of a diabetes model whose estimator has no probabilities."""
    return shared("bare", "diabetes", "--include", "ridge", "--folds", "2", "--name", "bare")


@pytest.fixture(scope="session")
def uncompiled() -> str:
    """The tag of a version that is served natively: free text is not compiled."""
    words = ["good", "bad", "late", "early", "cheap", "dear"]
    rows = [f"{i % 17},{words[i % 6]} and {words[i % 5]},{(i % 17) * 3 + i % 6}.5" for i in range(120)]
    (HOME / "reviews.csv").write_text("\n".join(["stars,note,price", *rows]))
    case = HOME / "reviews.yaml"
    case.write_text(
        f"name: reviews\ndata: {{file: {HOME / 'reviews.csv'}}}\ntarget: {{column: price}}\n"
        "fields: {note: {kind: text}}\ntraining: {include: [lr], folds: 2}\n"
    )
    return shared("reviews", str(case))


def page_of(schema: Schema, language: str = "en") -> PageContext:
    """What the page's parts read of a version that has a schema and no files."""
    return PageContext(SimpleNamespace(schema=lambda: schema), language)


LEFT = {FOLDER, SESSION_SECRET, DECIDED}
"""What a server tells its workers through the environment; one that a test makes in its own process leaves it there."""


@dataclass(frozen=True)
class Server:
    """A `bentoml serve` process that answers."""

    url: str
    process: subprocess.Popen[str] | Prepared
    log: Path
    before_stop: list[Callable[[], None]] = field(default_factory=list)

    def post(self, path: str, **arguments: object) -> httpx.Response:
        return httpx.post(self.url + path, timeout=300, verify=False, **arguments)

    def get(self, path: str, **arguments: object) -> httpx.Response:
        """Without certificates, of which reading takes longer than the call."""
        return httpx.get(self.url + path, timeout=300, verify=False, **arguments)


def processes_of(server: Server, named: Callable[[str], bool]) -> list[psutil.Process]:
    """The processes that a server has started and that run, by their names."""
    found = []
    for process in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):  # one that is just replaced
            if named(process.name()):
                found.append(process)
    return found


def workers_of(server: Server) -> list[psutil.Process]:
    return processes_of(server, lambda name: not name.startswith("slipway-"))


def helpers_of(server: Server) -> list[psutil.Process]:
    return processes_of(server, NAME.__eq__)


def free_port() -> int:
    """A port where nobody listens, below those that the kernel hands out to whoever asks for any, as BentoML does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def serve(
    *arguments: str,
    cwd: Path = ROOT,
    python: Path = Path(sys.executable),
    port: int | None = None,
    from_nothing: bool = False,
    **environment: str,
) -> Iterator[Server]:
    """`bentoml serve … ARGUMENTS` on a free port of this machine, or on that one, stopped at the end.

    It is a fork of a process that has imported everything, unless it is to start from nothing or anything but its
    settings is special to it.
    """
    port = port or free_port()
    command = [str(python.with_name("bentoml")), "serve", *arguments, "--host", "127.0.0.1", "--port", str(port)]
    plain = all(argument.startswith("--arg") or "=" in argument for argument in arguments)  # not a bento's own code
    forks = plain and os.name == "posix" and cwd == ROOT and python == Path(sys.executable) and not from_nothing
    forks = forks and all(name.startswith(("SLIPWAY_", "BENTOML_HOME")) for name in environment)
    # An app that a test runs in this process has a folder for metrics, which is not that of a server.
    own = {name: value for name, value in os.environ.items() if name not in LEFT}
    with running(command, port, cwd, own | environment, forks) as server:
        yield server


@contextmanager
def running(command: list[str], port: int, cwd: Path, env: Mapping[str, str], forks: bool = False) -> Iterator[Server]:
    """A server that listens on that port of this machine, its page built by a worker at least, and stopped at the end."""
    log = HOME / f"serve-{port}.log"
    with log.open("w") as out:
        if forks:
            process = Prepared(command[1:], cwd, env, log)
        else:
            process = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT, text=True)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    several = env.get("SLIPWAY_WORKERS", "1") != "1" or "--workers" in command
    try:
        deadline = time.monotonic() + 180
        built = 0
        while process.poll() is None and time.monotonic() < deadline:
            try:
                ready, page = (
                    httpx.get(server.url + path, timeout=5, verify=False).status_code for path in ("/readyz", "/ui/")
                )
                built = built + 1 if ready == 200 and page in (200, 303, 401) else 0  # 303, 401: one is asked who it is
                if built >= (12 if several else 1):  # each worker builds its own
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.1 if built else 0.2)
        else:
            pytest.fail(f"the server is not ready:\n{log.read_text()}")
        yield server
    finally:
        for close in server.before_stop:
            close()
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def insurance_server(insurance: str) -> Iterator[Server]:
    """`bentoml serve`, with no other flags than where to listen."""
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def diabetes_server(diabetes: str) -> Iterator[Server]:
    with serve("--arg", "model=diabetes") as server:
        yield server


@pytest.fixture(scope="session")
def browser():
    """Chromium; without it these tests are skipped, but not in `.ci/run`."""
    if not CHROMIUM.exists():
        if os.environ.get("SLIPWAY_REQUIRE_BROWSER"):
            pytest.fail("chromium is missing; `apt-get install chromium`")
        pytest.skip("no chromium at /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


def is_fault(message) -> bool:
    """Whether a console message is an error; that a bad file is refused, or a server away from it, is none."""
    return message.type == "error" and not re.search(
        r"/predict_csv\?lang=\w+$|/hyparquet\.min\.js", message.location["url"]
    )


@pytest.fixture(scope="session")
def context_of(browser):
    """A context of the browser by its options; a page that opens where another was has its scripts from the cache."""
    made = {}

    def context_of(**options: object):
        name = repr(sorted(options.items()))
        if name not in made:
            made[name] = browser.new_context(accept_downloads=True, **{"viewport": SCREEN} | options)
        return made[name]

    return context_of


@pytest.fixture
def open_page(context_of):
    """Opens a page, and at the end fails on console errors, on any request to another host, and if a page kept anything."""
    closing, faults = [], []

    def open_page(server: Server, path: str = "/ui/", **options: object):
        context = context_of(**options)
        page = context.new_page()
        # A page that is still loading when its server goes away would report that as a fault.
        server.before_stop.append(page.close)
        closing.append((server, page))
        page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        local = (server.url, "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(local) else faults.append(request.url))
        page.goto(server.url + path)
        page.locator(".slip-sentence").wait_for()
        return page

    yield open_page
    for server, page in closing:
        server.before_stop.remove(page.close)
        page.context.clear_permissions()
        page.close()
    assert not faults
    assert not [cookie for _, page in closing for cookie in page.context.cookies()]


def settled(page) -> None:
    """Wait until every panel of the page is there and belongs to the values that the form shows."""
    page.locator('[data-live="why"]').wait_for(state="attached")
    page.locator('[data-live]:not([data-state=""])').first.wait_for(state="detached")


def pipeline(tag: str):
    """The fitted pipeline and the schema of a version."""
    version = store.find(tag)
    return NativeEngine.load(version.pipeline, version.schema()).pipeline, version.schema()


def sentence(page) -> str:
    return page.locator(".slip-sentence").inner_text()


def says(page, text: str) -> None:
    page.locator(".slip-sentence", has_text=re.compile(f"^{re.escape(text)}$")).wait_for()


def answers_of_its_own_file(folder: Path, table: str, name: str):
    """A version learnt from a table by a linear model, its schema, and its answers to the same file, as dicts."""
    from slipway.inference.table import predict_table
    from slipway.tables.files import read_upload
    from slipway.tables.writers import TextForm, TextWriter

    path = folder / "t.csv"
    path.write_text(table, encoding="utf-8")
    version = store.find(
        trained("--data", str(path), "--target", "y", "--include", "lr", "--folds", "2", "--name", name)
    )
    cells = read_upload(table.encode())
    writer = TextWriter(TextForm(cells.separator))
    answer = predict_table(store.load_predictor(version), cells, writer).content.decode()
    return version, version.schema(), list(csv.DictReader(io.StringIO(answer), delimiter=cells.separator))
