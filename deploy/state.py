"""What is there, as read, and which calls are missing between it and the config."""

import re
from dataclasses import dataclass
from typing import Any

from deploy.az import Az, Call
from deploy.config import Config
from deploy.webapp import Calls, address_rules, app_settings, identity_id, sign_in


@dataclass(frozen=True)
class Site:
    """Production or the slot, as read. `stays` and `moves` have the keys that `wanted_…` have."""

    host: str
    state: str
    image: str
    stays: dict[str, Any]
    moves: dict[str, Any]
    plan: str = ""

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
        "identity": identity_id(config).lower(),
        "pulls with the identity": True,
        "always on": True,
        "FTP": "Disabled",
        "HTTP/2": True,
        "least TLS": "1.2",
    }


def wanted_moves(config: Config) -> dict[str, Any]:
    """What reaches production by a swap."""
    return {"image": config.image, "health path": config.health_path} | app_settings(config)


def site(config: Config, shown: dict[str, Any], settings: list[dict[str, Any]], auth: dict[str, Any]) -> Site:
    """A site from what `az webapp show`, `appsettings list` and the REST interface's sign-in print."""
    web = shown.get("siteConfig") or {}
    rules = web.get("ipSecurityRestrictions") or []
    identities = (shown.get("identity") or {}).get("userAssignedIdentities") or {}
    identity = identity_id(config).lower()
    image = image_of(shown)
    values = {setting["name"]: setting["value"] for setting in settings}
    return Site(
        host=str(shown["defaultHostName"]),
        state=str(shown.get("state")),
        image=image,
        stays={
            # App Service adds a last rule for "Any" itself; the default action says the same.
            "address rules": [
                f"{rule.get('action')} {rule.get('ipAddress')}" for rule in rules if rule.get("ipAddress") != "Any"
            ],
            "other addresses": web.get("ipSecurityRestrictionsDefaultAction") or ("Deny" if rules else "Allow"),
            "Kudu has the same address rules": bool(web.get("scmIpSecurityRestrictionsUseMain")),
            "sign-in": _part(sign_in(config), auth.get("properties") or {}),
            "https only": bool(shown.get("httpsOnly")),
            "affinity cookie": bool(shown.get("clientAffinityEnabled")),
            "identity": identity if identity in map(str.lower, identities) else None,
            "pulls with the identity": bool(
                web.get("acrUseManagedIdentityCreds") and web.get("acrUserManagedIdentityId")
            ),
            "always on": bool(web.get("alwaysOn")),
            "FTP": web.get("ftpsState"),
            "HTTP/2": bool(web.get("http20Enabled")),
            "least TLS": web.get("minTlsVersion"),
        },
        moves={"image": image, "health path": web.get("healthCheckPath")}
        | {name: values.get(name) for name in app_settings(config)},
        plan=str(shown.get("serverFarmId") or "").rpartition("/")[2],
    )


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
        return site(config, shown, az.run(calls.read_settings(slot)), az.run(calls.read_sign_in(slot)))

    production = read(None)
    staging = read(config.slot) if production else None
    plan = az.find(calls.read_plan())
    return Found(plan["sku"]["name"] if plan else None, production, staging)


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A line for each setting that is not as wanted."""
    return [
        f"{key} is {found.get(key)!r}, wanted {value!r}" for key, value in wanted.items() if found.get(key) != value
    ]


def needed(config: Config, found: Found, role: str = "AcrPull") -> list[Call]:
    """The calls between what there is and the config, in their order; none if all is as wanted.

    Rules of access come before any image: first on production, then on the slot, which gets
    its image last. Production itself gets an image only by the swap, which is the last call.
    """
    calls, todo = Calls(config), []
    stays = wanted_stays(config)
    loose = [where for where in (found.production, found.staging) if where is None or differences(where.stays, stays)]
    if loose or found.sku != config.sku:
        todo += calls.foundation(role)
    if found.production is None:
        todo += [calls.make_app()]
    if found.production in loose:
        todo += calls.staying(None)
    if found.staging is None:
        todo += [calls.make_slot()]
    if found.staging in loose:
        todo += calls.staying(config.slot)
    if found.production is None or differences(found.production.moves, wanted_moves(config)):
        todo += [*calls.stage(), calls.swap()]
    return todo
