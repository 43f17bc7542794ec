"""How the tests of the service call it, and the form of every refusal."""

import asyncio
import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from slipway import store
from slipway.errors import FaultCode, RequestCode
from slipway.inference.pipeline_engine import NativeEngine
from slipway.inference.predictor import Predictor
from tests.conftest import PERSON, Server

HEADER = ",".join(PERSON)
ROW = ",".join(map(str, PERSON.values()))
CSV = f"{HEADER}\n{ROW}\n"
GOOD = json.dumps({"records": [PERSON]})
REGIONS = ["northeast", "northwest", "southeast", "southwest"]
JSON = {"content-type": "application/json"}
GRADIO_FILES = Path(os.environ.get("GRADIO_TEMP_DIR", Path(tempfile.gettempdir()) / "gradio"))


def predict(server: Server, *records: object) -> httpx.Response:
    return server.post("/predict", json={"records": records})


def upload(server: Server, content: str | bytes, **options: str) -> httpx.Response:
    return server.post("/predict_csv", files={"file": ("people.csv", content, "text/csv")}, data=options)


def form(server: Server, content: bytes, kind: str = "multipart/form-data; boundary=x") -> httpx.Response:
    return server.post("/predict_csv", content=content, headers={"content-type": kind})


def rows(response: httpx.Response, separator: str = ",") -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff")), delimiter=separator))


def in_a_thread(function: Callable, *arguments: object, **keywords: object) -> object:
    """What a function that runs an event loop returns: the browser of other tests has one on this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments, **keywords).result()


def on_a_loop(work: Coroutine) -> object:
    """What a coroutine comes to, on a loop of its own."""
    return in_a_thread(asyncio.run, work)


def refusal(response: httpx.Response, status: int = 400) -> dict:
    """The refusal, after checking that it has the contract's shape."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    header = {"header", "suggestions"} if body["code"] == RequestCode.MISSING_COLUMNS else set()
    assert body.keys() == {"error", "code", "details"} | header and body["code"] in set(RequestCode)
    assert body["error"] and isinstance(body["details"], list)
    for detail in body["details"]:
        assert detail.keys() == {"record", "field", "value", "code", "problem", "expected"}
        assert detail["code"] in set(FaultCode)
    assert "Traceback" not in response.text and "site-packages" not in response.text
    return body


def fitted(tag: str) -> Predictor:
    """A predictor that answers with the fitted pipeline, whatever serves the version."""
    version = store.find(tag)
    schema = version.schema()
    return Predictor(tag, schema, NativeEngine.load(version.pipeline, schema), version.interval())
