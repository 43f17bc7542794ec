"""What Slipway relies on in other packages without their documentation promising it: a contract each.

An upgrade that breaks one fails here, with a sentence that says what has changed and where the adapter is that has to
follow. What is public of them has no test here.
"""

import asyncio
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from slipway.service import metric_files
from slipway.service.metric_files import MetricFiles, Sums
from slipway.service.metrics import INFINITY, Counts, Metric
from tests.calls import on_a_loop
from tests.conftest import ROOT

BENTOML, GRADIO, PROMETHEUS, PYCARET, SKLEARN = (
    ("bentoml", "1.4.39 and 1.4.40", "slipway/store/_bentoml.py"),
    ("gradio", "6.31.0", "slipway/page/_gradio.py"),
    ("prometheus-client", "0.26.0", "slipway/service/metric_files.py"),
    ("pycaret-core", "3.5.0", "slipway/training/_pycaret.py"),
    ("scikit-learn", "1.4.2", "slipway/training/_sklearn.py"),
)


ONNXRUNTIME = ("onnxruntime", "1.32.0", "slipway/inference/_onnxruntime.py")
UVICORN = ("uvicorn", "0.54.0", "slipway/service/worker.py")
PROTOCOL = ("uvicorn", "0.54.0", "slipway/service/_uvicorn.py")


@contextmanager
def relies(package: tuple[str, str, str], sentence: str) -> Iterator[None]:
    """Within it something is tried that has to be as the sentence says."""
    name, seen, adapter = package
    try:
        yield
    except Exception as exc:
        raise AssertionError(
            f"{adapter} relies on this: {sentence}. So it was in {name} {seen}; in {version(name)}, which is installed, "
            f"it is not ({type(exc).__name__}: {exc})"
        ) from exc


def run(code: str, *arguments: str, **environment: str) -> str:
    """What a Python of its own prints: BentoML allows one app in a process, and reads its configuration once."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_failure_names_what_has_changed_and_where():
    with pytest.raises(AssertionError, match=r"_gradio\.py relies on this: a page has a queue\. So it was in gradio 6"):
        with relies(GRADIO, "a page has a queue"):
            raise AttributeError("no _queue")


# BentoML


def test_a_model_is_made_in_a_store_of_ones_own_and_found_where_it_is_moved_to(tmp_path):
    import bentoml

    from slipway.store import _bentoml

    own, staging, other = _bentoml.store_folder(), tmp_path / "staging", tmp_path / "models"
    staging.mkdir()
    other.mkdir()

    with relies(BENTOML, "`bentoml.models.create` takes `_model_store=` and makes <store>/<name>/<version>/model.yaml"):
        with _bentoml.create_in(staging, "contract:v1", {"task": "regression"}, {"score": 0.5}) as folder:
            (folder / "graph").write_text("graph")
            assert not (own / "contract").exists()
        assert {path.name for path in (staging / "contract" / "v1").iterdir()} == {"graph", "model.yaml"}
    with relies(
        BENTOML, "the store can be replaced in its container, its folder is `_path`, and `latest` names a version"
    ):
        (staging / "contract").rename(other / "contract")
        (other / "contract" / "latest").write_text("v1")
        try:
            _bentoml.use_store(other)
            found = bentoml.models.get("contract")
            assert _bentoml.store_folder() == other
        finally:
            _bentoml.use_store(own)
        assert (str(found.tag), found.info.labels["task"], found.info.metadata["score"]) == (
            "contract:v1",
            "regression",
            0.5,
        )
        assert _bentoml.store_folder() == own


def test_whether_to_report_home_is_remembered_and_can_be_asked_anew(monkeypatch):
    from bentoml._internal.utils.analytics import usage_stats

    from slipway.store import _bentoml

    with relies(
        BENTOML, "`usage_stats.do_not_track` caches what BENTOML_DO_NOT_TRACK says, and its cache can be cleared"
    ):
        monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "False")
        _bentoml.read_do_not_track()
        before = usage_stats.do_not_track()
        monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "True")
        kept = usage_stats.do_not_track()
        _bentoml.read_do_not_track()
        assert (before, kept, usage_stats.do_not_track()) == (False, False, True)


@pytest.mark.parametrize(("configured", "exported"), [("", False), ("tracing:\n  exporter_type: otlp\n", True)])
def test_an_exporter_for_traces_is_seen(tmp_path, configured, exported):
    (tmp_path / "bentoml.yaml").write_text(f"version: 1\n{configured}")

    with relies(BENTOML, "the container has `tracing.exporter_type`, which says what the configuration does"):
        asked = "from slipway.store._bentoml import traces_are_exported; print(traces_are_exported())"
        assert run(asked, BENTOML_CONFIG=str(tmp_path / "bentoml.yaml")).strip() == str(exported)


IN_FRONT = """
import sys
import threading
import bentoml
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from slipway.store import _bentoml

async def echo(scope, receive, send):
    await PlainTextResponse(scope["path"])(scope, receive, send)

@bentoml.service(metrics={"enabled": sys.argv[1] == "measured"})
class Tiny:
    @bentoml.api
    def double(self, number: int) -> int:
        return 2 * number

class Named:
    def __init__(self, app, name):
        self.app, self.name = app, name

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/named":
            await PlainTextResponse(self.name)(scope, receive, send)
        else:
            await self.app({**scope, "path": scope.get("path", "") + self.name}, receive, send)

