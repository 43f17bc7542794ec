"""What exists already, and which calls are missing between it and the config."""

import re
from dataclasses import dataclass, field
from typing import Any

from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.compare import differences, network, part
from slipway.cli.deploy.config import WebApp
from slipway.cli.deploy.settings import BY_HAND, SECRETS
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.content import (
    PREVIOUS,
    address_rules,
    app_settings,
    diagnostics,
    health_path,
    scaling,
    sign_in,
)


@dataclass(frozen=True)
class Site:
    """Production or the slot, as read. `stays` and `moves` have the keys of `wanted_stays` and `wanted_moves`.

    `previous` is the digest that production ran when this slot was last staged. `settings` are all
    app settings that a swap moves, `hosts` the host names that answer with a certificate.
    """

    host: str
    state: str
    image: str
    stays: dict[str, Any]
    moves: dict[str, Any]
    plan: str = ""
    previous: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """`sha256:…`, or "" for an image that is not given by digest."""
        return self.image.partition("@")[2]


@dataclass(frozen=True)
class Found:
    """What exists; None for what does not."""

    sku: str | None = None
    production: Site | None = None
    staging: Site | None = None
    workers: int = 1
    scaling: dict[str, Any] = field(default_factory=lambda: {"enabled": False})
    slots: tuple[str, ...] = ()

    def set_by_hand(self, config: WebApp) -> tuple[str, ...]:
        """The app settings of production that the config does not have."""
        there = self.production.settings if self.production else {}
        return tuple(sorted(set(there) - set(app_settings(config))))


def wanted_stays(config: WebApp) -> dict[str, Any]:
    """The settings that production and the slot must have, whatever image they run."""
    rules = address_rules(config)
    wanted = {
        "address rules": [f"{rule['action']} {rule['ipAddress']}" for rule in rules["ipSecurityRestrictions"]],
        "other addresses": rules["ipSecurityRestrictionsDefaultAction"],
        "Kudu has the same address rules": True,
        "sign-in": sign_in(config),
        "https only": True,
        "affinity cookie": False,
        "publishing password": False,
        "container log": True,
        "always on": config.sku != "F1",
        "FTP": "Disabled",
        "HTTP/2": True,
        "least TLS": "1.2",
        # These two need the identity; see `PULLING`.
        "identity": config.identity_id.lower(),
        "pulls with the identity": True,
    }
    if config.secrets:
        wanted["identity for secrets"] = config.identity_id.lower()
    if config.logs == "log-analytics":
        wanted["sent to Log Analytics"] = diagnostics(config)
    return wanted


PULLING = ("identity", "pulls with the identity", "identity for secrets")
"""The keys of `wanted_stays` that can only be set once the identity is there."""


def wanted_moves(config: WebApp) -> dict[str, Any]:
    """The settings that reach production by a swap."""
    return {"image": config.image, "health path": health_path(config)} | app_settings(config)


def site(
    config: WebApp,
    shown: dict[str, Any],
    settings: list[dict[str, Any]],
    auth: dict[str, Any],
    passwords: dict[str, Any],
    logs: dict[str, Any],
    sent: dict[str, Any] | None = None,
) -> Site:
    """A site from what `az webapp show`, `appsettings list` and the reads of the REST interface print."""
    web = shown.get("siteConfig") or {}
    image = image_of(shown)
    values = {setting["name"]: setting["value"] for setting in settings}
    return Site(
        host=str(shown["defaultHostName"]),
        state=str(shown.get("state")),
        image=image,
        stays=_stays(config, shown, auth, passwords, logs, sent),
        moves={"image": image, "health path": web.get("healthCheckPath")}
        | {name: _shown(config, name, values.get(name)) for name in app_settings(config)},
        plan=str(shown.get("appServicePlanId") or shown.get("serverFarmId") or ""),
        previous=values.get(PREVIOUS) or "",
        settings={
            one["name"]: str(one["value"]) for one in settings if not one.get("slotSetting") and one["name"] != PREVIOUS
        },
        hosts=tuple(
            str(state["name"])
            for state in shown.get("hostNameSslStates") or []
            if str(state.get("sslState")) == "SniEnabled"
        ),
    )


def _stays(
    config: WebApp,
    shown: dict[str, Any],
    auth: dict[str, Any],
    passwords: dict[str, Any],
    logs: dict[str, Any],
    sent: dict[str, Any] | None,
) -> dict[str, Any]:
    """What stays with a site, with the keys of `wanted_stays`."""
    web = shown.get("siteConfig") or {}
    rules = web.get("ipSecurityRestrictions") or []
    rules = sorted(rules, key=lambda rule: rule.get("priority") or 0)
    given = (shown.get("identity") or {}).get("userAssignedIdentities") or {}
    identities = {name.lower(): detail or {} for name, detail in given.items()}
    identity = config.identity_id.lower()
    client = identities.get(identity, {}).get("clientId")
    return {
        # App Service adds a last rule for "Any" itself; the default action says the same.
        "address rules": [
            f"{rule.get('action')} {network(str(rule.get('ipAddress')))}"
            for rule in rules
            if rule.get("ipAddress") != "Any"
        ],
        "other addresses": web.get("ipSecurityRestrictionsDefaultAction") or ("Deny" if rules else "Allow"),
        "Kudu has the same address rules": bool(web.get("scmIpSecurityRestrictionsUseMain")),
        "sign-in": part(sign_in(config), auth.get("properties") or {}),
        "https only": bool(shown.get("httpsOnly")),
        "affinity cookie": bool(shown.get("clientAffinityEnabled")),
        # A policy that is not there, ftp's or scm's, is taken for one that lets passwords in.
        "publishing password": [
            (policy.get("properties") or {}).get("allow") for policy in passwords.get("value") or []
        ]
        != [False, False],
        "container log": part({"httpLogs": {"fileSystem": {"enabled": True}}}, logs.get("properties"))["httpLogs"][
            "fileSystem"
        ]["enabled"],
        "identity": identity if identity in identities else None,
        "pulls with the identity": bool(
            web.get("acrUseManagedIdentityCreds") and client and web.get("acrUserManagedIdentityId") == client
        ),
        "always on": bool(web.get("alwaysOn")),
        "FTP": web.get("ftpsState"),
        "HTTP/2": bool(web.get("http20Enabled")),
        "least TLS": web.get("minTlsVersion"),
        "identity for secrets": str(shown.get("keyVaultReferenceIdentity") or "").lower() or None,
        "sent to Log Analytics": part(diagnostics(config), (sent or {}).get("properties") or {}),
    }


