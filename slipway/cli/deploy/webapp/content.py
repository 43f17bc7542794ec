"""What is written to a Web App and its plan: app settings, address rules, sign-in, scaling, and where logs go."""

from typing import Any

from slipway.cli.deploy.access import Addresses, Entra, azure_active_directory
from slipway.cli.deploy.config import Autoscale, WebApp

PLACEHOLDER = "mcr.microsoft.com/appsvc/staticsite:latest"
"""What production runs until the first swap: Microsoft's static page. An app cannot be made without an image."""

INTERNAL = ("10.0.0.0/8", "100.64.0.0/10")
"""Where a swap's own warm-up requests come from. Neither range is routed on the Internet.

Source: "Set up staging environments in Azure App Service", section "Troubleshoot swaps".
"""


def access_says(config: WebApp) -> str:
    """Who will be able to access the app, in one line."""
    match config.access:
        case Addresses(addresses=addresses):
            return (
                f"access: addresses: callers from {', '.join(addresses)}, and nobody else; "
                f"besides {' and '.join(INTERNAL)}, which are inside Azure: a swap's warm-up comes from there"
                if config.staging
                else f"access: addresses: callers from {', '.join(addresses)}, and nobody else"
            )
        case Entra(entra=entra):
            return (
                f"access: entra: people signed in to tenant {entra.tenant}; "
                f"{config.health_path} answers everybody, so that this machine can see when {config.staging or 'it'} is ready"
            )
    slot = " and its staging slot" if config.staging else ""
    return f"access: public: EVERYBODY on the Internet can use the app{slot}"


PREVIOUS = "SLIPWAY_PREVIOUS"
"""An app setting that stays with the slot: the digest that production ran when the slot was last staged."""


_HELPER_MEGABYTES = {"F1": 400, "B1": 1000, "S1": 1000}
"""What the helper of a server may take where the plan has less than 2 GiB: the plan's 1 or 1.75 GiB without what a
server has at rest (docs/operations.md, "Memory") and some 300 MB for the platform."""


def app_settings(config: WebApp) -> dict[str, str]:
    """The app settings: they move with the image."""
    own = {
        "WEBSITES_PORT": str(config.port),
        "WEBSITES_CONTAINER_START_TIME_LIMIT": str(config.start_limit_seconds),
        # Otherwise App Service may mount its own storage over /home.
        "WEBSITES_ENABLE_APP_SERVICE_STORAGE": "false",
        # Without these two any answer, even a 404, counts as started.
        "WEBSITE_WARMUP_PATH": config.health_path,
        "WEBSITE_WARMUP_STATUSES": "200",
    }
    if config.staging:
        # These two make a swap stop unless staging is ready.
        own |= {
            "WEBSITE_SWAP_WARMUP_PING_PATH": config.health_path,
            "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200",
        }
    if config.sku in _HELPER_MEGABYTES:
        own["SLIPWAY_MAX_HELPER_MEGABYTES"] = str(_HELPER_MEGABYTES[config.sku])
    secrets = {name: f"@Microsoft.KeyVault(SecretUri={address})" for name, address in config.secrets.items()}
    return own | config.settings | secrets


def health_path(config: WebApp) -> str | None:
    """The path that App Service asks each minute; None on F1, which does not do that."""
    return None if config.sku == "F1" else config.health_path


def address_rules(config: WebApp) -> dict[str, Any]:
    """The part of a site's configuration with the address ranges that are allowed in."""
    if not isinstance(config.access, Addresses):
        return {
            "ipSecurityRestrictions": [],
            "ipSecurityRestrictionsDefaultAction": "Allow",
            "scmIpSecurityRestrictionsUseMain": True,
        }
    named = [(f"allowed-{number}", network) for number, network in enumerate(config.access.addresses, 1)]
    if config.staging:
        named += [(f"azure-internal-{number}", network) for number, network in enumerate(INTERNAL, 1)]
    return {
        "ipSecurityRestrictions": [
            {"name": name, "ipAddress": network, "action": "Allow", "priority": 100 + number}
            for number, (name, network) in enumerate(named)
        ],
        "ipSecurityRestrictionsDefaultAction": "Deny",
        "scmIpSecurityRestrictionsUseMain": True,
    }


def sign_in(config: WebApp) -> dict[str, Any]:
    """App Service's own sign-in, as its REST interface expects it."""
    if not isinstance(config.access, Entra):
        return {"platform": {"enabled": False}, "globalValidation": {"requireAuthentication": False}}
    return {
        "platform": {"enabled": True},
        "globalValidation": {
            "requireAuthentication": True,
            "unauthenticatedClientAction": "RedirectToLoginPage",
            "redirectToProvider": "azureactivedirectory",
            "excludedPaths": [config.health_path],
        },
        "identityProviders": azure_active_directory(config.access),
        "login": {"tokenStore": {"enabled": False}},
    }


def scaling(config: WebApp) -> dict[str, Any]:
    """How the plan scales by itself, as the REST interface expects it."""
    if not isinstance(config.instances, Autoscale):
        return {"enabled": False}
    wanted = config.instances

    def rule(operator: str, percent: int, direction: str) -> dict[str, Any]:
        trigger = {
            "metricName": "CpuPercentage",
            "metricResourceUri": config.plan_id,
            "timeGrain": "PT1M",
            "statistic": "Average",
            "timeWindow": "PT5M",
            "timeAggregation": "Average",
            "operator": operator,
            "threshold": percent,
        }
        action = {"direction": direction, "type": "ChangeCount", "value": "1", "cooldown": "PT5M"}
        return {"metricTrigger": trigger, "scaleAction": action}

    capacity = {"minimum": str(wanted.min), "maximum": str(wanted.max), "default": str(wanted.min)}
    rules = [rule("GreaterThan", wanted.cpu, "Increase"), rule("LessThan", wanted.cpu // 2, "Decrease")]
    return {
        "enabled": True,
        "targetResourceUri": config.plan_id,
        "profiles": [{"name": "cpu", "capacity": capacity, "rules": rules}],
    }


def diagnostics(config: WebApp) -> dict[str, Any]:
    """What a site sends to Log Analytics, as the REST interface expects it."""
    categories = ("AppServiceConsoleLogs", "AppServiceHTTPLogs", "AppServicePlatformLogs")
    return {
        "workspaceId": config.workspace_id,
        "logs": [{"category": category, "enabled": True} for category in categories],
    }
