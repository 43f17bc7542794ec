"""The calls for one Web App with a staging slot: what reads it, what makes it. Nothing here runs one.

Two kinds of settings, and the whole design follows from them: some stay with the slot
when slots are swapped (who may call, TLS, identity), some move with the image (app settings,
port, health path, the image). What stays is set on both, and before any image of ours is
there. What moves is only ever written to staging, and reaches production by the swap.

Source: "Set up staging environments in Azure App Service", section "Which settings are
swapped?" (learn.microsoft.com/azure/app-service/deploy-staging-slots).
"""

import json
from collections.abc import Iterable
from typing import Any

from slipway.cli.deploy.az import Call
from slipway.cli.deploy.config import Addresses, Config, Entra

PLACEHOLDER = "mcr.microsoft.com/appsvc/staticsite:latest"
"""What production runs until the first swap: Microsoft's static page. An app cannot be made without an image."""

INTERNAL = ("10.0.0.0/8", "100.64.0.0/10")
"""Where a swap's own warm-up requests come from. Neither range is routed on the Internet.

Source: "Set up staging environments in Azure App Service", section "Troubleshoot swaps".
"""

REST_API = "2024-11-01"

BY_REPOSITORY = ("AbacRepositoryPermissions", "Container Registry Repository Reader")
"""A registry's other mode, and the role that lets pull there; AcrPull does not count in it."""


def access_says(config: Config) -> str:
    """Who will be able to reach the app, in one line."""
    match config.access:
        case Addresses(addresses=addresses):
            return (
                f"access: addresses: callers from {', '.join(addresses)}, and nobody else; "
                f"besides {' and '.join(INTERNAL)}, which are inside Azure: a swap's warm-up comes from there"
            )
        case Entra(entra=entra):
            return (
                f"access: entra: people signed in to tenant {entra.tenant}; "
                f"{config.health_path} answers everybody, so that this machine can see when staging is ready"
            )
    return "access: public: EVERYBODY on the Internet can use the app and its staging slot"


PREVIOUS = "SLIPWAY_PREVIOUS"
"""An app setting that stays with the slot: the digest that production ran when the slot was last staged."""


def plan_id(config: Config) -> str:
    """The resource ID of the plan."""
    return (
        f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
        f"/providers/Microsoft.Web/serverfarms/{config.plan}"
    )


def identity_id(config: Config) -> str:
    """The resource ID of the identity that pulls the image."""
    return (
        f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
        f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{config.identity}"
    )


def app_settings(config: Config) -> dict[str, str]:
    """The app settings: they move with the image."""
    return {
        "WEBSITES_PORT": str(config.port),
        "WEBSITES_CONTAINER_START_TIME_LIMIT": str(config.start_limit_seconds),
        # Otherwise App Service may mount its own storage over /home.
        "WEBSITES_ENABLE_APP_SERVICE_STORAGE": "false",
        # Without these two any answer, even a 404, counts as started.
        "WEBSITE_WARMUP_PATH": config.health_path,
        "WEBSITE_WARMUP_STATUSES": "200",
        # And these two make a swap stop unless staging is ready.
        "WEBSITE_SWAP_WARMUP_PING_PATH": config.health_path,
        "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200",
    }


def address_rules(config: Config) -> dict[str, Any]:
    """The part of a site's configuration that says which addresses are let in."""
    if not isinstance(config.access, Addresses):
        return {
            "ipSecurityRestrictions": [],
            "ipSecurityRestrictionsDefaultAction": "Allow",
            "scmIpSecurityRestrictionsUseMain": True,
        }
    named = [(f"allowed-{number}", network) for number, network in enumerate(config.access.addresses, 1)]
    named += [(f"azure-internal-{number}", network) for number, network in enumerate(INTERNAL, 1)]
    return {
        "ipSecurityRestrictions": [
            {"name": name, "ipAddress": network, "action": "Allow", "priority": 100 + number}
            for number, (name, network) in enumerate(named)
        ],
        "ipSecurityRestrictionsDefaultAction": "Deny",
        "scmIpSecurityRestrictionsUseMain": True,
    }


def sign_in(config: Config) -> dict[str, Any]:
    """App Service's own sign-in, as its REST interface takes it.

    There is no client secret, so App Service uses the OpenID Connect implicit flow: the app
    registration must issue ID tokens, and no other token is asked for.

    Source: `clientSecret` in the reference of Microsoft.Web/sites/config 'authsettings'.
    """
    if not isinstance(config.access, Entra):
        return {"platform": {"enabled": False}, "globalValidation": {"requireAuthentication": False}}
    entra = config.access.entra
    return {
        "platform": {"enabled": True},
        "globalValidation": {
            "requireAuthentication": True,
            "unauthenticatedClientAction": "RedirectToLoginPage",
            "redirectToProvider": "azureactivedirectory",
            "excludedPaths": [config.health_path],
        },
        "identityProviders": {
            "azureActiveDirectory": {
                "enabled": True,
                "registration": {
                    "clientId": entra.client_id,
                    "openIdIssuer": f"https://login.microsoftonline.com/{entra.tenant}/v2.0",
                },
                "validation": {"allowedAudiences": [entra.client_id]},
            }
        },
        "login": {"tokenStore": {"enabled": False}},
    }


