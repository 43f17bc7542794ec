"""What is written to a container app: its template, its ingress and its sign-in.

A revision is named after the content of its template, so the same image and settings are
always the same revision, and a deployment that is repeated finds it there.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from slipway.cli.deploy.access import Addresses, Entra, azure_active_directory
from slipway.cli.deploy.config import ContainerApp

PREVIOUS = "slipway-previous"
"""A tag of the app: the revision that had the traffic before the one that has it."""

STARTUP_FAILURES = 10
"""Source: `failureThreshold` of ContainerAppProbe in the REST reference: at most 10; `periodSeconds`: at most 240."""

_HELPER_MEGABYTES = {0.5: 500, 0.75: 1000}
"""What the helper of a server may take where there is less than 2 GiB (docs/operations.md, "Memory")."""


def access_says(config: ContainerApp) -> str:
    """Who will be able to access the app, in one line."""
    match config.access:
        case Addresses(addresses=addresses):
            return f"access: addresses: callers from {', '.join(addresses)}, and nobody else"
        case Entra(entra=entra):
            return (
                f"access: entra: people signed in to tenant {entra.tenant}; "
                f"{config.health_path} answers everybody, so that this machine can see when a revision is ready"
            )
    return "access: public: EVERYBODY on the Internet can use the app and its revisions"


def secret_name(setting: str) -> str:
    """The name of a container app's secret for a setting: letters in lower case, digits and '-'."""
    return setting.lower().replace("_", "-")


def environment_variables(config: ContainerApp) -> list[dict[str, str]]:
    """The environment of the container as the config says, by name."""
    own = {}
    if config.cpu in _HELPER_MEGABYTES:
        own["SLIPWAY_MAX_HELPER_MEGABYTES"] = str(_HELPER_MEGABYTES[config.cpu])
    values = [{"name": name, "value": value} for name, value in (own | config.settings).items()]
    secrets = [{"name": name, "secretRef": secret_name(name)} for name in config.secrets]
    return sorted([*values, *secrets], key=lambda one: one["name"])


def template(config: ContainerApp, kept: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The template of a revision, without its name.

    Parameters
    ----------
    config : ContainerApp
    kept : sequence of dict
        Environment variables that were set by hand on the app: they stay.
    """
    return {
        "containers": [
            {
                "name": "slipway",
                "image": config.image,
                "env": [*environment_variables(config), *kept],
                "resources": {"cpu": config.cpu, "memory": f"{config.cpu * 2:g}Gi"},
                "probes": [
                    # Ten times this long to start; until then the other two do not ask.
                    _probe(
                        "Startup",
                        config.health_path,
                        config.port,
                        -(-config.start_limit_seconds // STARTUP_FAILURES),
                        STARTUP_FAILURES,
                    ),
                    _probe("Readiness", config.health_path, config.port, 5, 3),
                    _probe("Liveness", "/livez", config.port, 10, 3),
                ],
            }
        ],
        "scale": {
            "minReplicas": config.instances.min,
            "maxReplicas": config.instances.max,
            "rules": [{"name": "http", "http": {"metadata": {"concurrentRequests": str(config.instances.requests)}}}],
        },
    }


def _probe(kind: str, path: str, port: int, period: int, failures: int) -> dict[str, Any]:
    return {
        "type": kind,
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 3,
    }


def suffix(config: ContainerApp, kept: Sequence[dict[str, str]] = ()) -> str:
    """What distinguishes the name of a revision: a digest of its template."""
    text = json.dumps(template(config, kept), sort_keys=True)
    return f"r{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def revision(config: ContainerApp, kept: Sequence[dict[str, str]] = ()) -> str:
    """The name of the revision with this image and these settings."""
    return f"{config.app}--{suffix(config, kept)}"


def ingress(config: ContainerApp) -> dict[str, Any]:
    """Who may call, at which port, and how."""
    addresses = config.access.addresses if isinstance(config.access, Addresses) else []
    return {
        "external": True,
        "targetPort": config.port,
        "transport": "auto",
        "allowInsecure": False,
        "ipSecurityRestrictions": [
            {"name": f"allowed-{number}", "ipAddressRange": network, "action": "Allow"}
            for number, network in enumerate(addresses, 1)
        ],
    }


def configuration(config: ContainerApp) -> dict[str, Any]:
    """What all revisions share."""
    server = config.repository.partition("/")[0]
    return {
        "activeRevisionsMode": "Multiple",
        "ingress": ingress(config),
        "registries": [{"server": server, "identity": config.identity_id}],
    }


def secrets(config: ContainerApp) -> dict[str, str]:
    """The addresses of the app's secrets in Key Vault, by their names in the app."""
    return {secret_name(name): address for name, address in config.secrets.items()}


def sign_in(config: ContainerApp) -> dict[str, Any]:
    """The sign-in of Container Apps, as its REST interface expects it."""
    if not isinstance(config.access, Entra):
        return {"platform": {"enabled": False}}
    return {
        "platform": {"enabled": True},
        "globalValidation": {
            "unauthenticatedClientAction": "RedirectToLoginPage",
            "redirectToProvider": "azureactivedirectory",
            "excludedPaths": [config.health_path],
        },
        "identityProviders": azure_active_directory(config.access),
    }