if sys.argv[1] == "measured":
    with TestClient(Tiny.to_asgi()) as client:
        client.post("/double", json={"number": 1})
        print(client.get("/metrics").text)
else:
    Tiny.mount_asgi_app(echo, path="/")
    chain = [Middleware(Named, name="-outer"), Middleware(Named, name="-inner")]
    _bentoml.put_in_front(Tiny, chain, begin=lambda: print("begun"))
    with TestClient(Tiny.to_asgi()) as client:
        print(client.get("/metrics").text, client.get("/named").text)
"""


def test_a_request_passes_our_middlewares_before_bentomls_app_and_bentoml_measures_nothing(tmp_path):
    with relies(BENTOML, "`to_asgi` of a service makes its app; without metrics there is no /metrics"):
        paths = run(IN_FRONT, "", BENTOML_HOME=str(tmp_path), PROMETHEUS_MULTIPROC_DIR=str(tmp_path)).split()
        assert paths == ["begun", "/metrics-outer-inner", "-outer"]


NAMED = """
import bentoml
from slipway.service.http_metrics import HttpMetrics
from slipway.service.metric_files import MetricFiles, Sums
from slipway.service.metrics import Counts

@bentoml.service
class Tiny:
    @bentoml.api
    def double(self, number: int) -> int:
        return 2 * number

Tiny.to_asgi()
counts = Counts()
metrics = HttpMetrics(counts)
metrics.begin("/double")
metrics.end("/double", 200, 0.001)
files = MetricFiles(counts)
files.open()
files.write()
print(Sums(files.folder).text().decode())
"""


def series(text: str) -> set[tuple[str, str, str]]:
    """Name, names of labels and bucket of each of BentoML's samples of HTTP requests that were answered with 200."""
    samples = re.findall(r"^(bentoml_service_(?:request|last)\w+)\{(.*)\}", text, re.M)
    found = {(name, " ".join(re.findall(r'(\w+)="', labels)), labels) for name, labels in samples}
    return {
        (name, names, (re.search(r'le="([^"]*)"', labels) or [""])[0])
        for name, names, labels in found
        if "http_response_code" not in names or '"200"' in labels
    }


