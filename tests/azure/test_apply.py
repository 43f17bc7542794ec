"""The whole of `slipway deploy`, run by the real `az` against the stand-in."""

import json
import re

import pytest

from slipway.cli.deploy import run as steps
from slipway.cli.deploy.webapp.content import INTERNAL, PLACEHOLDER, PREVIOUS
from tests.azure.conftest import ADDRESSES, ENTRA, NEW, OLD, first_run_of
from tests.azure.standin import ACR_PULL, CLIENT, Fault

pytestmark = pytest.mark.azure


def paths(azure) -> list[str]:
    """What was written, without what all have in common."""
    return [re.sub(r".*/providers/Microsoft\.\w+/", "", request.path) for request in azure.written()]


def place(log, found) -> int:
    """The place of the first writing request that `found` is true for."""
    return next(number for number, request in enumerate(log) if request.writes and found(request))


def test_a_first_deployment_ends_with_the_image_in_production(azure, first):
    run = first_run_of(azure, first, ADDRESSES)

    assert run.code == 0, run.out
    assert run.out.startswith(
        "access: addresses: callers from 131.107.0.0/24, 2606:2800::/32, and nobody else; besides 10.0.0.0/8 and 100.64.0.0/10"
    )
    assert run.out.endswith(f"production runs {OLD.partition('@')[2]}: https://slipway-insurance.azurewebsites.net/\n")
    assert azure.site().image == OLD and azure.site("staging").image == PLACEHOLDER
    assert azure.site().settings["WEBSITES_PORT"] == "3000"
    assert azure.site().config["healthCheckPath"] == "/readyz"
    assert azure.visit("https://slipway-insurance.azurewebsites.net/readyz") == 200


def test_both_sites_are_shut_before_either_has_an_image_of_ours(first):
    log = first(ADDRESSES).log

    image = place(log, lambda request: OLD in json.dumps(request.body))
    for site in ("slipway-insurance", "slipway-insurance/slots/staging"):
        at = f"/{site}/config/web"
        assert (
            place(log, lambda request, at=at: request.path.endswith(at) and "Deny" in json.dumps(request.body)) < image
        )


def test_production_has_no_image_of_ours_before_the_swap_which_comes_last(first):
    written = [request for request in first(ADDRESSES).log if request.writes]

    assert written[-1].path.endswith("/slots/staging/slotsswap")
    named = [request.path for request in written if OLD in json.dumps(request.body)]
    assert named and all("/slots/staging/" in path for path in named)


@pytest.mark.parametrize("slot", [None, "staging"])
def test_what_stays_with_a_slot_is_set_on_both(azure, first, slot):
    first_run_of(azure, first, ADDRESSES)

    site = azure.site(slot)
    allowed = [rule["ipAddress"] for rule in site.config["ipSecurityRestrictions"] if rule["action"] == "Allow"]
    assert allowed == [*ADDRESSES["addresses"], *INTERNAL]
    assert site.config["ipSecurityRestrictionsDefaultAction"] == "Deny"
    assert site.config["scmIpSecurityRestrictionsUseMain"] is True
    assert site.properties["httpsOnly"] is True and site.properties["clientAffinityEnabled"] is False
    assert site.passwords == {"ftp": False, "scm": False}
    assert site.config["ftpsState"] == "Disabled" and site.config["minTlsVersion"] == "1.2"
    assert site.config["acrUseManagedIdentityCreds"] is True and site.config["acrUserManagedIdentityID"] == CLIENT
    assert [name.rpartition("/")[2] for name in site.identity["userAssignedIdentities"]] == ["slipway-pull"]


def test_no_password_is_sent_and_the_only_role_is_to_pull(first):
    log = first(ADDRESSES).log

    sent = json.dumps([request.body for request in log])
    assert not re.search(r"password|secret|DOCKER_REGISTRY_SERVER|adminUserEnabled", sent, re.I)
    (role,) = (request for request in log if request.writes and "roleAssignments" in request.path)
    assert "/registries/slipwayregistry/" in role.path
    assert role.body["properties"]["roleDefinitionId"].endswith(ACR_PULL)


def test_sign_in_is_on_at_both_sites_and_leaves_out_only_the_health_path(azure, first):
    run = first_run_of(azure, first, ENTRA)

    assert run.code == 0, run.out
    for slot in (None, "staging"):
        auth = azure.site(slot).auth
        assert auth["globalValidation"]["requireAuthentication"] is True
        assert auth["globalValidation"]["excludedPaths"] == ["/readyz"]
        registration = auth["identityProviders"]["azureActiveDirectory"]["registration"]
        assert registration["clientId"] == ENTRA["entra"]["client_id"]
    assert azure.visit("https://slipway-insurance.azurewebsites.net/ui/") == 302


@pytest.mark.parametrize("access", [ADDRESSES, ENTRA], ids=["addresses", "entra"])
def test_a_second_apply_writes_nothing(azure, deploy, first, access):
    first_run_of(azure, first, access)

    ended = deploy("apply", access=access)

    assert ended.code == 0 and "image and settings are up to date; nothing to do" in ended.out
    assert azure.written() == [] and len(azure.log) > 5


