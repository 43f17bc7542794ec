"""Container apps in the stand-in for Azure: revisions, traffic, ingress rules and the sign-in.

A PATCH is merged as the REST reference says, a template makes a revision, and a revision's name is
never used twice for another template. What it cannot show: that Azure pulls, starts and scales.
"""

import copy
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any

from tests.azure.closed import faults

Json = dict[str, Any]

DOMAIN = "calm-1a2b.westeurope.azurecontainerapps.io"


def _merged(there: Any, given: Any) -> Any:
    """JSON merge patch, RFC 7396."""
    if not isinstance(given, dict) or not isinstance(there, dict):
        return given
    rest = {key: value for key, value in there.items() if not (key in given and given[key] is None)}
    return rest | {key: _merged(there.get(key), value) for key, value in given.items() if value is not None}


@dataclass
class ContainerApps:
    """All container apps, kept among the other things of the stand-in."""

    things: dict[str, Json] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    models: Json = field(default_factory=dict)
    """What a body may hold: anything else is refused."""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any] | None:
        """Status and body for a request to an app; None for any other."""
        found = re.fullmatch(r"(/.+/containerapps/([^/]+))(?:/(.+))?", path, re.I)
        if not found or "/providers/microsoft.resources/" in path.lower():
            return None
        key, name, rest = found[1].lower(), found[2], (found[3] or "").lower()
        if method in ("PUT", "PATCH") and (
            wrong := list(faults(self.models, "AuthConfig" if rest else "ContainerApp", body))
        ):
            return 400, {"error": {"code": "InvalidRequestContent", "message": "; ".join(wrong)}}
        if rest.startswith("authconfigs"):
            return self._auth(method, key, body)
        app = self.things.get(key)
        if app is None and method != "PUT":
            return 404, _missing(name)
        if not rest:
            return 200, self._put(key, found[1], name, app, body, method) if method in ("PUT", "PATCH") else app
        assert app is not None
        if rest == "listsecrets":
            secrets = app["properties"]["configuration"].get("secrets") or []
            return 200, {"value": [{"value": "hidden"} | one for one in secrets]}
        return self._revision(key, rest)

    def _auth(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        at = f"{key}/authconfigs/current"
        if method == "PUT":
            self.things[at] = {"name": "current", "properties": body["properties"]}
        return (200, self.things[at]) if at in self.things else (404, _missing("current"))

    def _put(self, key: str, path: str, name: str, there: Json | None, body: Json, method: str) -> Json:
        app = _merged(there, body) if there and method == "PATCH" else (there or {}) | copy.deepcopy(body)
        properties = app["properties"]
        app |= {"id": path, "name": name, "type": "Microsoft.App/containerApps"}
        ingress = properties["configuration"].setdefault("ingress", {})
        inside = "" if ingress.get("external") else "internal."
        ingress["fqdn"] = f"{name}.{inside}{DOMAIN}"
        properties["provisioningState"] = "Succeeded"
        for one in app.get("identity", {}).get("userAssignedIdentities", {}).values():
            one |= {"principalId": "p", "clientId": "c"}
        self.things[key] = app
        if "template" in body.get("properties", {}):
            self._make_revision(key, name, properties)
        return app

    def _make_revision(self, key: str, name: str, properties: Json) -> None:
        template = copy.deepcopy(properties["template"])
        revision = f"{name}--{template.get('revisionSuffix') or 'one'}"
        at = f"{key}/revisions/{revision}"
        assert at not in self.things or self.things[at]["properties"]["template"] == template
        state = {"active": True, "template": template, "fqdn": f"{revision}.{DOMAIN}", "runningState": "Running"}
        self.things.setdefault(
            at, {"id": at, "name": revision, "type": "Microsoft.App/containerapps/revisions", "properties": state}
        )
        properties["latestRevisionName"] = revision

    def _revision(self, key: str, rest: str) -> tuple[int, Any]:
        if rest == "revisions":
            return 200, {"value": [thing for at, thing in self.things.items() if at.startswith(f"{key}/revisions/")]}
        name, _, action = rest.removeprefix("revisions/").partition("/")
        thing = self.things.get(f"{key}/revisions/{name}")
        if thing is None:
            return 404, _missing(name)
        if action:
            thing["properties"]["active"] = action == "activate"
        return 200, thing

    def app(self) -> Json:
        """The only app there is."""
        (app,) = (thing for at, thing in self.things.items() if re.search(r"/containerapps/[^/]+$", at))
        return app

    def revisions(self) -> dict[str, Json]:
        """The revisions of the only app, by name."""
        return {thing["name"]: thing["properties"] for at, thing in self.things.items() if "/revisions/" in at}

    def serving(self) -> dict[str, int]:
        """The traffic of the only app, by revision."""
        properties = self.app()["properties"]
        traffic = properties["configuration"]["ingress"].get("traffic") or []
        latest = properties["latestRevisionName"]
        return {
            latest if one.get("latestRevision") else one["revisionName"]: int(one["weight"])
            for one in traffic
            if int(one["weight"])
        }

    def visit(self, host: str, path: str, caller: str) -> int:
        """The status that a GET has, for a caller from an address."""
        label = host.removesuffix(f".{DOMAIN}")
        ingress = self.app()["properties"]["configuration"]["ingress"]
        rules = ingress.get("ipSecurityRestrictions") or []
        inside = any(ipaddress.ip_address(caller) in ipaddress.ip_network(rule["ipAddressRange"]) for rule in rules)
        if not ingress.get("external") or (rules and not inside):
            return 403
        auth = next(
            (thing["properties"] for at, thing in self.things.items() if at.endswith("/authconfigs/current")), {}
        )
        signs = auth.get("platform", {}).get("enabled")
        if signs and path not in auth.get("globalValidation", {}).get("excludedPaths", []):
            return 302
        name = label if "--" in label else max(self.serving(), key=lambda one: self.serving()[one])
        revision = self.revisions()[name]
        broken = revision["template"]["containers"][0]["image"] in self.broken
        return 503 if broken or not revision["active"] else 200


def _missing(name: str) -> Json:
    return {"error": {"code": "ResourceNotFound", "message": f"The Resource '{name}' was not found."}}
