"""A saved answer made again by the version that it names: every value of it, not only the predictions."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import orjson

from slipway.errors import ExplanationError, ProofError, RecordsError
from slipway.i18n import faults
from slipway.i18n.catalogues import languages
from slipway.inference.equality import TOLERANCE
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import DEFAULT_CLASS
from slipway.store.loading import load_explainer
from slipway.store.proof.answers import LOG, SavedAnswer
from slipway.store.versions import Version

BLOCK = 4096
"""Rows of a request log that are predicted at once."""

Answer = dict[str, Any]


class CannotRecomputeError(Exception):
    """The request is not known, or not all of it; nothing is wrong with the answer."""


def recompute(saved: SavedAnswer, version: Version, predictor: Predictor, tolerance: float = 0.0) -> int:
    """Answer the request of a saved answer again, and compare.

    Parameters
    ----------
    saved : SavedAnswer
    version : Version
        That it names.
    predictor : Predictor
        Of the version.
    tolerance : float, default=0.0
        By which numbers may differ, relative to the number or the standard deviation of the target, whichever is larger.

    Returns
    -------
    int
        How many predictions or explanations were made again.

    Raises
    ------
    ProofError
        With the first value that differs, or if the version refuses the request.
    CannotRecomputeError
        If the request is not known.
    """
    scale = predictor.schema.target.std or 1.0
    differing = partial(_first_difference, tolerance=tolerance, scale=scale)
    try:
        if saved.call == LOG:
            return _rows(saved, predictor, differing)
        answered = _explained(saved, version, predictor) if saved.call == "/explain" else _predicted(saved, predictor)
    except (RecordsError, ExplanationError) as exc:
        raise ProofError(
            saved.where, f"{saved.tag} refuses the request ({exc}): it is the request of another answer"
        ) from exc
    found = [differing(saved.answer, _as_json(answered, language)) for language in languages()]
    if all(found):
        raise ProofError(saved.where, _mismatch(found[0], saved))
    return saved.rows


def _predicted(saved: SavedAnswer, predictor: Predictor) -> Answer:
    if saved.request is None:
        raise CannotRecomputeError("the file has no request; give its body with --request FILE")
    records = saved.request.get("records")
    if saved.request.keys() != {"records"} or not isinstance(records, list):
        raise ProofError(saved.where, 'the request is none of /predict; expected {"records": [{…}]}')
    if len(records) != saved.rows:
        raise ProofError(
            saved.where, f"the request has {len(records):,} records, and the answer {saved.rows:,} predictions"
        )
    return predictor.answer(records)


def _explained(saved: SavedAnswer, version: Version, predictor: Predictor) -> Answer:
    request = saved.request or _request_of(saved.answer)
    if not request.keys() <= {"record", "class"} or "record" not in request:
        raise ProofError(saved.where, 'the request is none of /explain; expected {"record": {…}}')
    if not (version.path / "background.csv").exists():
        raise CannotRecomputeError("its version is here without background.csv, which explanations need")
    explainer = load_explainer(version, predictor)
    return explainer.explain(request["record"], request.get("class", saved.answer.get("class", DEFAULT_CLASS)))


def _request_of(answer: Answer) -> Answer:
    """The record that an explanation repeats, field by field."""
    record = {}
    for one in answer["contributions"] if isinstance(answer["contributions"], list) else []:
        if not isinstance(one, dict) or "field" not in one or "value" not in one:
            raise CannotRecomputeError("the file has no request; give its body with --request FILE")
        if isinstance(one["value"], str) and one["value"].endswith("…"):
            raise CannotRecomputeError(
                "a text of the record is shortened in the answer; give the request with --request FILE"
            )
        record[str(one["field"])] = one["value"]
    return {"record": record}


def _rows(saved: SavedAnswer, predictor: Predictor, differing: Callable[..., str | None]) -> int:
    names, made = set(predictor.schema.names), 0
    for block in _blocks(row for row in _logged(saved) if row[0].keys() >= names):
        answers = predictor.answer([asked for asked, _, _ in block])["predictions"]
        for (_, was, row), answer in zip(block, answers, strict=True):
            answer = {**answer, "warnings": [warning.code for warning in answer["warnings"]]}
            if found := differing(was, _as_json(answer, "en"), path=f"row {row}"):
                raise ProofError(saved.where, _mismatch(found, saved))
            made += 1
    if not made and saved.rows:
        raise CannotRecomputeError("the rows are without private fields or free text, which the log does not keep")
    return made


def _logged(saved: SavedAnswer) -> Iterator[tuple[Answer, Answer, str]]:
    """The inputs, the answer, and request id with number of each row."""
    asked = saved.request or {}
    records, ids = asked.get("records"), asked.get("ids")
    if not all(isinstance(part, list) and len(part) == saved.rows for part in (records, ids)):
        raise ProofError(saved.where, "has not as many inputs as answers")
    for inputs, answer, row in zip(records or [], saved.answer["predictions"], ids or [], strict=True):
        if not isinstance(inputs, dict) or not isinstance(answer, dict):
            raise ProofError(saved.where, f"row {row}: inputs and answer are objects")
        yield inputs, answer, str(row)


def _blocks(rows: Iterator[tuple[Answer, Answer, str]]) -> Iterator[list[tuple[Answer, Answer, str]]]:
    while block := list(islice(rows, BLOCK)):
        yield block


def _as_json(answer: Answer, language: str) -> Any:
    """An answer as the API writes it and a client reads it."""
    to_json = partial(faults.as_json, language=language)
    return orjson.loads(orjson.dumps(answer, default=to_json, option=orjson.OPT_PASSTHROUGH_DATACLASS))


def _mismatch(difference: str | None, saved: SavedAnswer) -> str:
    return f"{saved.tag} does not give this answer to the request: {difference}"


def _first_difference(was: Any, now: Any, tolerance: float, scale: float, path: str = "") -> str | None:
    """The first value of a saved answer that is not that of the answer now, in words; None if there is none."""
    if isinstance(was, dict) and isinstance(now, dict):
        if odd := [*(was.keys() - now.keys()), *(now.keys() - was.keys())]:
            return f"{path or 'the answer'} has {'no ' if odd[0] in now else ''}{odd[0]!r}"
        pairs = ((f"{path}.{name}" if path else name, was[name], now[name]) for name in now)
    elif isinstance(was, list) and isinstance(now, list):
        if len(was) != len(now):
            return f"{path} has {len(was)} entries, expected {len(now)}"
        pairs = ((f"{path}[{i}]", one, other) for i, (one, other) in enumerate(zip(was, now, strict=True)))
    elif _equal(was, now):
        return None
    else:
        numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (was, now))
        distance = abs(was - now) / max(abs(now), scale) if numbers else float("inf")
        if distance <= tolerance:
            return None
        rounding = "; another processor may round so, which `--tolerance 1e-5` allows" if distance <= TOLERANCE else ""
        return f"{path} is {was!r} in the file and {now!r} now{rounding}"
    return next(
        (found for name, one, other in pairs if (found := _first_difference(one, other, tolerance, scale, name))), None
    )


def _equal(one: Any, other: Any) -> bool:
    return (
        isinstance(one, bool) == isinstance(other, bool)
        and isinstance(one, str) == isinstance(other, str)
        and one == other
    )