def test_our_metrics_of_http_requests_have_the_names_labels_and_buckets_of_bentomls(tmp_path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    environment = {"BENTOML_HOME": str(tmp_path), "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    with relies(BENTOML, "`http_metrics` says how its metrics are called, and they have these labels"):
        theirs = series(run(IN_FRONT, "measured", **environment))
        # Of the time of the last request it keeps one series for each process that there ever was.
        theirs = {(name, names.replace("pid ", ""), bucket) for name, names, bucket in theirs}
        assert theirs == series(run(NAMED, **environment)) and len(theirs) > 15


def test_prometheus_client_adds_up_the_files_that_we_write(tmp_path, monkeypatch):
    monkeypatch.setenv(metric_files.FOLDER, str(tmp_path))
    counted = Metric("counter", "slipway_x_total", "X", ("a",))
    timed = Metric("histogram", "slipway_y_seconds", "Y", ("a",), buckets=(0.1, 1.0, INFINITY))
    gauges = [Metric("gauge", f"slipway_{mode}", mode, (), mode) for mode in ("livesum", "livemin", "livemax", "max")]

    def worker(pid: int, amount: float) -> None:
        monkeypatch.setattr(os, "getpid", lambda: pid)
        counts = Counts()
        counts.add(counted, 'odd "label"\n', amount=amount)
        for seconds in (0.05, 0.1, 0.5, 7.0):
            counts.timer(timed, "é").add(seconds)
        for gauge in gauges:
            counts.set(gauge, value=amount)
        files = MetricFiles(counts)
        files.folder = tmp_path
        files.write()

    with relies(PROMETHEUS, "prometheus_client reads such files in its multiprocess mode"):
        worker(os.getpid(), 1)
        worker(os.getppid(), 2)
        families = {family.name: family for family in Sums(tmp_path).collect()}
        values = {
            (sample.name, *sample.labels.values()): sample.value
            for family in families.values()
            for sample in family.samples
        }
        assert values == {
            ("slipway_x_total", 'odd "label"\n'): 3,
            ("slipway_y_seconds_sum", "é"): pytest.approx(15.3),
            ("slipway_y_seconds_count", "é"): 8,
            ("slipway_y_seconds_bucket", "é", "0.1"): 4,
            ("slipway_y_seconds_bucket", "é", "1.0"): 6,
            ("slipway_y_seconds_bucket", "é", "+Inf"): 8,
            ("slipway_livesum",): 3,
            ("slipway_livemin",): 1,
            ("slipway_livemax",): 2,
            ("slipway_max",): 2,
        }


BUILT = """
import bentoml
from slipway.service.image import ServingImage

@bentoml.service(image=ServingImage(lock_python_packages=False, python_requirements="orjson"))
class Tiny:
    @bentoml.api
    def double(self, number: int) -> int:
        return 2 * number
"""


def test_a_dockerfile_has_one_stage_and_our_commands_behind_the_packages(tmp_path):
    from slipway.service import image
    from slipway.store._bentoml import BUILD_STAGE, IMAGE_USER, VIRTUAL_ENV

    (tmp_path / "tiny.py").write_text(BUILT)
    (tmp_path / "bentofile.yaml").write_text("service: tiny:Tiny\ninclude: [tiny.py]\n")
    build = (
        "import sys, bentoml; made = bentoml.build('tiny:Tiny', build_ctx=sys.argv[1], include=['tiny.py']); "
        "print(made.path)"
    )

    with relies(BENTOML, "`Image.freeze` makes the Dockerfile when a bento is built, with `post_commands` as they are"):
        folder = run(build, str(tmp_path), BENTOML_HOME=str(tmp_path / "home"), PYTHONPATH=str(ROOT)).split()[-1]
        docker = (Path(folder) / "env" / "docker" / "Dockerfile").read_text()
        before, ours, after = docker.partition(image._SLIM + image._SECOND_STAGE.replace("{base}", image.BASE))
        assert ours
    with relies(
        BENTOML, "`commands` are run before the packages are installed, and the installer has a version and hashes"
    ):
        assert before.index("ENV PYC_INVALIDATION_MODE=UNCHECKED_HASH\n") < before.index("uv venv")
        assert re.search(r"printf '%s\\n' 'uv==[0-9.]+ \\\n +--hash=sha256:[0-9a-f]{64}", before)
        assert "pip install --no-cache-dir --require-hashes" in before
    with relies(
        BENTOML, f"its one stage is `{BUILD_STAGE}`, and the packages are installed into {VIRTUAL_ENV} before them"
    ):
        assert re.findall(r"^FROM .*", before, re.M) == [f"FROM {image.BASE} AS {BUILD_STAGE}"]
        assert re.search(rf"uv venv .* {VIRTUAL_ENV} ", before)
        assert before.rindex("pip install") > before.rindex(f"VIRTUAL_ENV={VIRTUAL_ENV}")
    with relies(
        BENTOML, f"behind them the bento is copied and the user is {IMAGE_USER[0]}, and no command is run but chmod"
    ):
        assert re.findall(r"^(?:COPY|RUN|USER) .*", after, re.M)[1:] == [
            f"RUN chmod +x /home/{IMAGE_USER[0]}/bento/env/docker/entrypoint.sh",
            f"USER {IMAGE_USER[0]}",
        ]
        assert f"BENTO_USER_UID={IMAGE_USER[1]}\n" in before


def test_the_stage_that_make_image_stops_at_is_complete():
    from slipway.service import image

    stage, _, rest = image._SECOND_STAGE.partition("\nFROM ")[2].partition("\nFROM ")

    instructions = [line.partition(" ") for line in stage.splitlines()]
    found = {word: text for word, _, text in instructions}
    assert stage.startswith("{base} AS slipway\n") and rest == "slipway\n"
    assert found["USER"] == "1034:1034" and [text for word, _, text in instructions if word == "EXPOSE"] == ["3000"]
    assert json.loads(found["ENTRYPOINT"])[1] == "/home/bentoml/bento/env/docker/entrypoint.sh"


def test_the_health_check_asks_the_port_that_is_set_and_fails_if_nobody_answers(monkeypatch):
    from slipway.service import image

    check = [sys.executable, "-c", image._HEALTHY]
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = str(server.server_port)
        answered = [subprocess.run(check, env={name: port}).returncode for name in ("PORT", "BENTOML_PORT")]
        server.shutdown()

    assert answered == [0, 0]
    assert subprocess.run(check, env={"PORT": port}, capture_output=True).returncode == 1


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_what_an_image_leaves_out_is_there():
    from slipway.service.image import _UNUSED

    places = [Path(path) for path in sys.path if path.endswith("site-packages")]
    for pattern in _UNUSED.split():
        found = [found for place in places for found in place.glob(pattern)]
        assert found, (
            f"slipway/service/image.py removes {pattern} from an image, and {pattern.partition('/')[0]} "
            f"{version(pattern.partition('/')[0])} has it no more: the build would stop"
        )


def test_host_and_port_are_options_of_the_command_line():
    from bentoml_cli.cli import cli

    with relies(
        BENTOML, "`bentoml serve` has options called host and port, a text and a number (slipway/service/port.py)"
    ):
        kinds = {option.name: option.type.name for option in cli.commands["serve"].params}
        assert (kinds["host"], kinds["port"]) == ("text", "integer")


def test_workers_are_looked_after_by_another_class_than_circus():
    from circus.sockets import CircusSocket
    from circus.watcher import Watcher

    with relies(BENTOML, "`bentoml serve` makes bentoml._internal.utils.circus.Arbiter of its watchers and sockets"):
        printed = run(
            "from slipway.store import _bentoml\n"
            "from bentoml._internal.utils import circus\n"
            "_bentoml.use_supervisor(lambda watchers, sockets: print(watchers, sockets))\n"
            "circus.create_standalone_arbiter(['watcher'], sockets=['socket'], threaded=False)"
        )
        assert printed == "['watcher'] ['socket']\n"
    with relies(
        BENTOML, "a worker is `-m MODULE …`, where MODULE has a click command `main`, and its log a cached name"
    ):
        from bentoml._internal import log

        module = importlib.import_module(importlib.import_module("_bentoml_impl.server.serving")._SERVICE_WORKER_SCRIPT)
        assert {"fd", "worker_id"} <= {option.name for option in module.main.params}
        log._component_name.cache_clear()
        assert log.SERVER_LOGGING_CONFIG["version"] == 1
    with relies(BENTOML, "circus's watcher has args, env, numprocesses and working_dir, its socket bind_and_listen"):
        watcher = Watcher("name", "python", args=["-m", "module"], env={}, numprocesses=2, working_dir=".")
        assert (watcher.args, watcher.env, watcher.numprocesses) == (["-m", "module"], {}, 2) and watcher.working_dir
        assert callable(CircusSocket.bind_and_listen)


def test_uvicorn_stops_by_a_method_that_closes_its_servers():
    from uvicorn import Config, Server

    with relies(
        UVICORN, "`Server.shutdown(sockets)` is called once a server is to stop, and `servers` are those that listen"
    ):
        server = Server(Config(lambda: None))
        assert list(inspect.signature(server.shutdown).parameters) == ["sockets"]
        assert "self.servers = " in inspect.getsource(Server) and "server.close()" in inspect.getsource(Server.shutdown)


# Gradio


@pytest.fixture(scope="module")
def page():
    """A page with one event that runs here and one that runs in the browser."""
    import gradio as gr

    with gr.Blocks(title="Contract", analytics_enabled=False) as blocks:
        color = gr.Dropdown(["red", "blue"], value="red")
        shown = gr.Textbox()
        gr.HTML(visible=False)
        button = gr.Button()
        button.click(lambda value: f"is {value}", color, shown, queue=False, api_visibility="private")
        button.click(None, color, shown, js="value => value", api_visibility="private")
    return blocks


@pytest.fixture(scope="module")
def app(page):
    import gradio as gr

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    gr.mount_gradio_app(app, page, path="/", footer_links=[])
    return app


def test_an_idle_queue_sleeps_as_long_as_it_is_told():
    import gradio as gr

    from slipway.page import _gradio

    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds, *arguments):
        slept.append(seconds)
        await sleep(0.01)

    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox()
    with relies(GRADIO, "a page has a `_queue` that sleeps for `sleep_when_free` while there is nothing in it"):
        assert 0 < blocks._queue.sleep_when_free < 1 and 0 < blocks._queue.progress_update_sleep_when_free < 1
        _gradio.stop_polling(blocks)
        blocks._queue.active_jobs = [None]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gradio.queueing.asyncio.sleep", noted)

            async def idle():
                for loop in (blocks._queue.start_processing, blocks._queue.start_progress_updates):
                    with pytest.raises(asyncio.TimeoutError):
                        await asyncio.wait_for(loop(), 0.1)
                    blocks._queue.stopped = False

            on_a_loop(idle())
        assert set(slept) == {3600.0}


def test_an_event_is_asked_for_at_its_own_triggers_and_after_another_one():
    import gradio as gr

    from slipway.page import _gradio

    with gr.Blocks(analytics_enabled=False) as blocks:
        box, shown = gr.Textbox(), gr.HTML()
        first = box.change(lambda text: text, box, shown)
        then = gr.on([blocks.load], lambda: "", None, shown)
        _gradio.ask_after(blocks, first, then)
    with relies(GRADIO, "an event's `trigger_after` is the number of the event that it follows, beside its `targets`"):
        described = blocks.get_config_file()["dependencies"][then["id"]]
        assert described["trigger_after"] == first["id"] and [name for _, name in described["targets"]] == ["load"]


def test_a_page_describes_its_components_for_an_api_and_opens_without(page):
    import gradio as gr
    from fastapi import FastAPI

    from slipway.page import _gradio

    app = gr.mount_gradio_app(FastAPI(), page, path="/")
    with relies(GRADIO, "`config` has the components, and lists the choices of each once more in `api_info`"):
        (described,) = [one for one in page.config["components"] if one["type"] == "dropdown"]
        assert described["api_info"]["enum"] == ["red", "blue"]
    _gradio.drop_descriptions(page)
    with relies(GRADIO, "the document is made of `config` as it stands"), TestClient(app) as client:
        html = client.get("/").text
        assert '"choices"' in html and '"enum"' not in html


def test_the_functions_of_events_and_components_are_texts_of_the_config_and_names_take_their_place():
    import gradio as gr

    from slipway.page import _gradio

    with gr.Blocks() as page:
        box = gr.Textbox()
        box.change(None, box, box, js="(text) => text.trim()")
        gr.HTML("x", js_on_load="element.title = 'shown'")
    app = gr.mount_gradio_app(FastAPI(), page, path="/")

    known = _gradio.name_functions(page)

    with relies(GRADIO, "`config` has `js` of each dependency and `js_on_load` in the props of a component"):
        assert any("text.trim()" in function for function in known.values())
        assert any("element.title = 'shown'" in function for function in known.values()) and len(known) >= 2
        assert {event["js"] for event in page.config["dependencies"]} <= known.keys()
    with relies(GRADIO, "the document has the names, and none of the functions"), TestClient(app) as client:
        html = client.get("/").text
        assert all(name in html for name in known)
        assert "text.trim()" not in html and "element.title" not in html


def test_gradio_is_imported_without_writing_stubs_and_its_components_work():
    code = """
import sys
import threading
import slipway.page
from gradio import Blocks, Textbox, component_meta
with Blocks() as page:
    Textbox().change(None, js="() => {}")
print(component_meta.create_or_modify_pyi.__module__, len(page.config["dependencies"]))
print([finder for finder in sys.meta_path if "slipway" in type(finder).__module__])
"""

    with relies(GRADIO, "`component_meta.create_or_modify_pyi` is called for each component and writes its stub only"):
        from gradio import component_meta

        assert "create_or_modify_pyi(component_class, name, events)" in inspect.getsource(component_meta.ComponentMeta)
        assert run(code).splitlines() == ["slipway.page.gradio_import 1", "[]"]


def test_files_are_checked_for_a_page_that_says_it_has_launched(tmp_path):
    import gradio as gr
    from gradio.context import LocalContext
    from gradio.exceptions import InvalidPathError
    from gradio.processing_utils import move_files_to_cache

    from slipway.page import _gradio

    file = tmp_path / "secret.txt"
    file.write_text("secret")
    with gr.Blocks(analytics_enabled=False) as blocks:
        upload = gr.File()
    given = {"path": str(file), "meta": {"_type": "gradio.FileData"}}
    token = LocalContext.blocks.set(blocks)
    try:
        with relies(GRADIO, "an event may touch any file of the server as long as `has_launched` is False"):
            move_files_to_cache(dict(given), upload, check_in_upload_folder=True)
        with relies(GRADIO, "it may not any more once `has_launched` is True"):
            _gradio.check_files(blocks)
            with pytest.raises(InvalidPathError):
                move_files_to_cache(dict(given), upload, check_in_upload_folder=True)
    finally:
        LocalContext.blocks.reset(token)


def test_an_event_takes_what_its_inputs_take(page):
    import gradio as gr

    from slipway.page import _gradio

    with relies(
        GRADIO, "`fns` has the events by number, each with `fn` and `inputs`, whose `preprocess` refuses a value"
    ):
        here, in_browser = sorted(page.fns)
        assert _gradio.accepts(page, here, ["blue"])
        assert not _gradio.accepts(page, here, [])
        assert not _gradio.accepts(page, in_browser, ["blue"])
        with pytest.raises(gr.Error):
            _gradio.accepts(page, here, ["green"])
        with pytest.raises(KeyError):
            _gradio.accepts(page, 99, ["blue"])


def test_a_page_tells_its_components_events_layout_and_theme(page, app):
    from slipway.page import _gradio

    with relies(GRADIO, "`config` has components with id, type and props, dependencies and layout"):
        components, events, layout = _gradio.parts(page)
        assert {"dropdown", "textbox", "html", "button"} <= {kind for _, kind in components}
        assert len(events) == 2 and layout["children"]
        assert _gradio.kinds_shown(page) == {kind for _, kind in components} - {"html"}
    with (
        relies(GRADIO, "a mounted page has a `theme_hash`, and theme.css of its style sheet"),
        TestClient(app) as client,
    ):
        address = _gradio.theme_address(page)
        assert page.theme_hash in client.get("/").text
        assert client.get(f"/{address}").headers["content-type"].startswith("text/css")


def test_the_document_has_what_is_replaced_in_it(app):
    from slipway.page import _gradio

    with TestClient(app) as client:
        html = client.get("/").text

    top, script, _ = html.partition("<script>")
    for sentence, pattern, place in (
        ("it says that every page is English", r'<html\s[^>]*lang="en"', top),
        ("it has a link preview of its own", _gradio._OTHERS, top),
        ("it has a base", r"<base [^>]*>", top),
        ("its configuration has the server's address as root", _gradio._ROOT, html),
        ("it has a manifest, below the root of the host", _gradio._MANIFEST, html),
    ):
        with relies(GRADIO, f"of its document: {sentence}"):
            assert script and re.search(pattern, place), f"no {pattern!r}"
    with relies(GRADIO, "the document without all that names no host and no other picture"):
        made = _gradio.with_head(html, "zh-CN", "<title>Ours</title>")
        assert made.count("<title>Ours</title>") == 1 and 'lang="zh-CN"' in made
        assert "testserver" not in made and 'property="og:' not in made and 'rel="manifest"' not in made
        assert re.search(r'"root": ?"\."', made)


def test_names_of_the_front_end_hold_their_hash_and_its_lists_name_what_comes_next():
    from slipway.page import _gradio

    with relies(GRADIO, "in templates/frontend/assets the name of each script and style holds a hash of its content"):
        names = [name for name in _gradio.assets() if name.endswith((".js", ".css"))]
        assert len(names) > 100
        unnamed = [name for name in names if not re.search(r"-[\w-]{8,9}\.(js|css)$", name)]
        assert not unnamed, unnamed[:5]
    with relies(GRADIO, "index.html names the entry, and the bundler's lists (`__vite__mapDeps`) what it loads next"):
        few, more = _gradio.needed(["html"]), _gradio.needed(["html", "dropdown", "checkboxgroup"])
        assert few[0].startswith("index-") and few[0].endswith(".js")
        assert len(few) > 20 and set(few) < set(more) and set(more) <= set(names)
        assert any(name.startswith("Blocks-") for name in few)


def test_other_files_of_the_front_end_are_served_by_gradio(app):
    from slipway.page import _gradio

    with TestClient(app) as client, relies(GRADIO, "what is in templates/frontend/static is served below static/"):
        path = next(path for path in sorted(_gradio.other_paths()) if path.endswith(".svg"))
        assert client.get(f"/{path}").content == (_gradio.FRONTEND / path).read_bytes()


def test_an_event_is_called_by_its_number_at_one_path(app):
    from slipway.service.paths import RUN

    with (
        TestClient(app) as client,
        relies(GRADIO, f"POST {RUN} runs the event `fn_index` with `data` (service/paths.py)"),
    ):
        answer = client.post(f"/{RUN}", json={"fn_index": 0, "data": ["blue"], "session_hash": "x"})
        assert answer.json()["data"] == ["is blue"]


def test_gradio_builds_addresses_from_no_other_header_than_those_we_drop():
    from gradio import route_utils

    from slipway.page.shell.guard import DROPPED

    with relies(GRADIO, "its addresses come from x-forwarded-host, x-gradio-server and x-forwarded-proto alone"):
        read = re.findall(r'get_first_header_value\(request, "([^"]+)"\)', Path(route_utils.__file__).read_text())
        assert set(read) == {"x-forwarded-host", "x-gradio-server", "x-forwarded-proto"}
        assert {name.encode() for name in read} - set(DROPPED) == {b"x-forwarded-proto"}


# PyCaret


def table(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    made = pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "weight": rng.normal(size=rows),
            "color": rng.choice(["red", "green", "blue"], rows),
            "note": rng.choice(["a long word", "some short words", "no word"], rows),
        }
    )
    made["sold"] = (made["size"] + rng.normal(size=rows) / 2 > 0).astype("int64")
    return made


