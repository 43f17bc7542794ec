"""No body of a container app holds a property that there is not: checked by the stand-in, which refuses it, and here."""

import copy
import json
from collections.abc import Iterator

import pytest

from slipway.cli.deploy.containerapp import calls
from slipway.cli.deploy.containerapp.calls import Calls
from slipway.cli.deploy.containerapp.state import Found, needed
from tests.azure.closed import faults, known
from tests.azure.conftest import ENTRA, config

pytestmark = pytest.mark.azure

ADDRESSES = {"addresses": ["131.107.0.0/24"]}


@pytest.fixture(scope="module")
def models(az):
    return known(az)


def bodies(folder, access) -> list[tuple[str, dict]]:
    """What is sent to the REST interface for an app with all there is, each with its model."""
    kept = [{"name": "TOKEN", "value": "kept"}]
    secrets = {"SLIPWAY_SESSION_SECRET": "https://kept.vault.azure.net/secrets/session"}
    chosen = config(folder, access=access, target="containerapp", settings={"SLIPWAY_WORKERS": 2}, secrets=secrets)
    own = Calls(chosen)
    made = (*needed(chosen, Found()), *own.guards(), own.make_revision(kept))
    sent = [call.argv for call in made if "--body" in call.argv]
    return [
        ("AuthConfig" if "authConfigs" in str(argv) else "ContainerApp", json.loads(argv[argv.index("--body") + 1]))
        for argv in sent
    ]


def misspelt(body) -> Iterator[tuple[str, object]]:
    """The body again and again, each time with another key misspelt, and what that key is; names that are ours are no keys."""
    if isinstance(body, list):
        for place, value in enumerate(body):
            yield from ((key, [*body[:place], other, *body[place + 1 :]]) for key, other in misspelt(value))
    elif isinstance(body, dict):
        for key, value in body.items():
            if key not in ("concurrentRequests",) and not key.startswith("/"):
                wrong = copy.deepcopy(body)
                wrong[f"{key}s"] = wrong.pop(key)
                yield key, wrong
            yield from ((inner, body | {key: other}) for inner, other in misspelt(value))


def test_the_models_are_of_the_version_that_is_asked_for(models):
    assert models["version"] == calls.REST_API


@pytest.mark.parametrize("access", [ADDRESSES, ENTRA], ids=["addresses", "entra"])
def test_each_body_has_known_properties_alone_and_each_misspelt_one_is_found(models, tmp_path, access):
    sent = bodies(tmp_path, access)

    assert {kind for kind, _ in sent} == {"AuthConfig", "ContainerApp"}
    for kind, body in sent:
        assert list(faults(models["models"], kind, body)) == []
        keys = [key for key, wrong in misspelt(body) if len(list(faults(models["models"], kind, wrong))) == 1]
        assert keys == [key for key, _ in misspelt(body)] and "properties" in keys


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("targetPort", "web", "'web'; expected int"),
        ("external", 1, "1; expected bool"),
        ("ipSecurityRestrictions", {}, "{}; expected [IpSecurityRestrictionRule]"),
        ("transport", None, None),
    ],
)
def test_another_type_is_found_and_null_is_not_said(models, place, value, expected):
    body = {"properties": {"configuration": {"ingress": {place: value}}}}

    found = list(faults(models["models"], "ContainerApp", body))

    assert found == ([f".properties.configuration.ingress.{place}: found {expected}"] if expected else [])


def test_a_misspelt_property_ends_an_apply_with_what_is_wrong(azure, deploy, monkeypatch):
    right = calls.configuration
    monkeypatch.setattr(calls, "configuration", lambda config: right(config) | {"activeRevisionMode": "Multiple"})

    ended = deploy("apply", access=ADDRESSES, target="containerapp")

    assert ended.code == 1 and ".properties.configuration.activeRevisionMode: no such property" in ended.err
