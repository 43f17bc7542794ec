"""The description of the API: BentoML's own, completed with the real fields, and the page that shows it."""

from collections.abc import Iterable
from typing import Any

from slipway.errors import FaultCode, RequestCode, WarningCode
from slipway.i18n.catalogues import languages
from slipway.inference.counterfactual import changeable
from slipway.schema.schema import Schema
from slipway.service import counterfactual_schema, support_schema
from slipway.service.paths import PROBES
from slipway.tables.excel_writer import ExcelWriter

DOCS_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" type="image/svg+xml" href="./favicon.ico">
<link rel="stylesheet" href="./static_content/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="./static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "./docs.json", dom_id: "#api", deepLinking: true, validatorUrl: null})</script>
</body>
</html>
"""

CODES = "For programs, and never changes; docs/errors.md says of each when it comes and what to do."
LANGUAGE: dict[str, Any] = {
    "name": "lang",
    "in": "query",
    "schema": {"type": "string", "default": "en"},
    "description": "The language of texts for people: `error`, `problem`, and the columns `warnings` and `problems`. "
    f"One of {', '.join(languages())}; any other is answered in English.",
}


def _plain(codes: Iterable[str]) -> list[str]:
    """The codes as texts: `bentoml build` writes the description as YAML, which has no members of an enumeration."""
    return list(map(str, codes))


def _fault(codes: Iterable[str], **more: Any) -> dict[str, Any]:
    properties = {
        **more,
        "field": {"type": "string", "nullable": True},
        "value": {"description": "As it was sent; long texts are cut."},
        "code": {"type": "string", "enum": _plain(codes), "description": CODES},
        "problem": {"type": "string", "description": "For people; it may change."},
        "expected": {"description": "A list of values, `minimum` and `maximum`, a text, or null."},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


WARNINGS: dict[str, Any] = {
    "type": "array",
    "description": "What a reader should know of this prediction: values outside the training range, values read as not measured, unusual combinations of values, why to ask a person.",
    "items": _fault(WarningCode),
}

FAULTS: dict[str, Any] = {
    "type": "object",
    "required": ["error", "code", "details"],
    "properties": {
        "error": {"type": "string", "description": "For people; it may change."},
        "code": {"type": "string", "enum": _plain(RequestCode), "description": CODES},
        "details": {
            "type": "array",
            "description": "The first 100 faults of the records, or the columns that a file lacks; else empty.",
            "items": _fault(FaultCode, record={"type": "integer", "nullable": True}),
        },
        "header": {
            "type": "array",
            "description": "Only of a file without a column that is needed: the names that it has, at most 1,000.",
            "items": {"type": "string"},
        },
        "suggestions": {
            "type": "array",
            "description": "Beside `header`: which of its columns a field may be, and cells of it; `columns` of the form takes what is chosen.",
            "items": {"type": "object", "required": ["field", "column", "cells"]},
        },
    },
}


SECURITY: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, if the server asks for one (docs/access.md); `X-API-Key` takes it as well.",
    }
}


def answer_schema(schema: Schema) -> dict[str, Any]:
    """The JSON schema of the answer of `POST /predict`."""
    target = schema.target
    unit = f" ({target.unit['en']})" if target.unit else ""
    if target.classes:
        prediction: dict[str, Any] = {"enum": list(target.classes)}
        shares = {str(value): {"type": "number", "minimum": 0, "maximum": 1} for value in target.classes}
        beside: dict[str, Any] = {
            "probabilities": {"type": "object", "nullable": True, "properties": shares},
            "threshold": {
                "type": "number",
                "nullable": True,
                "description": f"Of two classes: the probability from which `prediction` is {target.positive!r}; "
                f"null where {'the class with the lowest expected cost' if target.costs else 'the most probable class'} is named.",
            },
            "prediction_set": support_schema.prediction_set(target),
        }
    else:
        prediction = {"type": "number"}
        beside = {"interval": _interval(unit)}
    prediction["description"] = f"{target.label['en']}{unit}"
    answers = _object(
        {
            "prediction": prediction,
            **beside,
            "support": support_schema.support(target),
            "abstain": support_schema.ABSTAIN,
            "warnings": WARNINGS,
        }
    )
    return _object({"model": {"type": "string"}, "predictions": {"type": "array", "items": answers}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of these properties, and no other."""
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


def _interval(unit: str) -> dict[str, Any]:
    ends = {"low": f"The lower end{unit}.", "high": f"The upper end{unit}.", "coverage": "The share meant: 0.9."}
    return {
        "type": "object",
        "nullable": True,
        "description": "Where the true value lies in `coverage` of similar cases, the prediction always inside; "
        "null for a model with too few training rows to tell.",
        "required": list(ends),
        "properties": {key: {"type": "number", "description": text} for key, text in ends.items()},
    }


