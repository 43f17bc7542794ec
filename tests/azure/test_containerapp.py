"""The file for Container Apps, as the real `az` sends it."""

import subprocess

import pytest
import yaml

from tests.azure.standin import SUBSCRIPTION
from tests.conftest import ROOT

FILE = ROOT / "deploy" / "containerapp.yaml"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/slipway"


@pytest.fixture
def sent(azure, warm_az, tmp_path):
    """The app that `az containerapp create --yaml` made."""
    path = f"{GROUP}/providers/Microsoft.App/managedEnvironments/slipway-env"
    kind = "Microsoft.App/managedEnvironments"
    environment = {"id": path, "name": "slipway-env", "type": kind, "location": "westeurope"}
    azure.things[path.lower()] = environment | {"properties": {"provisioningState": "Succeeded"}}
    file = tmp_path / "containerapp.yaml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("0" * 8 + "-0000-0000-0000-" + "0" * 12, SUBSCRIPTION))
    command = [warm_az, "containerapp", "create", "--resource-group", "slipway", "--name", "slipway", "--yaml", file]

    ran = subprocess.run([*command, "--subscription", SUBSCRIPTION], capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    return next(thing for path, thing in azure.things.items() if "/containerapps/" in path)


@pytest.mark.azure
def test_the_real_az_sends_probes_scaling_and_the_identity(sent):
    properties = sent["properties"]
    (container,) = properties["template"]["containers"]
    assert {probe["type"]: probe["httpGet"]["path"] for probe in container["probes"]} == {
        "Startup": "/readyz",
        "Readiness": "/readyz",
        "Liveness": "/livez",
    }
    scale = properties["template"]["scale"]
    assert (scale["minReplicas"], scale["maxReplicas"]) == (0, 5)
    assert scale["rules"][0]["http"]["metadata"] == {"concurrentRequests": "20"}
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/slipway-pull"
    (registry,) = properties["configuration"]["registries"]
    assert registry["identity"] == identity and not registry.get("passwordSecretRef")
    assert list(sent["identity"]["userAssignedIdentities"]) == [identity]


@pytest.mark.azure
def test_the_real_az_sends_the_port_the_digest_and_who_may_call(sent):
    configuration = sent["properties"]["configuration"]
    assert configuration["ingress"]["targetPort"] == 3000 and configuration["ingress"]["allowInsecure"] is False
    assert [rule["ipAddressRange"] for rule in configuration["ingress"]["ipSecurityRestrictions"]] == ["203.0.113.0/24"]
    (container,) = sent["properties"]["template"]["containers"]
    assert "@sha256:" in container["image"]


def test_all_probes_ask_the_port_that_is_open():
    properties = yaml.safe_load(FILE.read_text(encoding="utf-8"))["properties"]

    port = properties["configuration"]["ingress"]["targetPort"]
    (container,) = properties["template"]["containers"]
    assert {probe["httpGet"]["port"] for probe in container["probes"]} == {port}
    startup = next(probe for probe in container["probes"] if probe["type"] == "Startup")
    assert startup["periodSeconds"] * startup["failureThreshold"] == 300