@pytest.fixture(scope="module")
def experiment():
    from pycaret.classification import ClassificationExperiment

    made = ClassificationExperiment()
    options = {"html": False, "verbose": False, "system_log": False, "session_id": 1, "n_jobs": 1, "memory": False}
    made.setup(table(), target="sold", fold=2, text_features=["note"], remove_outliers=True, **options)
    return made


@pytest.fixture(scope="module")
def logistic(experiment):
    return experiment.create_model("lr", verbose=False)


def test_classes_of_steps_and_estimators_are_where_the_converters_look_for_them():
    from slipway.compile.registry import name_of
    from slipway.training import _pycaret

    names = [value for name, value in vars(_pycaret).items() if name.isupper() and name[0] != "_"]
    assert len(names) == 13
    for name in names:
        module, _, kind = name.rpartition(".")
        with relies(PYCARET, f"{kind} is defined in {module}"):
            assert name_of(getattr(importlib.import_module(module), kind)) == name


def test_a_fitted_step_knows_its_columns_and_whether_it_is_for_training(experiment):
    from slipway.training import _pycaret

    steps = dict(experiment.pipeline.steps)
    with relies(PYCARET, "a step has the columns it is given in `_include`, and its transformer in `transformer`"):
        assert _pycaret.columns_of(steps["numerical_imputer"]) == ["size", "weight"]
        assert _pycaret.columns_of(steps["onehot_encoding"]) == ["color"]
        assert type(steps["onehot_encoding"].transformer).__name__ == "OneHotEncoder"
    with relies(PYCARET, "a step that drops rows is marked `_train_only`"):
        assert [name for name, step in steps.items() if _pycaret.is_for_training_only(step)] == ["remove_outliers"]