def test_a_new_digest_changes_staging_and_swaps(deployed, deploy):
    ended = deploy("apply", image=NEW)

    assert ended.code == 0, ended.err
    assert deployed.site().image == NEW and deployed.site("staging").image == OLD
    staging = "sites/slipway-insurance/slots/staging"
    identity, role, *rest = paths(deployed)
    assert identity == "userAssignedIdentities/slipway-pull" and role.startswith("roleAssignments/")
    assert rest == [
        f"{staging}/stop",
        "sites/slipway-insurance/config/slotConfigNames",
        f"{staging}/config/appsettings",
        f"{staging}/config/web",
        f"{staging}/start",
        f"{staging}/slotsswap",
    ]


def plan_of(azure):
    """The plan that there is."""
    (plan,) = (thing for path, thing in azure.things.items() if "/serverfarms/" in path)
    return plan


def test_a_larger_plan_is_set_without_a_swap_and_keeps_its_workers(deployed, deploy):
    plan_of(deployed)["sku"]["capacity"] = 3

    ended = deploy("apply", sku="P1V3")

    assert ended.code == 0, ended.err
    assert plan_of(deployed)["sku"] | {"name": "P1V3", "capacity": 3} == plan_of(deployed)["sku"]
    assert paths(deployed) == ["serverfarms/slipway-plan"]


def test_a_plan_keeps_its_workers_when_other_people_are_let_in(deployed, deploy):
    plan_of(deployed)["sku"]["capacity"] = 3

    ended = deploy("apply", access={"addresses": ["131.107.0.0/25"]})

    assert ended.code == 0, ended.err
    assert plan_of(deployed)["sku"]["capacity"] == 3
    assert not any("serverfarms" in path or "roleAssignments" in path for path in paths(deployed))


def test_a_removed_role_is_assigned_again_with_the_next_image(deployed, deploy):
    (role,) = (path for path in deployed.things if "/roleassignments/" in path)
    del deployed.things[role]

    ended = deploy("apply", image=NEW)

    assert ended.code == 0, ended.err
    assert any("/roleassignments/" in path for path in deployed.things)


@pytest.mark.parametrize("drift", ["passwords", "logs", "stopped", "identity"])
def test_manual_changes_are_reverted_without_a_swap(deployed, deploy, drift):
    site = deployed.site()
    if drift == "passwords":
        site.passwords["scm"] = True
    elif drift == "logs":
        site.logs["httpLogs"] = {"fileSystem": {"enabled": False}}
    elif drift == "stopped":
        site.state = "Stopped"
    else:
        site.config["acrUserManagedIdentityID"] = "another"
    before = deployed.snapshot()[0]

    ended = deploy("apply")

    assert ended.code == 0, ended.err
    assert deployed.snapshot()[0] != before and not any(path.endswith("slotsswap") for path in paths(deployed))
    deployed.log.clear()
    deploy("apply")
    assert deployed.written() == []


def test_rules_removed_from_staging_are_restored_without_a_swap(deployed, deploy):
    deployed.site("staging").config |= {"ipSecurityRestrictions": [], "ipSecurityRestrictionsDefaultAction": "Allow"}

    ended = deploy("apply")

    assert ended.code == 0, ended.err
    assert deployed.site("staging").config["ipSecurityRestrictionsDefaultAction"] == "Deny"
    assert not any(re.search(r"slotsswap|stop$|sites/slipway-insurance/config", path) for path in paths(deployed))


def test_other_people_let_in_reaches_both_sites_with_no_moment_for_everybody(deployed, deploy):
    ended = deploy("apply", access=ENTRA)

    assert ended.code == 0, ended.err
    for site in ("slipway-insurance", "slipway-insurance/slots/staging"):
        sign_in = place(deployed.log, lambda request, at=f"/{site}/config/authsettingsV2": request.path.endswith(at))
        opened = place(deployed.log, lambda request, at=f"/{site}/config/web": request.path.endswith(at))
        assert sign_in < opened


def test_staging_that_never_becomes_ready_is_not_swapped_in(deployed, deploy):
    deployed.broken.add(NEW)

    ended = deploy("apply", image=NEW, start_limit_seconds=10)

    assert ended.code == 1 and deployed.site().image == OLD
    assert (
        "staging is not ready after 10 s: https://slipway-insurance-staging.azurewebsites.net/readyz answers 503"
        in ended.err
    )
    assert "az webapp log tail" in ended.err and "production: not swapped" in ended.err
    assert not any(path.endswith("slotsswap") for path in paths(deployed))


def test_a_machine_excluded_by_the_rules_gets_a_clear_message(deployed, deploy):
    deployed.caller = "198.51.100.7"

    try:
        ended = deploy("apply", image=NEW)
    finally:
        deployed.caller = "131.107.0.9"

    assert ended.code == 1 and "this machine's address is not in access.addresses" in ended.err
    assert not any(path.endswith("slotsswap") for path in paths(deployed))


