"""A saved answer: what was asked, what was answered, and by which version; as servers sign it, and as others have kept it.

Five forms of file are read:

    a signed answer     a bundle (`slipway.store.proof.bundle`), as servers with a signing key answer whoever accepts one
    an exchange         {"call": "/predict", "request": {…}, "answer": {…}}, as people keep both
    an answer           the body of an answer of /predict or /explain alone
    rows                lines of a request log (`slipway.store.requestlog`)
    a proof             one of the first two with the version beside it (`slipway.store.proof.proof_file`)
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import ProofError
from slipway.store.proof.bundle import STATEMENT_TYPE, Bundle, is_bundle, read_bundle
from slipway.store.proof.strict import keys, parsed, text

PREDICATE_TYPE = "https://slipway-ml/answer/v1"
CALLS = {"/predict": "predictions", "/explain": "contributions"}
"""The calls whose answers can be checked, with a key that only their answers have."""
LOG = "rows"
"""The call of an answer from a request log: that of `/predict`, but that warnings are codes."""
_TAG = re.compile(r"[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*", re.I)


@dataclass(frozen=True)
class SavedAnswer:
    """An answer of one version.

    `request` is the body of the request, None if it is not known; `bundle` the signature, if there is one. Of a signed answer, `signed`
    is the predicate, with time, request id and server.
    """

    where: str
    tag: str
    call: str
    request: dict[str, Any] | None
    answer: dict[str, Any]
    bundle: Bundle | None = None
    signed: dict[str, Any] | None = None

    @property
    def rows(self) -> int:
        """How many predictions or explanations it has."""
        return len(self.answer["predictions"]) if "predictions" in self.answer else 1

    def to_json(self) -> dict[str, Any]:
        """As an exchange."""
        return {"call": self.call, "request": self.request, "answer": self.answer}


def statement_head(model: dict[str, Any], server: dict[str, Any]) -> dict[str, Any]:
    """What the statements of all signed answers of a server have in common.

    Parameters
    ----------
    model : dict
        `name`, the tag, and `digest`, of its SHA256SUMS.
    server : dict

    Returns
    -------
    dict
    """
    return {
        "_type": STATEMENT_TYPE,
        "predicateType": PREDICATE_TYPE,
        "predicate": {"model": model, "server": server},
    }


def read_answers(content: bytes, where: str | Path, request: bytes | None = None) -> list[SavedAnswer]:
    """The answers in a file, of one version each.

    Parameters
    ----------
    content : bytes
        Of the file; not of a proof.
    where : str or Path
        The file, for messages.
    request : bytes, optional
        The body of the request, which an answer alone does not have.

    Returns
    -------
    list of SavedAnswer
        One, or of rows of a request log one for each version.

    Raises
    ------
    ProofError
        If it is none of these.
    """
    if has_rows(content):
        if request is not None:
            raise ProofError(where, "has rows of a request log, which have their inputs; leave out --request")
        return _of_rows(content, where)
    found = parsed(content, where)
    asked = None if request is None else parsed(request, "--request")
    if not isinstance(found, dict):
        raise ProofError(
            where, "is no answer of a model: expected a JSON object, such as the body of an answer of /predict"
        )
    if is_bundle(found) or "call" in found:
        if asked is not None:
            raise ProofError(where, "has its request; leave out --request")
        return [of_bundle(read_bundle(found, where)) if is_bundle(found) else of_exchange(found, where)]
    call = next((call for call, key in CALLS.items() if key in found), None)
    if call is None:
        known = ", ".join(repr(name[:40]) for name in list(found)[:5])
        raise ProofError(
            where, f"is no answer of a model: it has {known or 'nothing'}, and neither predictions nor contributions"
        )
    return [of_exchange({"call": call, "request": asked, "answer": found}, where)]


def of_exchange(found: Any, where: str | Path) -> SavedAnswer:
    """A request and its answer.

    Raises
    ------
    ProofError
        If they are something else.
    """
    exchange = keys(found, ("call", "request", "answer"), where, "the file")
    call, request, answer = exchange["call"], exchange["request"], exchange["answer"]
    if not isinstance(call, str) or call not in (*CALLS, LOG):
        raise ProofError(where, f"call is {str(call)[:40]!r}; expected one of {', '.join(CALLS)}")
    if request is not None and not isinstance(request, dict):
        raise ProofError(where, "the request is no object")
    if not isinstance(answer, dict) or CALLS.get(call, "predictions") not in answer:
        raise ProofError(where, f"the answer is none of {call}")
    if "predictions" in answer and not isinstance(answer["predictions"], list):
        raise ProofError(where, "predictions of the answer are no list")
    return SavedAnswer(str(where), tag_of(answer, where), call, request, answer)


def of_bundle(bundle: Bundle) -> SavedAnswer:
    """A signed answer; its signature is not checked yet.

    Raises
    ------
    ProofError
        If it is signed and no answer.
    """
    where = bundle.where
    names = ("model", "server", "call", "request_id", "time", "request", "answer")
    signed = keys(bundle.statement(PREDICATE_TYPE, where)["predicate"], names, where, "the predicate")
    plain = of_exchange({name: signed[name] for name in ("call", "request", "answer")}, where)
    model = keys(signed["model"], ("name", "digest"), where, "model", optional=("pipeline",))
    if model["name"] != plain.tag:
        raise ProofError(where, f"was signed for {str(model['name'])[:80]}, and the answer is of {plain.tag}")
    return SavedAnswer(plain.where, plain.tag, plain.call, plain.request, plain.answer, bundle, signed)


def tag_of(answer: dict[str, Any], where: str | Path) -> str:
    """The version that an answer names.

    Raises
    ------
    ProofError
        If it names none.
    """
    tag = answer.get("model")
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise ProofError(where, f"`model` of the answer is {str(tag)[:80]!r}; expected NAME:VERSION")
    return tag


def has_rows(content: bytes) -> bool:
    """Whether a file has lines of a request log."""
    first = content.lstrip().partition(b"\n")[0]
    if b'"request_id"' not in first or b'"inputs"' not in first:
        return False
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return True  # of which the reader says what is wrong
    return isinstance(row, dict) and {"request_id", "inputs"} <= row.keys()


def _of_rows(content: bytes, where: str | Path) -> list[SavedAnswer]:
    asked: dict[str, list[Any]] = {}
    answered: dict[str, list[Any]] = {}
    ids: dict[str, list[str]] = {}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{where}, line {number}"
        names = ("request_id", "record", "model", "time", "source", "inputs", "answer")
        row = keys(parsed(line, place), names, place, "the row", optional=("outcome",))
        tag = tag_of(row, place)
        if not isinstance(row["inputs"], dict) or not isinstance(row["answer"], dict):
            raise ProofError(place, "inputs and answer of a row are objects")
        ids.setdefault(tag, []).append(f"{text(row['request_id'], place, 'request_id')}/{row['record']}")
        asked.setdefault(tag, []).append(row["inputs"])
        answered.setdefault(tag, []).append(row["answer"])
    return [
        SavedAnswer(
            str(where), tag, LOG, {"records": asked[tag], "ids": ids[tag]}, {"model": tag, "predictions": answered[tag]}
        )
        for tag in asked
    ]