def test_an_experiment_says_that_it_has_data_and_what_it_took_each_column_for(experiment):
    from slipway.training import _pycaret

    with relies(PYCARET, "`_setup_ran` is False before setup() and True afterwards"):
        assert type(experiment)()._setup_ran is False
        assert experiment._setup_ran is True
        assert _pycaret.has_data(experiment) and not _pycaret.has_data(type(experiment)())
    with relies(PYCARET, "`_fxs` has the columns of each kind"):
        kinds = _pycaret.kinds_given(experiment)
        assert (kinds["Text"], kinds["Categorical"], kinds["Numeric"]) == (["note"], ["color"], ["size", "weight"])


def test_models_that_were_tried_are_kept_with_their_scores(experiment, logistic):
    from slipway.training import _pycaret

    with relies(PYCARET, "`_master_model_container` has each model with `scores`, whose row `Mean` is over the folds"):
        first = _pycaret.tried(experiment)[0]
        assert first["model"] is logistic
        assert {"Accuracy", "AUC", "Recall", "Prec.", "F1", "Kappa", "MCC"} <= set(first["scores"].columns)
        assert first["scores"].loc["Mean", "Accuracy"] == pytest.approx(first["scores"].loc[[0, 1], "Accuracy"].mean())


def test_the_metrics_of_an_experiment_can_be_replaced_for_a_while(experiment):
    from slipway.training import _pycaret

    def scorer(pipeline, rows, actual):
        return -0.25

    def ours(own):
        return {"ours": _pycaret.probability_metric("ours", "Ours", lambda actual, given: 0.0, scorer)}

    own = list(experiment.get_metrics()["Display Name"])
    with relies(PYCARET, "`_all_metrics` has the metrics by id, and create_model scores each fold with their `scorer`"):
        with _pycaret.metrics_of(experiment, ours):
            assert list(experiment.get_metrics()["Display Name"]) == ["Ours"]
            experiment.create_model("dummy", verbose=False)
            folds = experiment.pull(pop=True)
        assert folds["Ours"].tolist() == [0.25, 0.25, 0.25, 0.0]  # two folds, their mean and deviation
        assert list(experiment.get_metrics()["Display Name"]) == own


