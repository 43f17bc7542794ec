"""What exists of a container app already, and which calls are missing between it and the config."""

from dataclasses import dataclass, field
from typing import Any

from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.compare import differences, network, part
from slipway.cli.deploy.config import ContainerApp
from slipway.cli.deploy.containerapp.calls import Calls
from slipway.cli.deploy.containerapp.content import (
    PREVIOUS,
    configuration,
    environment_variables,
    revision,
    secrets,
    sign_in,
    template,
)
from slipway.cli.deploy.settings import BY_HAND, SECRETS


@dataclass(frozen=True)
class Revision:
    """One revision as read."""

    name: str
    active: bool
    weight: int
    host: str
    state: str
    template: dict[str, Any]

    @property
    def image(self) -> str:
        """What its first container runs."""
        return str(next(iter(self.template.get("containers") or [{}])).get("image") or "")

    @property
    def environment(self) -> list[dict[str, str]]:
        """The environment variables of its first container."""
        return next(iter(self.template.get("containers") or [{}])).get("env") or []


@dataclass(frozen=True)
class App:
    """The app as read; `shared` has the keys of `wanted_shared`."""

    host: str
    state: str
    shared: dict[str, Any]
    revisions: tuple[Revision, ...]
    previous: str = ""
    pinned: bool = True
    """Whether traffic names its revision. If not, it goes to whichever is the newest, also to one that does not answer."""
    hosts: tuple[str, ...] = ()
    extra_secrets: tuple[str, ...] = ()

    @property
    def serving(self) -> Revision | None:
        """The revision with most of the traffic."""
        return max((one for one in self.revisions if one.weight), key=lambda one: one.weight, default=None)

    def named(self, name: str) -> Revision | None:
        """The revision of a name."""
        return next((one for one in self.revisions if one.name == name), None)


@dataclass(frozen=True)
class Found:
    """What exists; None for what does not."""

    environment: bool = False
    app: App | None = None
    logs: str = ""
    kept: tuple[dict[str, str], ...] = field(default=())
    """Environment variables of the serving revision that are not in the config."""


def wanted_shared(config: ContainerApp) -> dict[str, Any]:
    """The settings that all revisions share."""
    wanted = configuration(config)["ingress"]
    return {
        "address rules": [f"Allow {rule['ipAddressRange']}" for rule in wanted["ipSecurityRestrictions"]],
        "sign-in": sign_in(config),
        "on the Internet": True,
        "https only": True,
        "port": config.port,
        "revisions": "Multiple",
        "identity": config.identity_id.lower(),
        "pulls with the identity": True,
        "secrets": secrets(config),
    }


ACCESS = ("address rules", "sign-in", "on the Internet", "https only", "port", "revisions", "pulls with the identity")
"""What `guards` sets, which needs no role."""


def app(
    config: ContainerApp, shown: dict[str, Any], revisions: list[dict[str, Any]], auth: dict[str, Any] | None
) -> App:
    """The app from what `az containerapp show`, `revision list` and a read of the REST interface print."""
    properties = shown.get("properties") or {}
    shared = properties.get("configuration") or {}
    at = shared.get("ingress") or {}
    weights: dict[str, int] = {}
    for one in at.get("traffic") or []:
        name = properties.get("latestRevisionName") if one.get("latestRevision") else one.get("revisionName")
        weights[str(name)] = weights.get(str(name), 0) + int(one.get("weight") or 0)
    server = config.repository.partition("/")[0]
    identities = {
        str(one.get("identity")).lower() for one in shared.get("registries") or [] if one.get("server") == server
    }
    there = {str(one.get("name")): str(one.get("keyVaultUrl") or "") for one in shared.get("secrets") or []}
    return App(
        host=str(at.get("fqdn") or ""),
        state=str(properties.get("provisioningState")),
        shared={
            "address rules": [
                f"{rule.get('action')} {network(str(rule.get('ipAddressRange')))}"
                for rule in at.get("ipSecurityRestrictions") or []
            ],
            "sign-in": part(sign_in(config), (auth or {}).get("properties") or {}),
            "on the Internet": bool(at.get("external")),
            "https only": not at.get("allowInsecure"),
            "port": at.get("targetPort"),
            "revisions": str(shared.get("activeRevisionsMode")).capitalize(),
            "identity": next(
                (
                    name.lower()
                    for name in (shown.get("identity") or {}).get("userAssignedIdentities") or {}
                    if name.lower() == config.identity_id.lower()
                ),
                None,
            ),
            "pulls with the identity": config.identity_id.lower() in identities,
            "secrets": {name: there.get(name) for name in secrets(config)},
        },
        revisions=tuple(_revision(one, weights) for one in revisions),
        previous=str((shown.get("tags") or {}).get(PREVIOUS) or ""),
        pinned=not any(one.get("latestRevision") and int(one.get("weight") or 0) for one in at.get("traffic") or []),
        hosts=tuple(str(one.get("name")) for one in at.get("customDomains") or []),
        extra_secrets=tuple(sorted(set(there) - set(secrets(config)))),
    )


