"""What is there, as read, and which calls are missing between it and the config."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.config import Config
from slipway.cli.deploy.webapp import PREVIOUS, Calls, address_rules, app_settings, identity_id, sign_in


@dataclass(frozen=True)
class Site:
    """Production or the slot, as read. `stays` and `moves` have the keys that `wanted_…` have.

    `previous` is the digest that production ran when this slot was last staged.
    """

    host: str
    state: str
    image: str
    stays: dict[str, Any]
    moves: dict[str, Any]
    plan: str = ""
    previous: str = ""

    @property
    def digest(self) -> str:
        """`sha256:…`, or "" for an image that is not named by digest."""
        return self.image.partition("@")[2]


@dataclass(frozen=True)
class Found:
    """What there is; None for what is not."""

    sku: str | None = None
    production: Site | None = None
    staging: Site | None = None
    workers: int = 1


def wanted_stays(config: Config) -> dict[str, Any]:
    """What must hold on production and on the slot, whatever image they run."""
    rules = address_rules(config)
    return {
        "address rules": [f"{rule['action']} {rule['ipAddress']}" for rule in rules["ipSecurityRestrictions"]],
        "other addresses": rules["ipSecurityRestrictionsDefaultAction"],
        "Kudu has the same address rules": True,
        "sign-in": sign_in(config),
        "https only": True,
        "affinity cookie": False,
        "publishing password": False,
        "container log": True,
        "always on": True,
        "FTP": "Disabled",
        "HTTP/2": True,
        "least TLS": "1.2",
        # These two need the identity; see `PULLING`.
        "identity": identity_id(config).lower(),
        "pulls with the identity": True,
    }


PULLING = ("identity", "pulls with the identity")
"""The keys of `wanted_stays` that can only be set once the identity is there."""


def wanted_moves(config: Config) -> dict[str, Any]:
    """What reaches production by a swap."""
    return {"image": config.image, "health path": config.health_path} | app_settings(config)


def site(
    config: Config,
    shown: dict[str, Any],
    settings: list[dict[str, Any]],
    auth: dict[str, Any],
    passwords: dict[str, Any],
    logs: dict[str, Any],
) -> Site:
    """A site from what `az webapp show`, `appsettings list` and three reads of the REST interface print."""
    web = shown.get("siteConfig") or {}
    rules = web.get("ipSecurityRestrictions") or []
    rules = sorted(rules, key=lambda rule: rule.get("priority") or 0)
    given = (shown.get("identity") or {}).get("userAssignedIdentities") or {}
    identities = {name.lower(): detail or {} for name, detail in given.items()}
    identity = identity_id(config).lower()
    client = identities.get(identity, {}).get("clientId")
    image = image_of(shown)
    values = {setting["name"]: setting["value"] for setting in settings}
    return Site(
        host=str(shown["defaultHostName"]),
        state=str(shown.get("state")),
        image=image,
        stays={
            # App Service adds a last rule for "Any" itself; the default action says the same.
            "address rules": [
                f"{rule.get('action')} {_network(str(rule.get('ipAddress')))}"
                for rule in rules
                if rule.get("ipAddress") != "Any"
            ],
            "other addresses": web.get("ipSecurityRestrictionsDefaultAction") or ("Deny" if rules else "Allow"),
            "Kudu has the same address rules": bool(web.get("scmIpSecurityRestrictionsUseMain")),
            "sign-in": _part(sign_in(config), auth.get("properties") or {}),
            "https only": bool(shown.get("httpsOnly")),
            "affinity cookie": bool(shown.get("clientAffinityEnabled")),
            # A policy that is not there, ftp's or scm's, is taken for one that lets passwords in.
            "publishing password": [
                (policy.get("properties") or {}).get("allow") for policy in passwords.get("value") or []
            ]
            != [False, False],
            "container log": _part({"httpLogs": {"fileSystem": {"enabled": True}}}, logs.get("properties"))["httpLogs"][
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
        },
        moves={"image": image, "health path": web.get("healthCheckPath")}
        | {name: values.get(name) for name in app_settings(config)},
        plan=str(shown.get("appServicePlanId") or shown.get("serverFarmId") or ""),
        previous=values.get(PREVIOUS) or "",
    )


def _network(text: str) -> str:
    """A range as the config writes it, whatever letters and zeros Azure shows it with."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return text


def image_of(shown: dict[str, Any]) -> str:
    """The image in what `az webapp show` prints; "" if there is none."""
    return re.sub(r"^DOCKER\|", "", str((shown.get("siteConfig") or {}).get("linuxFxVersion") or ""), flags=re.I)


def _part(wanted: Any, found: Any) -> Any:
    """`found` without what `wanted` does not name; an absent truth is false, as Azure leaves it out."""
    if isinstance(wanted, dict):
        there = found if isinstance(found, dict) else {}
        return {key: _part(value, there.get(key)) for key, value in wanted.items()}
    return bool(found) if isinstance(wanted, bool) else found


def look(config: Config, az: Az) -> Found:
    """Read what there is. Nothing is written.

    Raises
    ------
    CallError
        If a call fails otherwise than because the thing is not there.
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
        )

    production = read(None)
    staging = read(config.slot) if production else None
    plan = az.find(calls.read_plan())
    if plan is None:
        return Found(None, production, staging)
    size = plan["sku"]
    return Found(str(size["name"]).upper(), production, staging, int(size.get("capacity") or 1))


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A line for each setting that is not as wanted."""
    return [
        f"{key} is {found.get(key)!r}, wanted {value!r}" for key, value in wanted.items() if found.get(key) != value
    ]


def needed(config: Config, found: Found) -> list[Call]:
    """The calls between what there is and the config, in their order; none if all is as wanted.

    What lets fewer people in comes first, before any call that may fail for want of a right.
    Rules of access come before any image: first on production, then on the slot, which gets
    its image last. Production itself gets an image only by the swap, after which there is
    nothing but the start of a production that somebody stopped.
    """
    calls, wanted, todo = Calls(config), wanted_stays(config), list[Call]()
    guards = {key: value for key, value in wanted.items() if key not in PULLING}
    pulls = {key: wanted[key] for key in PULLING}
    sites = ((found.production, None), (found.staging, config.slot))
    staged = found.production is None or bool(differences(found.production.moves, wanted_moves(config)))
    for site, slot in sites:
        if site and differences(site.stays, guards):
            todo += calls.guards(slot)
    if found.production is None or found.sku is None:
        todo += [calls.make_group()]
    # Also where only the image is new: the registry may be another one, or the role gone.
    if staged or any(site is None or differences(site.stays, pulls) for site, _ in sites):
        todo += calls.pull_right()
    if found.sku != config.sku:
        todo += [calls.resize_plan(found.workers) if found.sku else calls.make_plan()]
    for site, slot in sites:
        if site is None:
            todo += [calls.make_slot() if slot else calls.make_app(), *calls.guards(slot)]
        if site is None or differences(site.stays, pulls):
            todo += calls.pulling(slot)
    if staged:
        todo += [*calls.stage(found.production.digest if found.production else ""), calls.swap()]
    if found.production and found.production.state != "Running":
        todo += [calls.start(None)]
    return todo