def test_a_name_that_a_step_wants_to_give_and_the_table_has_is_told():
    from pycaret.classification import ClassificationExperiment

    from slipway.training import _pycaret

    with relies(
        PYCARET, "setup() refuses it with `Column '…' returned by transformer … already exists in the original dataset`"
    ):
        with pytest.raises(Exception) as refusal:
            ClassificationExperiment().setup(
                table().assign(color_red=1.5), target="sold", html=False, verbose=False, system_log=False, n_jobs=1
            )
        assert _pycaret.taken_name(refusal.value) == "color_red", refusal.value


# scikit-learn


def rows(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(count, 3))
    return inputs, inputs[:, 0] + rng.normal(size=count) / 4


def test_shares_this_near_to_the_end_are_the_end():
    from slipway.training import _sklearn

    with relies(SKLEARN, "`sklearn.preprocessing._data.BOUNDS_THRESHOLD` is there, and is 1e-7"):
        assert _sklearn.BOUNDS == 1e-7


def test_a_sigmoid_is_told_from_an_isotonic_regression():
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression

    from slipway.training import _sklearn

    inputs, values = rows()
    for method, is_sigmoid in (("sigmoid", True), ("isotonic", False)):
        with relies(
            SKLEARN,
            "calibrators are in `calibrated_classifiers_`, a sigmoid is a `_SigmoidCalibration` with `a_` and `b_`",
        ):
            fitted = CalibratedClassifierCV(LogisticRegression(), method=method, cv=2).fit(inputs, values > 0)
            calibrator = fitted.calibrated_classifiers_[0].calibrators[0]
            assert _sklearn.is_sigmoid(calibrator) is is_sigmoid
            if is_sigmoid:
                score = np.array([0.3])
                assert calibrator.predict(score) == pytest.approx(1 / (1 + np.exp(calibrator.a_ * 0.3 + calibrator.b_)))