def explanation_body(schema: Schema) -> dict[str, Any]:
    """The JSON schema of the body of `POST /explain`."""
    properties: dict[str, Any] = {"record": schema.json_schema()}
    example: dict[str, Any] = {"record": schema.example()}
    target = schema.target
    if target.classes:
        usual = f"{target.positive!r}" if len(target.classes) == 2 else "the one that is predicted"
        about = f"The class whose probability is explained; without one, {usual}."
        properties["class"] = {"enum": list(target.classes), "description": about}
        example["class"] = target.positive
    return {
        "type": "object",
        "properties": properties,
        "required": ["record"],
        "additionalProperties": False,
        "example": example,
    }


def explanation_schema(schema: Schema) -> dict[str, Any]:
    """The JSON schema of the answer of `POST /explain`."""
    target = schema.target
    unit = f" ({target.unit['en']})" if target.unit else ""
    what = "probability of the class" if target.classes else f"prediction, {target.label['en']}{unit}"
    number = {"type": "number"}
    share: dict[str, Any] = {
        "field": {"enum": schema.names},
        "value": {"description": "As it was given; long texts are cut."},
        "contribution": number | {"description": "The field's Shapley value, in the unit of the prediction."},
    }
    required = list(share)
    share["standard_error"] = number | {
        "description": "Of the contribution: it is the mean over the background rows, and would be another with other rows. "
        "Not there if there is one background row."
    }
    contribution = {"type": "object", "required": required, "properties": share}
    properties: dict[str, Any] = {
        "model": {"type": "string"},
        "base": number | {"description": f"The mean {what} of the version's background rows."},
        "prediction": number | {"description": f"The {what}: `base` and all contributions, added up."},
        "contributions": {"type": "array", "items": contribution, "description": "One for each field, in their order."},
        "warnings": WARNINGS,
    }
    if target.classes:
        properties["class"] = {"enum": list(target.classes), "description": "The class that is explained."}
    return {"type": "object", "required": list(properties), "properties": properties}


def describe(schema: Schema, tag: str, bentoml: dict[str, Any], outcomes: Schema | None = None) -> dict[str, Any]:
    """The OpenAPI document: BentoML's probes, and our own calls.

    Parameters
    ----------
    schema : Schema
    tag : str
        Of the version.
    bentoml : dict
        BentoML's own document.
    outcomes : Schema, optional
        What an outcome is, where there is a request log.

    Returns
    -------
    dict
    """
    texts = schema.texts
    return {
        **{key: bentoml[key] for key in ("openapi", "servers", "tags")},
        "info": {
            "title": f"{texts.title['en']} ({tag})",
            "description": (texts.summary or {}).get("en", ""),
            "version": tag.partition(":")[2],
        },
        "paths": {
            "/predict": {"post": _predict_call(schema)},
            "/predict_csv": {"post": _csv_call()},
            "/explain": {"post": _explain_call(schema)},
            **({"/counterfactual": {"post": _counterfactual_call(schema)}} if changeable(schema) else {}),
            **({"/outcome": {"post": _outcome_call(outcomes)}} if outcomes else {}),
            **_descriptions(),
            **{path: bentoml["paths"][path] for path in sorted(PROBES) if path in bentoml["paths"]},
        },
        "components": {"schemas": {"Refusal": FAULTS}, "responses": _refusals(), "securitySchemes": SECURITY},
        "security": [{}, {"key": []}],  # `{}`: a server may ask nobody
    }


REFUSALS = {
    400: "What is wrong with the request, every fault listed",
    401: "No key, or an unknown one",
    403: "A key that does not allow this call",
    408: "A request that arrived too slowly; the connection is closed",
    413: "Over a limit, which is named",
    415: "Wrong content type",
    429: "Too many calls",
    431: "Headers that are too large; the connection is closed",
    503: "No room for this call at the moment",
}
"""Each has the shape of the contract, `Refusal`."""
_REFUSAL = {"$ref": "#/components/schemas/Refusal"}


def _refusals() -> dict[str, Any]:
    content = _json(_REFUSAL)
    return {str(status): {"description": text, "content": content} for status, text in REFUSALS.items()}


def _responses(content: dict[str, Any], *refusals: int) -> dict[str, Any]:
    """The answer, and the refusals with these statuses."""
    return {
        "200": {"description": "Answered", "content": content},
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals},
    }


def _predict_call(schema: Schema) -> dict[str, Any]:
    records = {"type": "array", "minItems": 1, "items": schema.json_schema()}
    body = {
        "type": "object",
        "required": ["records"],
        "properties": {"records": records},
        "additionalProperties": False,
        "example": {"records": [schema.example()]},
    }
    return {
        "operationId": "predict",
        "summary": "Predict each record in turn.",
        "parameters": [LANGUAGE],
        "requestBody": {"required": True, "content": _json(body)},
        "responses": _responses(_json(answer_schema(schema)), *REFUSALS),
    }