class Calls:
    """Every call there is for one config; `slot` is None for production."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def _call(
        self, command: str, options: Iterable[str], does: str, *, writes: bool = True, gives: str | None = None
    ) -> Call:
        argv = (*command.split(), *options, "--subscription", self.config.subscription)
        return Call(argv, does, writes, gives)

    def _site(self, slot: str | None) -> tuple[str, ...]:
        named = ("--resource-group", self.config.resource_group, "--name", self.config.app)
        return named + (("--slot", slot) if slot else ())

    def _where(self, slot: str | None) -> str:
        return slot or "production"

    def _url(self, slot: str | None, part: str) -> str:
        site = (
            f"/subscriptions/{self.config.subscription}/resourceGroups/{self.config.resource_group}"
            f"/providers/Microsoft.Web/sites/{self.config.app}"
        )
        return f"{site}{f'/slots/{slot}' if slot else ''}/{part}?api-version={REST_API}"

    def _read_part(self, slot: str | None, part: str, what: str) -> Call:
        does = f"read {what} of {self._where(slot)}"
        return self._call("rest", ("--method", "get", "--url", self._url(slot, part)), does, writes=False)

    # What is read. None of it changes anything.

    def read_site(self, slot: str | None) -> Call:
        return self._call("webapp show", self._site(slot), f"read {self._where(slot)}", writes=False)

    def read_settings(self, slot: str | None) -> Call:
        does = f"read the app settings of {self._where(slot)}"
        return self._call("webapp config appsettings list", self._site(slot), does, writes=False)

    def read_sign_in(self, slot: str | None) -> Call:
        return self._read_part(slot, "config/authsettingsV2", "the sign-in")

    def read_passwords(self, slot: str | None) -> Call:
        return self._read_part(slot, "basicPublishingCredentialsPolicies", "the publishing passwords")

    def read_logs(self, slot: str | None) -> Call:
        return self._read_part(slot, "config/logs", "what is logged")

    def read_plan(self) -> Call:
        options = ("--resource-group", self.config.resource_group, "--name", self.config.plan)
        return self._call("appservice plan show", options, "read the plan", writes=False)

    def read_registry(self) -> Call:
        return self._call("acr show", ("--name", self.config.registry), "read the registry", writes=False)

    # What is there once. Each call may be repeated.

    def make_group(self) -> Call:
        options = ("--name", self.config.resource_group, "--location", self.config.location)
        return self._call("group create", options, "make the resource group")

    def pull_right(self) -> list[Call]:
        """An identity with the right to pull from the registry."""
        config = self.config
        identity = ("--resource-group", config.resource_group, "--name", config.identity)
        registry = ("--name", config.registry, "--output", "tsv", "--query")
        return [
            self._call(
                "identity create",
                (*identity, "--location", config.location),
                "make the identity that pulls the image",
            ),
            self._call(
                "identity show",
                (*identity, "--query", "principalId", "--output", "tsv"),
                "read the identity's principal ID",
                writes=False,
                gives="PRINCIPAL_ID",
            ),
            self._call(
                "acr show", (*registry, "id"), "read the registry's resource ID", writes=False, gives="REGISTRY_ID"
            ),
            self._call(
                "acr show",
                (*registry, f"roleAssignmentMode == '{BY_REPOSITORY[0]}' && '{BY_REPOSITORY[1]}' || 'AcrPull'"),
                "read which role lets pull: another one in a registry with permissions by repository",
                writes=False,
                gives="ROLE",
            ),
            self._call(
                "role assignment create",
                (
                    *("--assignee-object-id", "{PRINCIPAL_ID}", "--assignee-principal-type", "ServicePrincipal"),
                    *("--role", "{ROLE}", "--scope", "{REGISTRY_ID}"),
                ),
                "let the identity pull from the registry, and nothing else",
            ),
        ]

    def make_plan(self) -> Call:
        """Only for a plan that is not there: on one that is, it would set the number of workers to 1."""
        config = self.config
        options = ("--resource-group", config.resource_group, "--name", config.plan, "--location", config.location)
        return self._call(
            "appservice plan create",
            (*options, "--is-linux", "--sku", config.sku),
            "make the plan, which is what costs money",
        )

    def resize_plan(self, workers: int) -> Call:
        """With the `workers` it has: without a number azure-cli 2.91 sets it to 1, here too."""
        options = ("--resource-group", self.config.resource_group, "--name", self.config.plan)
        does = f"change the plan to {self.config.sku}, with as many workers as it has"
        return self._call(
            "appservice plan update", (*options, "--sku", self.config.sku, "--number-of-workers", str(workers)), does
        )

    def make_app(self) -> Call:
        """Only for an app that is not there: it would put the placeholder over a running image."""
        options = (
            *("--resource-group", self.config.resource_group, "--name", self.config.app, "--plan", self.config.plan),
            *("--container-image-name", PLACEHOLDER, "--https-only", "true", "--min-tls-version", "1.2"),
            *("--basic-auth", "Disabled"),
        )
        return self._call("webapp create", options, "make the app, empty: Microsoft's static page until the first swap")

    def make_slot(self) -> Call:
        """Only for a slot that is not there."""
        options = self._site(self.config.slot)
        return self._call("webapp deployment slot create", options, f"make the slot {self.config.slot}, empty")

    # What stays with a slot when slots are swapped.

    def guards(self, slot: str | None) -> list[Call]:
        """Who may call, TLS and the log: all that needs no identity. What lets fewer people in comes first."""
        where, site = self._where(slot), self._site(slot)
        rules = self._call(
            "webapp config set",
            (
                *(*site, "--generic-configurations", json.dumps(address_rules(self.config))),
                *("--always-on", "true", "--ftps-state", "Disabled", "--http20-enabled", "true"),
                *("--min-tls-version", "1.2"),
            ),
            f"set which addresses reach {where} and its Kudu site; always on, no FTP, HTTP/2, TLS 1.2",
        )
        body = json.dumps({"properties": sign_in(self.config)})
        entra = isinstance(self.config.access, Entra)
        signed = self._call(
            "rest",
            ("--method", "put", "--url", self._url(slot, "config/authsettingsV2"), "--body", body),
            f"switch the sign-in of {where} {'on' if entra else 'off'}",
        )
        return [
            *([signed, rules] if entra else [rules, signed]),
            self._call(
                "webapp update",
                # The page keeps no state in a server, so no request needs to return to the same one.
                (*site, "--https-only", "true", "--client-affinity-enabled", "false", "--basic-auth", "Disabled"),
                f"https only, no affinity cookie and no publishing password on {where}",
            ),
            self._call(
                "webapp log config",
                (*site, "--docker-container-logging", "filesystem"),
                f"keep what the container of {where} prints, for `az webapp log tail`",
            ),
        ]

    def pulling(self, slot: str | None) -> list[Call]:
        """That the image is pulled with the identity, which must be there."""
        where, site = self._where(slot), self._site(slot)
        return [
            self._call(
                "webapp identity assign",
                (*site, "--identities", identity_id(self.config)),
                f"give {where} the identity: neither a new slot nor a swap passes it on",
            ),
            self._call(
                "webapp config set",
                (*site, "--acr-use-identity", "true", "--acr-identity", identity_id(self.config)),
                f"let {where} pull with the identity",
            ),
        ]

    # What moves with the image.

    def stage(self, production: str) -> list[Call]:
        """Put the image into the slot. It is stopped meanwhile: the old image must not answer for the new one.

        `production` is the digest that production runs now, or "". The slot is told it before
        its image changes: after the swap it holds just that image, and `rollback` takes no other.
        """
        slot = self.config.slot
        site = self._site(slot)
        settings = (f"{name}={value}" for name, value in app_settings(self.config).items())
        # Not `config container set`, nor `--linux-fx-version`: with --slot, azure-cli 2.91 then
        # writes the app settings of production.
        content = {"linuxFxVersion": f"DOCKER|{self.config.image}", "healthCheckPath": self.config.health_path}
        return [
            self._call("webapp stop", site, f"stop {slot}, so that what answers later is the new image"),
            self._call(
                "webapp config appsettings set",
                (*site, "--settings", *settings, "--slot-settings", f"{PREVIOUS}={production or 'none'}"),
                f"set port and warm-up of {slot}, and note what production runs now, for a rollback",
            ),
            self._call(
                "webapp config set",
                (*site, "--generic-configurations", json.dumps(content)),
                f"set the image of {slot}, by digest, and the path that App Service asks each minute",
            ),
            self.start(slot),
        ]

    def start(self, slot: str | None) -> Call:
        return self._call("webapp start", self._site(slot), f"start {self._where(slot)}")

    def swap(self) -> Call:
        options = (*self._site(self.config.slot), "--target-slot", "production")
        return self._call("webapp deployment slot swap", options, f"swap {self.config.slot} and production")