def _revision(shown: dict[str, Any], weights: dict[str, int]) -> Revision:
    properties = shown.get("properties") or {}
    return Revision(
        name=str(shown.get("name")),
        active=bool(properties.get("active")),
        weight=weights.get(str(shown.get("name")), 0),
        host=str(properties.get("fqdn") or ""),
        state=str(properties.get("runningState") or properties.get("healthState") or ""),
        template=properties.get("template") or {},
    )


def look(config: ContainerApp, az: Az) -> Found:
    """Read what exists, without changing anything.

    Raises
    ------
    CallError
        If a call fails for another reason than that the resource does not exist.
    """
    calls = Calls(config)
    environment = az.find(calls.read_environment())
    shown = az.find(calls.read_app())
    kept: tuple[dict[str, str], ...] = ()
    there = None
    if shown is not None:
        there = app(config, shown, az.run(calls.read_revisions()), az.find(calls.read_sign_in()))
        known = {one["name"] for one in environment_variables(config)}
        serving = there.serving.environment if there.serving else []
        kept = tuple(sorted((one for one in serving if one["name"] not in known), key=lambda one: one["name"]))
        kept = tuple({key: value for key, value in one.items() if value} for one in kept)
    logs = ((environment or {}).get("properties") or {}).get("appLogsConfiguration") or {}
    return Found(environment is not None, there, str(logs.get("destination") or "none"), kept)


def needed(config: ContainerApp, found: Found) -> list[Call]:
    """The calls from what exists to the config, in order; none if nothing differs.

    What restricts access comes first, before any call that may fail for lack of a role. A new
    revision gets no traffic until the last calls give it all of it.

    Parameters
    ----------
    config : ContainerApp
    found : Found

    Returns
    -------
    list of Call
    """
    calls, there, todo = Calls(config), found.app, list[Call]()
    name = revision(config, found.kept)
    wanted = wanted_shared(config)
    guards = {key: wanted[key] for key in ACCESS}
    if there and differences(there.shared, guards):
        todo += calls.guards()
    if not found.environment:
        todo += [calls.make_group()]
    rights = {key: value for key, value in wanted.items() if key not in ACCESS}
    made = there.named(name) if there else None
    if there is None or made is None or differences(there.shared, rights):
        todo += calls.pull_right()
    if not found.environment:
        todo += calls.make_environment()
    if there is None:
        todo += [*calls.make_app(), calls.traffic(name)]
    else:
        if there.shared["identity"] != wanted["identity"]:
            todo += [calls.identity()]
        if there.shared["secrets"] != wanted["secrets"]:
            todo += [calls.secrets()]
        todo += _serve(config, found, there, name)
    if config.custom_domain and not (there and config.custom_domain in there.hosts):
        todo += calls.domain()
    return todo


def _serve(config: ContainerApp, found: Found, there: App, name: str) -> list[Call]:
    """Make or activate the wanted revision, and give it the traffic of the one that has it."""
    calls, made, before = Calls(config), there.named(name), there.serving
    todo = []
    if before and not there.pinned and before.name != name:
        todo += [calls.traffic(before.name)]
    if made is None:
        todo += [calls.make_revision(found.kept)]
    elif not made.active:
        todo += [calls.activate(name)]
    if before is None or before.name != name or before.weight != 100 or not there.pinned:
        todo += [calls.note(before.name if before and before.name != name else there.previous or "none")]
        todo += [calls.traffic(name)]
        if config.instances.min and before and before.name != name:
            todo += [calls.deactivate(before.name)]
    return todo


def template_differences(config: ContainerApp, found: Found) -> list[str]:
    """How the serving revision differs from the config."""
    serving = found.app.serving if found.app else None
    if serving is None:
        return ["no revision has traffic"]
    wanted = template(config, found.kept)
    there = part(wanted, serving.template)
    if serving.weight != 100:
        others = (
            ", ".join(f"{one.name} {one.weight} %" for one in found.app.revisions if one.weight) if found.app else ""
        )
        return [f"traffic is split by hand: {others}; `apply` sends all of it to {revision(config, found.kept)}"]
    one, other = there["containers"], wanted["containers"]
    pairs = (one[0] if isinstance(one, list) and one else {}) | {"env": serving.environment}
    found_parts = {**pairs, **{f"scale {key}": value for key, value in there["scale"].items()}}
    wanted_parts = {**other[0], **{f"scale {key}": value for key, value in wanted["scale"].items()}}
    return differences(_by_name(found_parts), _by_name(wanted_parts))


def _by_name(parts: dict[str, Any]) -> dict[str, Any]:
    """With each environment variable by itself."""
    rest = {key: value for key, value in parts.items() if key != "env"}
    for one in parts.get("env") or []:
        name, value = str(one.get("name")), one.get("value")
        rest[name] = BY_HAND if value and name in SECRETS else value or f"secret {one.get('secretRef')}"
    return rest
