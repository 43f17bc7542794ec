"""Ways to call the model, to be copied: they run as they stand, with an example's true values.

The address is put in by the browser, which alone knows under which one this server is reached.
"""

import json
from html import escape

from slipway.i18n.texts import MODEL, translate
from slipway.schema.fields import Record

ADDRESS = '<span class="slip-address"></span>'
_PLACE = "\0"


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


def render(record: Record, language: str) -> str:
    """All of them, each with a button that copies it."""

    def t(key: str) -> str:
        return escape(translate(MODEL[key], language))

    docs = f'<a class="slip-docs" href="#">{ADDRESS}/docs</a>'
    parts = [f"<p>{t('call_lead').format(docs=docs)}</p>"]
    for name, write in SNIPPETS.items():
        code = escape(write(record)).replace(_PLACE, ADDRESS)
        parts.append(
            f'<div class="slip-call" data-call="{name}"><h3>{t(name)}</h3>'
            f'<button type="button" class="slip-copy" data-copied="{t("copied")}" data-selected="{t("selected")}">{t("copy")}'
            f'<span class="slip-hidden">: {t(name)}</span></button><pre tabindex="0" role="region" aria-label="{t(name)}"><code>{code}</code></pre>'
            '<p class="slip-small" role="status"></p></div>'
        )
    return "".join(parts)
