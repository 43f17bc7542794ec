"""API examples to copy: they work as shown, with the values of an example.

The browser fills in the address, because only it knows under which one this server is reached.
"""

import json
import re

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.fields import Record

_HTML = macros("model/calls.html")
_PLACE = "\0"
_JSON_TEXT = r'("(?:[^"\\]|\\.)*")'
_PYTHON_TEXT = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""


def _curl(record: Record) -> str:
    body = json.dumps({"records": [record]}, ensure_ascii=False).replace("'", "'\\''")
    return f"curl '{_PLACE}/predict' -H 'Content-Type: application/json' -d '{body}'"


def _python(record: Record) -> str:
    return "{\n" + "".join(f"    {name!r}: {value!r},\n" for name, value in record.items()) + "}"


def _requests(record: Record) -> str:
    return f"""import requests

record = {_python(record)}
answer = requests.post("{_PLACE}/predict", json={{"records": [record]}}, timeout=30)
answer.raise_for_status()
print(answer.json()["predictions"][0])"""


def _bentoml(record: Record) -> str:
    return f"""import bentoml

record = {_python(record)}
with bentoml.SyncHTTPClient("{_PLACE}") as client:
    print(client.predict(records=[record])["predictions"][0])"""


SNIPPETS = {"curl": _curl, "requests": _requests, "bentoml": _bentoml}


def render(page: PageContext, record: Record) -> Markup:
    """All of them, each with a button that copies it."""
    snippets = [
        (name, [_parts(name, piece) for piece in write(record).split(_PLACE)]) for name, write in SNIPPETS.items()
    ]
    return _HTML.calls(page, snippets)


def _parts(name: str, code: str) -> list[str]:
    """Code, text, code, text …: texts may be written from right to left, and code around them is not."""
    return re.split(_JSON_TEXT if name == "curl" else _PYTHON_TEXT, code)