def test_calibrators_of_known_scores_are_put_around_the_estimator():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    from slipway.training.calibration import Calibration, _fit, calibrated

    inputs, values = rows()
    model = LogisticRegression().fit(inputs, np.where(values > 0, "yes", "no"))
    scores = model.decision_function(inputs)
    with relies(
        SKLEARN,
        '`cv="prefit"` fits calibrators to the scores of an estimator that is fitted (1.6 deprecates, 1.8 removes it)',
    ):
        fitted = _fit(scores, (values > 0).astype("int64"), 2, "sigmoid")
        found = calibrated(Pipeline([("model", model)]), Calibration("sigmoid", fitted, 0.0, 0.0, np.zeros((1, 2))))
        (sigmoid,) = fitted.calibrators
        expected = 1 / (1 + np.exp(sigmoid.a_ * scores + sigmoid.b_))
        assert found.predict_proba(inputs)[:, 1] == pytest.approx(expected)
        assert list(found.predict(inputs[:2])) == list(np.where(expected[:2] > 0.5, "yes", "no"))


def test_what_a_power_transformer_scales_with():
    from sklearn.preprocessing import PowerTransformer

    from slipway.training import _sklearn

    inputs, _ = rows()
    with relies(SKLEARN, "a PowerTransformer has the scaler behind it in `_scaler`"):
        shaped, whole = (PowerTransformer(standardize=one).fit(inputs) for one in (False, True))
        assert whole.transform(inputs) == pytest.approx(_sklearn.scaler_of(whole).transform(shaped.transform(inputs)))


def test_what_a_kernel_pca_centres_by():
    from sklearn.decomposition import KernelPCA
    from sklearn.metrics.pairwise import rbf_kernel

    from slipway.training import _sklearn

    inputs, _ = rows()
    with relies(SKLEARN, "a KernelPCA has the mean likeness of each training row in `_centerer.K_fit_rows_`"):
        fitted = KernelPCA(2, kernel="rbf", gamma=0.5).fit(inputs)
        assert _sklearn.mean_likeness(fitted) == pytest.approx(rbf_kernel(inputs, gamma=0.5).mean(axis=0))


@pytest.mark.parametrize("classes", [False, True])
def test_neighbours_keep_their_rows_and_targets(classes):
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    from slipway.training import _sklearn

    inputs, values = rows()
    with relies(
        SKLEARN, "nearest neighbours have the rows in `_fit_X` and the targets in `_y`, of classes their positions"
    ):
        target = np.where(values > 0, "yes", "no") if classes else values
        fitted = (KNeighborsClassifier() if classes else KNeighborsRegressor()).fit(inputs, target)
        expected = (values > 0).astype(int) if classes else values
        assert np.array_equal(_sklearn.training_rows(fitted), inputs)
        assert np.array_equal(_sklearn.training_targets(fitted), expected)


def test_a_support_vector_machine_knows_its_gamma():
    from sklearn.svm import SVC, SVR

    from slipway.training import _sklearn

    inputs, values = rows()
    for machine, target in ((SVC(), values > 0), (SVR(), values)):
        with relies(SKLEARN, 'a support vector machine has what `gamma="scale"` came to in `_gamma`'):
            assert _sklearn.kernel_coefficient(machine.fit(inputs, target)) == pytest.approx(1 / (3 * inputs.var()))


