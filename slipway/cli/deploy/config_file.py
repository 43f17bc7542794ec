"""Reads a deployment's YAML file, in full before the first call is made.

All mistakes are named at once, one line each: field, value found, what was expected.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from slipway.cli.deploy import settings
from slipway.cli.deploy.access import Tenant
from slipway.cli.deploy.config import Autoscale, ConfigError, ContainerApp, Replicas, WebApp
from slipway.tables.yaml_file import YamlError, load, short_repr, unknown

TARGETS: dict[str, type[WebApp] | type[ContainerApp]] = {"webapp": WebApp, "containerapp": ContainerApp}


def read(path: str | Path, digest: str | None = None) -> WebApp | ContainerApp:
    """The deployment that a YAML file describes.

    Parameters
    ----------
    path : path-like
    digest : str, optional
        `sha256:…` of another image in the same repository, as a pipeline has just pushed it.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not valid YAML, or any value is not as it must be; with
        every mistake, a line each.
    """
    path = Path(path)
    try:
        raw = load(path, "`slipway deploy init` makes one, or copy deploy/azure.yaml and fill it in")
    except YamlError as exc:
        raise ConfigError(path, [f"line {exc.line}: {exc.problem}" if exc.line else exc.problem]) from exc
    if not isinstance(raw, dict):
        raise ConfigError(path, ["holds no deployment; expected keys as in deploy/azure.yaml"])
    if digest is not None:
        raw |= {"image": f"{str(raw.get('image')).partition('@')[0]}@{digest}"}
    target = raw.get("target", "webapp")
    if not isinstance(target, str) or target not in TARGETS:
        raise ConfigError(path, [f"target: found {short_repr(target)}; expected webapp or containerapp"])
    model, problems = TARGETS[target], list(settings.problems(raw))
    try:
        found = model.model_validate(raw)
    except ValidationError as exc:
        lines = [_line(dict(error), model) for error in exc.errors()]
        raise ConfigError(path, [line for line in lines if line] + problems) from None
    if problems:
        raise ConfigError(path, problems)
    return found


_ACCESS = "expected public, or {addresses: [CIDR, …]}, or {entra: {tenant: …, client_id: …}}"
_MISSING = {
    "access": f"{_ACCESS}: who may reach the app is never left to a default",
    "image": "expected NAME.azurecr.io/REPOSITORY@sha256:…, which `make push` prints",
}
_INSTANCES = {
    "webapp": "expected a number, or {min: 1, max: 3, cpu: 70}",
    "containerapp": "expected {min: 0, max: 5, requests: 20}",
}


def _line(error: dict[str, Any], model: type[WebApp] | type[ContainerApp]) -> str:
    """One mistake in words; "" where another line says it."""
    place = [str(part) for part in error["loc"]]
    problem = str(error.get("ctx", {}).get("error", ""))
    if not place:
        return problem
    if place[0] in ("settings", "secrets"):
        return ""
    if len(place) > 1 and place[1] in ("addresses", "entra", "number", "range"):
        place.pop(1)  # the form's tag
    field = ".".join(place)
    if error["type"] == "missing":
        return f"{field}: is missing; {_MISSING.get(field, 'expected a value as in deploy/azure.yaml')}"
    if error["type"] == "extra_forbidden":
        return f"{field}: is not a known field{unknown(place[-1], _names(place[0] if len(place) > 1 else '', model))}"
    if place == ["instances"] and error["type"] in ("model_type", "int_type"):
        problem = _INSTANCES["webapp" if model is WebApp else "containerapp"]
    return f"{field}: found {short_repr(error['input'])}; {problem or _plainly(error)}"


def _names(within: str, model: type[BaseModel]) -> list[str]:
    inner: dict[str, type[BaseModel]] = {
        "access": Tenant,
        "instances": Autoscale if model is WebApp else Replicas,
    }
    return list(inner.get(within, model).model_fields)


def _plainly(error: dict[str, Any]) -> str:
    context = error.get("ctx", {})
    limits = {
        "string_type": "expected a text; put it in quotes if it looks like a number",
        "int_type": "expected a whole number",
        "list_type": "expected a list of CIDR ranges",
        "too_short": "expected at least one CIDR range",
        "too_long": "expected at most 500 CIDR ranges, which is what App Service takes",
        "model_type": "expected {tenant: …, client_id: …}",
        "union_tag_not_found": _ACCESS,
        "greater_than_equal": f"expected at least {context.get('ge')}",
        "less_than_equal": f"expected at most {context.get('le')}",
        "literal_error": f"expected {context.get('expected')}",
    }
    return limits.get(error["type"], str(error["msg"]))
