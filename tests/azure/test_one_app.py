"""A Web App without a slot, run by the real `az` against the stand-in; settings, secrets and instances."""

import json

import pytest

from slipway.cli.deploy.webapp.content import PREVIOUS
from tests.azure.conftest import ADDRESSES, NEW, OLD, first_run_of
from tests.azure.standin import SUBSCRIPTION, Site

pytestmark = pytest.mark.azure

VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.KeyVault/vaults/kept"
SECRET = "https://kept.vault.azure.net/secrets/session"
BASIC = {"slot": "none", "settings": {"SLIPWAY_WORKERS": 2}}


@pytest.fixture
def basic(azure, first):
    """The stand-in after the first deployment of OLD to one app on B1."""
    run = first_run_of(azure, first, ADDRESSES, **BASIC)
    assert run.code == 0, run.out
    azure.run = run
    return azure


def test_the_app_runs_the_image_on_b1_and_there_is_no_slot(basic):
    (plan,) = (thing for path, thing in basic.things.items() if "/serverfarms/" in path)
    assert plan["sku"]["name"] == "B1" and len(basic.sites) == 1
    assert basic.site().image == OLD and basic.site().state == "Running"
    assert basic.site().config["alwaysOn"] is True and basic.site().config["healthCheckPath"] == "/readyz"
    assert basic.site().settings["SLIPWAY_WORKERS"] == "2"
    assert basic.site().settings["SLIPWAY_MAX_HELPER_MEGABYTES"] == "1000"
    assert "slot: none: no staging slot and no swap" in basic.run.out


def test_a_new_digest_is_put_in_while_the_app_is_stopped_and_rollback_puts_back_the_old_one(basic, deploy):
    basic.site().settings["MINE"] = "kept"
    shut = len(basic.log)
    ended = deploy("apply", image=NEW, **BASIC)

    assert ended.code == 0, ended.err
    assert basic.site().image == NEW and basic.site().settings[PREVIOUS] == OLD.partition("@")[2]
    assert basic.site().settings["MINE"] == "kept"
    assert "set by hand: app setting MINE: not in the config; it is kept" in ended.out
    order = [request.path.rpartition("/")[2] for request in basic.log[shut:] if request.writes]
    assert order.index("stop") < order.index("appsettings") < order.index("web") < order.index("start")

    back = deploy("rollback", image=NEW, **BASIC)

    assert back.code == 0, back.err
    assert basic.site().image == OLD and basic.site().state == "Running"
    assert basic.site().settings["SLIPWAY_WORKERS"] == "2" and basic.site().settings["MINE"] == "kept"
    again = deploy("rollback", image=NEW, **BASIC)
    assert again.code == 1 and "no image of slipwayregistry.azurecr.io/insurance before it is noted" in again.err


def test_an_image_that_never_answers_is_said_to_be_down_with_the_way_back(basic, deploy):
    basic.broken.add(NEW)

    ended = deploy("apply", image=NEW, start_limit_seconds=10, **BASIC)

    assert ended.code == 1 and "the app is not ready after 10 s" in ended.err
    assert "production: has no slot, so it is down or starting" in ended.err
    assert deploy("rollback", image=NEW, start_limit_seconds=10, **BASIC).code == 0
    assert basic.site().image == OLD


def test_a_slot_that_is_there_although_the_config_says_none_is_refused(basic, deploy):
    path = f"{basic.site().id}/slots/staging"
    basic.sites[path.lower()] = Site(path, dict(basic.site().properties))

    for action in ("plan", "apply"):
        ended = deploy(action, image=NEW, **BASIC)

        assert ended.code == 1 and ended.err.startswith(
            "deploy: slot: found none, but slipway-insurance has the slot staging"
        )
        assert ended.err.count("\n") == 1 and basic.written() == []


def test_secrets_come_by_reference_with_a_role_for_each_and_instances_and_a_domain_are_set(basic, deploy):
    basic.things[VAULT.lower()] = {
        "id": VAULT,
        "name": "kept",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westeurope",
        "properties": {},
    }
    wanted = BASIC | {
        "secrets": {"SLIPWAY_SESSION_SECRET": SECRET}, "instances": 2, "custom_domain": "ml.example.org", "logs": "log-analytics",
    }  # fmt: skip

    ended = deploy("apply", **wanted)

    assert ended.code == 0, ended.err
    site = basic.site()
    assert site.settings["SLIPWAY_SESSION_SECRET"] == f"@Microsoft.KeyVault(SecretUri={SECRET})"
    assert site.properties["keyVaultReferenceIdentity"].endswith("/userAssignedIdentities/slipway-pull")
    assert basic.roles[-1] == "Key Vault Secrets User"
    assert any(path.startswith(f"{VAULT.lower()}/secrets/session/") for path in basic.things)
    (plan,) = (thing for path, thing in basic.things.items() if "/serverfarms/" in path)
    assert plan["sku"]["capacity"] == 2 and site.domains == {"ml.example.org": True}
    (sent,) = (thing for path, thing in basic.things.items() if path.endswith("/diagnosticsettings/slipway"))
    assert sent["properties"]["workspaceId"].endswith("/workspaces/slipway-logs")

    basic.log.clear()
    assert deploy("apply", **wanted).code == 0 and basic.written() == []


def test_what_was_set_by_hand_is_shown_and_survives_a_swap(deployed, deploy):
    deployed.site().settings |= {"SLIPWAY_WORKERS": "2", "TOKEN": "hunter2"}
    deployed.site("staging").settings["SLIPWAY_MAX_ROWS"] = "5"
    for action in ("plan", "status"):
        shown = deploy(action, image=NEW)
        assert shown.code == 0, shown.err
        assert "set by hand: app setting SLIPWAY_WORKERS=2: not in the config; it is kept" in shown.out
        assert "app setting TOKEN: not" in shown.out and "hunter2" not in shown.out
    assert deployed.written() == []

    ended = deploy("apply", image=NEW)

    assert ended.code == 0, ended.err
    assert deployed.site().image == NEW
    assert deployed.site().settings["SLIPWAY_WORKERS"] == "2" and deployed.site().settings["TOKEN"] == "hunter2"
    assert "SLIPWAY_MAX_ROWS" not in deployed.site().settings
    assert "remove from staging what production does not have: SLIPWAY_MAX_ROWS" in ended.out


def test_a_setting_of_the_config_moves_with_its_image_and_back(deployed, deploy):
    assert deploy("apply", image=NEW, settings={"SLIPWAY_WORKERS": 3}).code == 0
    assert deployed.site().settings["SLIPWAY_WORKERS"] == "3"

    back = deploy("rollback", image=NEW, settings={"SLIPWAY_WORKERS": 3})

    assert back.code == 0, back.err
    assert "SLIPWAY_WORKERS" not in deployed.site().settings
    assert "settings go back with the image: SLIPWAY_WORKERS" in back.out


def test_a_plan_that_scales_by_itself(deployed, deploy):
    ended = deploy("apply", instances={"min": 1, "max": 3})

    assert ended.code == 0, ended.err
    (scaling,) = (thing for path, thing in deployed.things.items() if "/autoscalesettings/" in path)
    (profile,) = scaling["properties"]["profiles"]
    assert profile["capacity"] == {"minimum": "1", "maximum": "3", "default": "1"}
    assert json.dumps(profile).count("CpuPercentage") == 2