@pytest.fixture
def upgraded(deployed):
    """The stand-in after a deployment of NEW over OLD: staging holds OLD."""
    staging = deployed.site("staging")
    staging.config |= {"linuxFxVersion": f"DOCKER|{OLD}", "healthCheckPath": "/readyz"}
    staging.settings = deployed.site().settings | {PREVIOUS: OLD.partition("@")[2]}
    deployed.site().sticky = [PREVIOUS]
    deployed.site().config["linuxFxVersion"] = f"DOCKER|{NEW}"
    return deployed


def test_rollback_swaps_the_earlier_image_back(upgraded, deploy):
    ended = deploy("rollback", image=NEW)

    assert ended.code == 0, ended.err
    assert upgraded.site().image == OLD and upgraded.site("staging").image == NEW
    assert PREVIOUS not in upgraded.site().settings  # it stayed, so NEW is no way back
    assert upgraded.site("staging").settings[PREVIOUS] == OLD.partition("@")[2]
    assert paths(upgraded) == ["sites/slipway-insurance/slots/staging/slotsswap"]
    assert f"the config still names {NEW.partition('@')[2]}" in ended.out


def test_rollback_starts_a_slot_that_a_failed_apply_left_stopped(upgraded, deploy):
    upgraded.site("staging").state = "Stopped"

    ended = deploy("rollback", image=NEW)

    assert ended.code == 0, ended.err
    assert [path.rpartition("/")[2] for path in paths(upgraded)] == ["start", "slotsswap"]


def test_rollback_to_an_image_that_does_not_answer_swaps_nothing(upgraded, deploy):
    upgraded.broken.add(OLD)

    ended = deploy("rollback", image=NEW, start_limit_seconds=10)

    assert ended.code == 1 and "staging is not ready" in ended.err and upgraded.written() == []


@pytest.mark.parametrize(
    ("staging", "says"),
    [
        (PLACEHOLDER, "staging holds mcr.microsoft.com/appsvc/staticsite:latest, no earlier version"),
        (OLD, "as production does; there is nothing to roll back to"),
        (NEW, "swapping it in would be a deployment, not a rollback"),
        (f"{OLD[:-1]}c", "which is not what production ran before"),
    ],
    ids=["nothing of ours", "the same digest", "the digest of the config", "never in production"],
)
def test_rollback_refuses_an_image_that_is_not_the_previous_one(deployed, deploy, staging, says):
    deployed.site("staging").config["linuxFxVersion"] = f"DOCKER|{staging}"

    ended = deploy("rollback", image=NEW)

    assert ended.code == 1 and says in ended.err and ended.err.count("\n") == 1
    assert deployed.written() == []


def test_rollback_of_an_app_that_is_not_there_is_refused(azure, deploy):
    ended = deploy("rollback")

    assert ended.code == 1 and ended.err == (
        "deploy: there is no app of slipway-insurance, so there is nothing to roll back to; `apply` creates it\n"
    )


def test_status_names_what_differs_and_writes_nothing(deployed, deploy):
    deployed.site("staging").properties["httpsOnly"] = False

    ended = deploy("status", image=NEW, port=8080)

    assert ended.code == 0 and deployed.written() == []
    assert f"production: https://slipway-insurance.azurewebsites.net/ Running, {OLD.partition('@')[2]}\n" in ended.out
    assert (
        f"  differs: image is {OLD!r}, expected {NEW!r}\n  differs: WEBSITES_PORT is '3000', expected '8080'\n"
        in ended.out
    )
    assert ended.out.endswith("  differs: https only is False, expected True\n")


def test_status_of_nothing_says_so(azure, deploy):
    ended = deploy("status")

    assert "production: does not exist" in ended.out and "plan slipway-plan: is missing, expected P0V3" in ended.out


def test_a_registry_is_asked_for_the_role_that_counts_there_and_its_password_is_pointed_out(azure, deploy):
    (kept,) = azure.things.values()
    kept["properties"] |= {"roleAssignmentMode": "AbacRepositoryPermissions", "adminUserEnabled": True}
    azure.faults.append(Fault("PUT", "/serverfarms/", 403))

    ended = deploy("apply")

    assert ended.code == 1 and azure.roles == ["Container Registry Repository Reader"]
    assert "note: the registry slipwayregistry has an admin password, which nothing here uses" in ended.out
    assert not any(request.path.endswith("registries/slipwayregistry") for request in azure.written())


def test_the_state_of_a_page_is_read_over_tls_and_no_redirect_is_followed(azure):
    address = azure.base.removeprefix("https://")

    assert steps.https_status(f"https://{address}/done") == 200
    assert steps.https_status(f"https://{address}/subscriptions/x/nothing") == 404
    assert steps.https_status("https://127.0.0.1:9/readyz") == 0


def test_a_certificate_that_is_not_trusted_is_said(azure, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")

    assert str(steps.https_status(f"{azure.base}/done")).startswith("the TLS certificate is not trusted (")