def _shown(config: WebApp, name: str, value: str | None) -> str | None:
    """A setting's value; not that of a secret which somebody typed in, because differences are printed."""
    secret = name in config.secrets or name in SECRETS
    return BY_HAND if secret and value and not value.startswith("@Microsoft.KeyVault(") else value


def image_of(shown: dict[str, Any]) -> str:
    """The image in what `az webapp show` prints; "" if there is none."""
    return re.sub(r"^DOCKER\|", "", str((shown.get("siteConfig") or {}).get("linuxFxVersion") or ""), flags=re.I)


def look(config: WebApp, az: Az) -> Found:
    """Read what exists, without changing anything.

    Parameters
    ----------
    config : Config
    az : Az

    Returns
    -------
    Found

    Raises
    ------
    CallError
        If a call fails for another reason than that the resource does not exist.
    """
    calls = Calls(config)

    def read(slot: str | None) -> Site | None:
        shown = az.find(calls.read_site(slot))
        if shown is None:
            return None
        return site(
            config,
            shown,
            az.run(calls.read_settings(slot)),
            az.run(calls.read_sign_in(slot)),
            az.run(calls.read_passwords(slot)),
            az.run(calls.read_logs(slot)),
            az.find(calls.read_diagnostics(slot)) if config.logs == "log-analytics" else None,
        )

    production = read(None)
    staging = read(config.staging) if production and config.staging else None
    slots = az.run(calls.read_slots()) if production and not config.staging else []
    names = tuple(str(slot["name"]).rpartition("/")[2] for slot in slots)
    plan = az.find(calls.read_plan())
    if plan is None:
        return Found(None, production, staging, slots=names)
    size = plan["sku"]
    scales = az.find(calls.read_scaling()) or {}
    found = part(scaling(config), scales.get("properties") or {})
    return Found(str(size["name"]).upper(), production, staging, int(size.get("capacity") or 1), found, names)


def needed(config: WebApp, found: Found) -> list[Call]:
    """The calls from what exists to the config, in order; none if nothing differs.

    Calls that restrict access come first, before any call that may fail for lack of a role.
    Access rules come before any image: first on production, then on the slot, which gets
    its image last. Production itself gets an image only by the swap, unless there is no slot.

    Parameters
    ----------
    config : WebApp
    found : Found

    Returns
    -------
    list of Call
    """
    calls, wanted, todo = Calls(config), wanted_stays(config), list[Call]()
    guards = {key: value for key, value in wanted.items() if key not in PULLING}
    pulls = {key: value for key, value in wanted.items() if key in PULLING}
    sites = [(found.production, None), *([(found.staging, config.staging)] if config.staging else [])]
    staged = found.production is None or bool(differences(found.production.moves, wanted_moves(config)))
    for site, slot in sites:
        if site and differences(site.stays, guards):
            todo += calls.guards(slot)
    if found.production is None or found.sku is None:
        todo += [calls.make_group()]
    # Also where only the image is new: the registry may be another one, or the role gone.
    if staged or any(site is None or differences(site.stays, pulls) for site, _ in sites):
        todo += calls.pull_right()
    todo += _plan(config, found)
    for site, slot in sites:
        if site is None:
            todo += [calls.make_slot() if slot else calls.make_app(), *calls.guards(slot)]
        if site is None or differences(site.stays, pulls):
            todo += calls.pulling(slot)
    if staged:
        todo += _staging(config, found)
    if found.production and found.production.state != "Running" and (config.staging or not staged):
        todo += [calls.start(None)]
    if config.custom_domain and not (found.production and config.custom_domain in found.production.hosts):
        todo += calls.domain()
    return todo


def _plan(config: WebApp, found: Found) -> list[Call]:
    """Make the plan, or change its size, its number of instances, or how it scales."""
    calls, wanted = Calls(config), config.instances
    number = wanted if isinstance(wanted, int) else found.workers
    todo = []
    if found.sku is None:
        todo += [calls.make_plan(), *([calls.resize_plan(number)] if number > 1 else [])]
    elif (found.sku, found.workers) != (config.sku, number):
        todo += [calls.resize_plan(number)]
    # With no word in the config, what scales the plan was set by hand: it stays.
    if wanted is not None and found.scaling != scaling(config):
        todo += [calls.scale()]
    return todo


def _staging(config: WebApp, found: Found) -> list[Call]:
    """Put the image where it is tried first, with what was set by hand on production, and swap."""
    calls, production = Calls(config), found.production
    before = production.digest if production else ""
    if production and not config.staging and before == config.digest:
        before = production.previous if production.previous.startswith("sha256:") else ""
    by_hand = found.set_by_hand(config)
    slot = found.staging.settings if found.staging else {}
    stale = sorted(set(slot) - set(app_settings(config)) - set(by_hand))
    return [*calls.stage(before, by_hand, stale), *([calls.swap()] if config.staging else [])]