def _explain_call(schema: Schema) -> dict[str, Any]:
    return {
        "operationId": "explain",
        "summary": "What each field added to the prediction of one record.",
        "parameters": [LANGUAGE],
        "requestBody": {"required": True, "content": _json(explanation_body(schema))},
        "responses": _responses(_json(explanation_schema(schema)), *REFUSALS),
    }


def _counterfactual_call(schema: Schema) -> dict[str, Any]:
    prediction = answer_schema(schema)["properties"]["predictions"]["items"]
    body, answer = counterfactual_schema.body_schema(schema), counterfactual_schema.answer_schema(schema, prediction)
    return {
        "operationId": "counterfactual",
        "summary": "The smallest changes of the fields that can be changed that lead to another prediction.",
        "parameters": [LANGUAGE],
        "requestBody": {"required": True, "content": _json(body)},
        "responses": _responses(_json(answer), *REFUSALS),
    }


def _outcome_call(outcome: Schema) -> dict[str, Any]:
    items = {"type": "array", "minItems": 1, "items": outcome.json_schema()}
    example = {"outcomes": [outcome.example()]}
    answer = _object(
        {"model": {"type": "string"}, "outcomes": {"type": "integer", "description": "How many were kept."}}
    )
    responses = _responses(_json(answer), *REFUSALS)
    unknown = {"description": "A record that is not in the request log", "content": _json(_REFUSAL)}
    return {
        "operationId": "outcome",
        "summary": "Tell what came true of records of `/predict`, by the request ids of their answers.",
        "parameters": [LANGUAGE],
        "requestBody": {"required": True, "content": _json(_object({"outcomes": items}) | {"example": example})},
        "responses": responses | {"404": unknown},
    }


def _descriptions() -> dict[str, Any]:
    """The calls that say what is served: `/` and `/docs` are pages for people, `/favicon.ico` is a picture."""
    paths: dict[str, Any] = {}
    for path, text, kind in (
        ("/model", "What is being served, how good it is, and how its table was read.", "application/json"),
        ("/model/schema", "The fields the model learnt.", "application/json"),
        ("/model/card", "The model card.", "text/markdown"),
        ("/docs", "This description, as a page.", "text/html"),
        ("/docs.json", "This description.", "application/json"),
        ("/favicon.ico", "The picture of the page.", "image/svg+xml"),
    ):
        content = {kind: {"schema": {"type": "object" if kind.endswith("json") else "string"}}}
        call: dict[str, Any] = {"summary": text, "responses": _responses(content, 400, 401, 403, 408, 429, 431, 503)}
        if path == "/model/card":
            call["parameters"] = [LANGUAGE]
        paths[path] = {"get": call}
    return paths


_FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/json": {"schema": {}},
    "application/x-ndjson": {"schema": {"type": "string"}},
    ExcelWriter.media_type: {"schema": {"type": "string", "format": "binary"}},
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"table": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
        }
    },
}


def _csv_call() -> dict[str, Any]:
    reasons = "Also what each field added, as `/explain` says it without a class: `base` and `contribution_<field>`; "
    parts = {
        "file": {"type": "string", "format": "binary"},
        "reasons": {
            "type": "boolean",
            "default": False,
            "description": f"{reasons}for files of at most SLIPWAY_MAX_REASONS rows (20,000), or a fortieth "
            "of them where each takes thousands of predictions.",
        },
        "threshold": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Of two classes: decide by this probability instead of the version's threshold, as a what-if; the column `threshold` has it.",
        },
        "columns": {
            "type": "string",
            "default": "{}",
            "description": 'JSON: the field of each column that is called otherwise, such as `{"Body mass": "bmi"}`. A refusal for missing columns has `suggestions`.',
        },
        "for_spreadsheets": {
            "type": "boolean",
            "default": False,
            "description": "A cell that a spreadsheet would run as a formula gets a `'` before it.",
        },
    }
    form = {"type": "object", "required": ["file"], "properties": parts, "additionalProperties": False}
    return {
        "operationId": "predict_csv",
        "summary": "Predict every row of a file; the answer is the file with predictions, in the order it came.",
        "description": "The file is CSV in any dialect and encoding, a workbook (.xlsx, .xls, .ods), or JSON; it may be packed (.gz, .zip, .bz2, .xz, .zst). "
        "The answer to text has its separator, decimal mark, encoding and line ends, the answer to a workbook is an .xlsx, "
        "to JSON it is JSON of the same form (records, lines, columns or rows). With `Accept: multipart/form-data` the answer has two parts: `table`, always comma-separated UTF-8, "
        "and `file`. The header `X-Form` has the file's form as JSON. The column `codes` has the codes of a row's warnings or faults, separated by `; `; "
        "`warnings` or `problems` says them in words. A column may be spelt in another letter case, with other spaces or "
        "without accents: the header `X-Matched-Columns` has the fields of such columns, and of those in `columns`, as JSON, by their names in the file.",
        "parameters": [LANGUAGE],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": _responses(_FILES, *REFUSALS),
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
