"""A container app: plan, apply, rollback and status by the real `az` against the stand-in, and what its calls hold."""

import json
import os

import pytest

from slipway.cli.deploy import command
from slipway.cli.deploy.containerapp import actions, state
from slipway.cli.deploy.containerapp.calls import Calls
from slipway.cli.deploy.containerapp.content import revision, template
from slipway.cli.deploy.containerapp.state import Found, needed
from tests.azure.conftest import ENTRA, NEW, OLD, config, first_run_of
from tests.azure.standin import SUBSCRIPTION, Fault
from tests.conftest import ROOT

ONE = {"addresses": ["131.107.0.0/24"]}
APP = {"target": "containerapp"}


@pytest.fixture
def app(azure, first):
    """The stand-in after the first deployment of OLD as a container app."""
    run = first_run_of(azure, first, ONE, **APP)
    assert run.code == 0, run.out
    azure.run = run
    return azure


@pytest.mark.azure
def test_a_first_deployment_ends_with_all_traffic_on_the_image(app, tmp_path):
    name = revision(config(tmp_path, access=ONE, **APP))
    properties = app.apps.app()["properties"]
    (container,) = properties["template"]["containers"]
    assert app.apps.serving() == {name: 100} and container["image"] == OLD
    assert {probe["type"]: probe["httpGet"]["path"] for probe in container["probes"]} == {
        "Startup": "/readyz",
        "Readiness": "/readyz",
        "Liveness": "/livez",
    }
    assert (properties["template"]["scale"]["minReplicas"], properties["template"]["scale"]["maxReplicas"]) == (0, 5)
    shared = properties["configuration"]
    assert shared["ingress"]["targetPort"] == 3000 and shared["ingress"]["allowInsecure"] is False
    assert [rule["ipAddressRange"] for rule in shared["ingress"]["ipSecurityRestrictions"]] == ONE["addresses"]
    (pulls,) = shared["registries"]
    assert pulls["identity"].endswith("/slipway-pull") and not pulls.get("passwordSecretRef")
    (environment,) = (thing for path, thing in app.things.items() if "/managedenvironments/" in path)
    assert environment["properties"]["appLogsConfiguration"]["destination"] == "log-analytics"
    assert "c2hhcmVk" not in app.run.out


@pytest.mark.azure
def test_a_second_apply_writes_nothing_and_a_new_digest_gets_the_traffic_when_it_is_ready(
    app, deploy, tmp_path, monkeypatch
):
    assert deploy("apply", access=ONE, **APP).code == 0 and app.written() == []
    old, new = (revision(config(tmp_path, access=ONE, image=image, **APP)) for image in (OLD, NEW))
    app.broken.add(NEW)
    monkeypatch.setattr(actions, "PULL_SECONDS", 0)
    failed = deploy("apply", image=NEW, access=ONE, start_limit_seconds=10, **APP)
    assert failed.code == 1 and "no traffic was moved: it runs what it ran before" in failed.err
    assert app.apps.serving() == {old: 100}
    app.broken.clear()

    ended = deploy("apply", image=NEW, access=ONE, **APP)

    assert ended.code == 0, ended.err
    assert app.apps.serving() == {new: 100} and app.apps.app()["tags"] == {"slipway-previous": old}

    shown = deploy("status", image=NEW, access=ONE, **APP)
    assert f"revision {new}: 100 % of the traffic, active Running, {NEW.partition('@')[2]}\n" in shown.out
    assert f"revision {old}: 0 %" in shown.out and ", the way back\n" in shown.out and "differs" not in shown.out

    back = deploy("rollback", image=NEW, access=ONE, **APP)
    assert back.code == 0, back.err
    assert app.apps.serving() == {old: 100}
    again = deploy("rollback", image=NEW, access=ONE, **APP)
    assert again.code == 1 and "is noted (after a first deployment, or after a rollback)" in again.err


@pytest.mark.azure
def test_settings_secrets_and_what_was_set_by_hand_are_in_the_next_revision(app, deploy):
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.KeyVault/vaults/kept"
    app.things[vault.lower()] = {
        "id": vault,
        "name": "kept",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westeurope",
        "properties": {},
    }
    (serving,) = app.apps.revisions().values()
    for template_of in (serving, app.apps.app()["properties"]):
        template_of["template"]["containers"][0]["env"] = [
            {"name": "TOKEN", "value": "hunter2"},
            {"name": "SLIPWAY_MAX_ROWS", "value": "7"},
        ]
    wanted = {
        "image": NEW, "access": ONE, "settings": {"SLIPWAY_WORKERS": 2}, "cpu": 0.5,
        "secrets": {"SLIPWAY_SESSION_SECRET": "https://kept.vault.azure.net/secrets/session"}, **APP,
    }  # fmt: skip
    planned = deploy("plan", **wanted)
    assert planned.code == 0, planned.err
    assert "set by hand: environment variable TOKEN: not in the config" in planned.out and "hunter2" not in planned.out
    assert "environment variable SLIPWAY_MAX_ROWS=7: not in the config" in planned.out and app.written() == []

    ended = deploy("apply", **wanted)

    assert ended.code == 0, ended.err
    (container,) = app.apps.app()["properties"]["template"]["containers"]
    given = {one["name"]: one.get("value") or one["secretRef"] for one in container["env"]}
    assert given == {
        "SLIPWAY_WORKERS": "2", "SLIPWAY_MAX_HELPER_MEGABYTES": "500", "SLIPWAY_SESSION_SECRET": "slipway-session-secret",
        "TOKEN": "hunter2", "SLIPWAY_MAX_ROWS": "7",
    }  # fmt: skip
    (secret,) = app.apps.app()["properties"]["configuration"]["secrets"]
    assert (
        secret["keyVaultUrl"] == "https://kept.vault.azure.net/secrets/session"
        and app.roles[-1] == "Key Vault Secrets User"
    )
    app.log.clear()
    assert deploy("apply", **wanted).code == 0 and app.written() == []