def test_what_boosting_starts_from():
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    from slipway.training import _sklearn

    inputs, values = rows()
    pairs = (
        (GradientBoostingRegressor(n_estimators=5), values),
        (GradientBoostingClassifier(n_estimators=5), values > 0),
    )
    for model, target in pairs:
        with relies(SKLEARN, "`_raw_predict_init` gives what gradient boosting adds its trees to"):
            model.fit(inputs, target)
            trees = sum(tree.predict(inputs) for tree in model.estimators_[:, 0])
            raw = (
                model.predict(inputs)
                if model.__class__.__name__.endswith("Regressor")
                else model.decision_function(inputs)
            )
            assert raw == pytest.approx(_sklearn.boosting_start(model)[0, 0] + model.learning_rate * trees)


def test_what_histogram_boosting_has_learnt():
    from sklearn.ensemble import HistGradientBoostingRegressor

    from slipway.training import _sklearn

    inputs, values = rows()
    coded = np.column_stack([inputs, np.arange(len(inputs)) % 4])
    model = HistGradientBoostingRegressor(max_iter=3, categorical_features=[3], min_samples_leaf=2)
    with relies(SKLEARN, "histogram boosting has its start, trees, bitsets and the ColumnTransformer before them"):
        parts = _sklearn.hist_boosting(model.fit(coded, values + 9 * (coded[:, 3] == 2)))
        first, bitsets = parts.trees[0][0]
        assert parts.categorical.tolist() == [True, False, False, False] and len(parts.trees) == 3
        assert parts.preprocessor.transform(coded)[:, 0].tolist() == coded[:, 3].tolist()
        assert parts.start.shape == (1, 1) and bitsets.dtype == "uint32" and bitsets.shape[1] == 8
        known = {"value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf"}
        assert known | {"is_categorical", "bitset_idx"} <= set(first.dtype.names)
        assert _sklearn.hist_boosting(HistGradientBoostingRegressor().fit(inputs, values)).preprocessor is None


# ONNX Runtime


def test_onnx_runtime_has_a_session_within_its_own_that_runs_a_graph(insurance):
    import numpy as np

    from slipway import store
    from slipway.inference import _onnxruntime
    from slipway.inference.onnx_engine import session

    version = store.find(insurance)
    schema, running = version.schema(), session(version.graph.read_bytes())
    inputs = dict(
        zip((item.name for item in running.get_inputs()), schema.columns([schema.example()]).values(), strict=True)
    )

    with relies(ONNXRUNTIME, "InferenceSession._sess.run(outputs, inputs, None) is what `run` calls"):
        (found,) = _onnxruntime.runner(running)(["value"], inputs)
        np.testing.assert_array_equal(found, running.run(["value"], inputs)[0])


# uvicorn's protocol


def test_uvicorn_takes_the_protocol_class_that_its_module_has(monkeypatch):
    import uvicorn
    from uvicorn.protocols.http import auto, httptools_impl

    from slipway.service._uvicorn import use_protocol
    from slipway.service.admission import Load
    from slipway.service.connections import ConnectionLimits, Refusals
    from slipway.service.metric_files import MetricFiles
    from slipway.service.metrics import Counts

    monkeypatch.setattr(auto, "AutoHTTPProtocol", auto.AutoHTTPProtocol)
    monkeypatch.setattr(httptools_impl, "RequestResponseCycle", httptools_impl.RequestResponseCycle)
    with relies(PROTOCOL, "Config looks up uvicorn.protocols.http.auto.AutoHTTPProtocol when it is loaded"):
        use_protocol(ConnectionLimits(), Load(1), Refusals(MetricFiles(Counts())))
        config = uvicorn.Config(FastAPI())
        config.load()
        assert config.http_protocol_class is auto.AutoHTTPProtocol


def test_uvicorns_protocol_has_what_ours_overrides_and_reads():
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

    own = "connection_made connection_lost data_received on_message_begin on_header on_headers_complete on_body"
    with relies(PROTOCOL, "HttpToolsProtocol has the methods that BoundedProtocol overrides"):
        for name in f"{own} on_message_complete on_response_complete _should_upgrade _start_asgi_task".split():
            assert callable(getattr(HttpToolsProtocol, name))
    with relies(
        PROTOCOL, "a cycle is made by its name in the module, and of an answer only `send` writes to its transport"
    ):
        assert "RequestResponseCycle" in HttpToolsProtocol.on_headers_complete.__code__.co_names
        known = {"flow", "transport", "default_headers", "expected_content_length", "chunked_encoding", "on_response"}
        assert known <= set(RequestResponseCycle.__init__.__code__.co_names)
    with relies(PROTOCOL, "a cycle knows its scope, whether it is answered, and whether its client has gone"):
        names = RequestResponseCycle.__init__.__code__.co_names
        assert {"scope", "message_event", "disconnected", "keep_alive", "more_body", "response_started"} <= set(names)
        assert "response_complete" in names


def test_the_parser_raises_with_the_error_of_a_callback_as_its_context():
    import httptools

    class Refuses:
        def on_headers_complete(self) -> None:
            raise ValueError("ours")

    with relies(PROTOCOL, "httptools passes an exception of a callback on as the context of its own"):
        with pytest.raises(httptools.HttpParserCallbackError) as caught:
            httptools.HttpRequestParser(Refuses()).feed_data(b"GET / HTTP/1.1\r\n\r\n")
        assert str(caught.value.__context__) == "ours"
