"""`POST /outcome`: what came true of records that were answered before, for the request log."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from slipway.errors import Fault, FaultCode, RecordsError, RequestCode, RequestLogError
from slipway.schema.fields import Field, truncated
from slipway.schema.schema import Schema, Target
from slipway.service.model import LoadedModel
from slipway.service.observed import REQUEST_ID
from slipway.service.requests import RequestError
from slipway.store.requestlog import Outcome, RequestLog

log = logging.getLogger("bentoml")

ITEM = '{"request_id": "…", "record": 0, "outcome": …}'
EXPECTED = f'{{"outcomes": [{ITEM}]}}'
LAST_RECORD = 2**31 - 1
"""The largest number of a record that a database keeps."""


async def add_outcomes(served: LoadedModel, items: Any) -> dict[str, Any]:
    """Keep outcomes: all of them or, if one is refused, none.

    Parameters
    ----------
    served : LoadedModel
    items : JSON value
        `outcomes` of the body.

    Returns
    -------
    dict
        `model`, the tag of the version that is served, and `outcomes`, how many were kept.

    Raises
    ------
    RequestError
        404 if the server keeps no request log or a record is not in it, 400 with every other fault, 413 for too many
        outcomes, 503 if they cannot be kept at the moment.
    """
    if served.request_log is None:
        raise RequestError(404, RequestCode.NO_REQUEST_LOG)
    if not isinstance(items, list) or not items:
        received = "an empty list" if items == [] else "no list"
        raise RequestError(400, RequestCode.UNEXPECTED_BODY, found=received, expected=EXPECTED)
    if len(items) > served.limits.records:
        raise RequestError(413, RequestCode.TOO_MANY_RECORDS, found=len(items), limit=served.limits.records)
    outcomes = _checked(items, outcome_schema(served.schema))
    try:
        await asyncio.to_thread(_keep, served.request_log, outcomes, served.version.name)
    except RequestLogError as exc:
        log.error("outcomes cannot be kept: %s", exc)
        raise RequestError(503, RequestCode.REQUEST_LOG_FAILED, retry_after=5) from exc
    return {"model": served.version.tag, "outcomes": len(outcomes)}


def outcome_schema(schema: Schema) -> Schema:
    """What an outcome is, as a record: a request id, the number of a record, and a value of the target."""
    number = {"en": "The record within that request, from 0"}
    fields = (
        Field("request_id", "text", "str", {"en": "`X-Request-ID` of the answer"}, "a1b2c3d400000000"),
        Field("record", "integer", "float64", number, 0, minimum=0, maximum=LAST_RECORD),
        _outcome_field(schema.target),
    )
    return Schema("outcome", schema.task, fields, schema.target)


def _outcome_field(target: Target) -> Field:
    label = {"en": f"{target.label['en']}, as it came true"}
    if target.classes:
        return Field("outcome", "category", "str", label, target.positive, categories=target.classes)
    low, high = target.minimum, target.maximum
    example = next((bound for bound in (low, high) if bound is not None), 0)
    return Field("outcome", "number", "float64", label, example, unit=target.unit, minimum=low, maximum=high)


def _checked(items: Sequence[Any], schema: Schema) -> list[Outcome]:
    outcomes: list[Outcome] = []
    faults: list[Fault] = []
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            faults.append(Fault(FaultCode.WRONG_TYPE, None, truncated(item), ITEM, position))
            continue
        values, _, found = schema.check_record(item, position)
        faults += found
        if not found:
            outcomes.append(Outcome(str(values["request_id"]), int(values["record"] or 0), values["outcome"]))
    if faults:
        raise _refusal(400, RequestCode.INVALID_OUTCOMES, faults)
    return outcomes


def _keep(request_log: RequestLog, outcomes: Sequence[Outcome], name: str) -> None:
    possible = {one.key for one in outcomes if REQUEST_ID.fullmatch(one.request_id.encode("utf-8", "replace"))}
    known = request_log.known(possible, name)
    unknown = [
        Fault(FaultCode.UNKNOWN_REQUEST, "request_id", truncated(one.request_id), record=position)
        for position, one in enumerate(outcomes)
        if one.key not in known
    ]
    if unknown:
        raise _refusal(404, RequestCode.UNKNOWN_REQUESTS, unknown)
    request_log.add_outcomes(outcomes)


def _refusal(status: int, code: RequestCode, faults: Sequence[Fault]) -> RequestError:
    return RequestError(status, code, faults[: RecordsError.listed], count=len(faults))