@pytest.mark.azure
def test_with_a_sign_in_the_app_is_closed_until_it_is_on(azure, first):
    run = first_run_of(azure, first, ENTRA, **APP)

    assert run.code == 0, run.out
    log = [request for request in run.log if request.writes]
    opened = [number for number, one in enumerate(log) if '"external": true' in json.dumps(one.body)]
    (signed,) = (number for number, one in enumerate(log) if one.path.endswith("/authConfigs/current"))
    assert signed < min(opened)
    assert azure.visit(f"https://{azure.apps.app()['properties']['configuration']['ingress']['fqdn']}/ui/") == 302


@pytest.mark.azure
@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (403, "your account lacks a role"),
        (409, "another operation is in progress"),
        (429, "too many requests"),
        (0, "the connection failed"),
    ],
)
def test_a_fault_while_the_revision_is_made_moves_no_traffic(app, deploy, tmp_path, status, advice):
    app.faults.append(Fault("PATCH", "/containerapps/slipway-insurance$", status))

    failed = deploy("apply", image=NEW, access=ONE, **APP)

    assert failed.code == 1 and advice in failed.err and "no traffic was moved" in failed.err
    assert app.apps.serving() == {revision(config(tmp_path, access=ONE, **APP)): 100}


@pytest.mark.azure
def test_an_app_with_another_ingress_is_refused(app, deploy):
    app.apps.app()["properties"]["configuration"]["ingress"] = {}

    for action in ("plan", "apply"):
        ended = deploy(action, image=NEW, access=ONE, **APP)
        assert ended.code == 1 and "slipway-insurance has no ingress: it is another kind of app" in ended.err
        assert app.written() == []


@pytest.mark.parametrize("access", [ONE, ENTRA], ids=["addresses", "entra"])
def test_an_offline_plan_is_the_golden_one(tmp_path, access, request):
    golden = ROOT / "tests" / "azure" / "golden" / f"containerapp-{request.node.callspec.id}.sh"
    printed = command.offline_plan(config(tmp_path, access=access, **APP)) + "\n"
    if "SLIPWAY_WRITE_GOLDEN" in os.environ:
        golden.write_text(printed, encoding="utf-8")

    assert printed == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("seconds", [10, 100, 101, 1800])
def test_a_start_is_given_its_time_in_at_most_ten_probes(tmp_path, seconds):
    (container,) = template(config(tmp_path, access=ONE, start_limit_seconds=seconds, **APP))["containers"]
    startup = container["probes"][0]

    assert startup["type"] == "Startup" and 1 <= startup["failureThreshold"] <= 10 and startup["periodSeconds"] <= 240
    assert seconds <= startup["periodSeconds"] * startup["failureThreshold"] < seconds + 10


def test_the_same_image_and_settings_are_the_same_revision(tmp_path):
    one, same = (config(tmp_path, access=ONE, **APP) for _ in range(2))
    others = [
        config(tmp_path, access=ONE, **APP, **changes)
        for changes in ({"image": NEW}, {"cpu": 2}, {"settings": {"SLIPWAY_WORKERS": 2}})
    ]

    assert revision(one) == revision(same) and len({revision(one), *map(revision, others)}) == 4
    assert len(revision(one)) <= 54


def test_traffic_to_whichever_is_the_newest_is_pinned_before_another_revision_is_made(tmp_path):
    old, new = (config(tmp_path, access=ONE, image=image, **APP) for image in (OLD, NEW))
    name = revision(old)
    shown = {
        "properties": {
            "latestRevisionName": name,
            "configuration": {"ingress": {"fqdn": "a.example", "traffic": [{"latestRevision": True, "weight": 100}]}},
        }
    }
    one = {"name": name, "properties": {"active": True, "template": template(old)}}
    calls = Calls(new)

    todo = needed(new, Found(True, state.app(new, shown, [one], None)))

    assert (
        todo.index(calls.traffic(name)) < todo.index(calls.make_revision()) < todo.index(calls.traffic(revision(new)))
    )
    assert Calls(old).traffic(name) in needed(old, Found(True, state.app(old, shown, [one], None)))


def test_no_difference_shows_a_secret_that_somebody_typed_in(tmp_path):
    kept = {"secrets": {"SLIPWAY_SESSION_SECRET": "https://kept.vault.azure.net/secrets/session"}}
    chosen = config(tmp_path, access=ONE, **APP, **kept)
    typed = template(chosen)
    typed["containers"][0]["env"] = [{"name": "SLIPWAY_SESSION_SECRET", "value": "hunter2"}]
    serving = state.Revision(revision(chosen), True, 100, "a.example", "Running", typed)

    lines = state.template_differences(chosen, Found(True, state.App("a.example", "Succeeded", {}, (serving,))))

    assert lines == ["SLIPWAY_SESSION_SECRET is 'a value set by hand', expected 'secret slipway-session-secret'"]


def test_no_call_holds_a_password(tmp_path):
    for call in needed(config(tmp_path, access=ENTRA, **APP), Found()):
        assert "password" not in " ".join(call.argv).lower()
