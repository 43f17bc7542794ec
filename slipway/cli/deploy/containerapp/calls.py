"""The calls for one container app: those that read it and those that make it. Nothing here runs one.

The template goes to the REST interface as a whole, because the options of `az containerapp` know
no probes. For the rest its own commands are used: they keep what they do not name.
"""

import json
from collections.abc import Sequence
from typing import Any

from slipway.cli.deploy.access import Entra
from slipway.cli.deploy.az import Call
from slipway.cli.deploy.calls import SharedCalls
from slipway.cli.deploy.config import ContainerApp
from slipway.cli.deploy.containerapp.content import (
    PREVIOUS,
    configuration,
    revision,
    secrets,
    sign_in,
    suffix,
    template,
)

REST_API = "2025-07-01"


class Calls(SharedCalls):
    """Every call for one config."""

    def __init__(self, config: ContainerApp) -> None:
        super().__init__(config)
        self.config = config

    @property
    def _app(self) -> tuple[str, ...]:
        return ("--resource-group", self.config.resource_group, "--name", self.config.app)

    def _url(self, part: str = "") -> str:
        return f"{self.config.app_id}{part}?api-version={REST_API}"

    # What is read. None of it changes anything.

    def read_app(self) -> Call:
        return self._call("containerapp show", self._app, "read the app", writes=False)

    def read_environment(self) -> Call:
        options = ("--resource-group", self.config.resource_group, "--name", self.config.environment)
        return self._call("containerapp env show", options, "read the environment", writes=False)

    def read_revisions(self) -> Call:
        return self._call("containerapp revision list", (*self._app, "--all"), "read the revisions", writes=False)

    def read_sign_in(self) -> Call:
        return self._rest("get", self._url("/authConfigs/current"), "read the sign-in")

    # What is there once. Each call may be repeated.

    def make_environment(self) -> list[Call]:
        """The environment, with its logs in Log Analytics unless the config says that there are none."""
        config = self.config
        options = (
            *("--resource-group", config.resource_group, "--name", config.environment, "--location", config.location),
            *("--logs-destination", config.logs),
        )
        does = "make the environment that the app runs in"
        if config.logs == "none":
            return [self._call("containerapp env create", options, does)]
        workspace = ("--resource-group", config.resource_group, "--workspace-name", config.workspace)
        log = "monitor log-analytics workspace"
        logs = ("--logs-workspace-id", "{WORKSPACE_ID}", "--logs-workspace-key", "{WORKSPACE_KEY}")
        return [
            self.make_workspace(),
            self._call(
                f"{log} show",
                (*workspace, "--query", "customerId", "--output", "tsv"),
                "read the workspace's ID",
                writes=False,
                gives="WORKSPACE_ID",
            ),
            self._call(
                f"{log} get-shared-keys",
                (*workspace, "--query", "primarySharedKey", "--output", "tsv"),
                "read the key with which the environment writes its logs there",
                writes=False,
                gives="WORKSPACE_KEY",
            ),
            self._call("containerapp env create", (*options, *logs), f"{does}, and send its logs to Log Analytics"),
        ]

    def make_app(self) -> list[Call]:
        """The app with its first revision. With a sign-in it is closed to the Internet until that is on."""
        config, entra = self.config, isinstance(self.config.access, Entra)
        shared = configuration(config)
        shared["ingress"] |= {"external": not entra, "traffic": [{"latestRevision": True, "weight": 100}]}
        if config.secrets:
            shared["secrets"] = [
                {"name": name, "keyVaultUrl": address, "identity": config.identity_id}
                for name, address in secrets(config).items()
            ]
        body = {
            "location": config.location,
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {config.identity_id: {}}},
            "properties": {
                "environmentId": config.environment_id,
                "configuration": shared,
                "template": template(config) | {"revisionSuffix": suffix(config)},
            },
        }
        does = "make the app with its first revision" + (", closed until the sign-in is on" if entra else "")
        made = self._rest("put", self._url(), does, json.dumps(body))
        return [made, self.sign_in(), self.configure()] if entra else [made]

    # What all revisions share.

    def configure(self) -> Call:
        """Access, port, registry; what the body does not name stays: traffic, domains, secrets."""
        does = "set who reaches the app, at which port, over TLS only, and how it pulls"
        return self._rest(
            "patch", self._url(), does, json.dumps({"properties": {"configuration": configuration(self.config)}})
        )

    def sign_in(self) -> Call:
        body = json.dumps({"properties": sign_in(self.config)})
        does = f"switch the sign-in {'on' if isinstance(self.config.access, Entra) else 'off'}"
        return self._rest("put", self._url("/authConfigs/current"), does, body)

    def guards(self) -> list[Call]:
        """Who may reach the app: what restricts comes first."""
        entra = isinstance(self.config.access, Entra)
        return [self.sign_in(), self.configure()] if entra else [self.configure(), self.sign_in()]

    def identity(self) -> Call:
        options = (*self._app, "--user-assigned", self.config.identity_id)
        return self._call("containerapp identity assign", options, "give the app the identity")

    def secrets(self) -> Call:
        """The secrets of the config; others stay."""
        identity = self.config.identity_id
        given = [f"{name}=keyvaultref:{at},identityref:{identity}" for name, at in secrets(self.config).items()]
        does = "let the app read its secrets in Key Vault with the identity"
        return self._call("containerapp secret set", (*self._app, "--secrets", *given), does)

    def domain(self) -> list[Call]:
        """The host name of the config, with a certificate that Container Apps makes and renews."""
        config, host = self.config, str(self.config.custom_domain)
        bind = ("--hostname", host, "--environment", config.environment, "--validation-method", "CNAME")
        return [
            self._call(
                "containerapp hostname add",
                (*self._app, "--hostname", host),
                f"let the app answer as {host}, for which its DNS records must be there",
            ),
            self._call("containerapp hostname bind", (*self._app, *bind), f"make a certificate for {host} and use it"),
        ]

    # Revisions and traffic.

    def make_revision(self, kept: Sequence[dict[str, str]] = ()) -> Call:
        """A revision beside the one that has the traffic; it gets none yet."""
        body: dict[str, Any] = {
            "properties": {"template": template(self.config, kept) | {"revisionSuffix": suffix(self.config, kept)}}
        }
        does = f"make the revision {revision(self.config, kept)}, without traffic"
        call = self._rest("patch", self._url(), does, json.dumps(body))
        return Call(
            call.argv,
            call.does,
            call.writes,
            hides=tuple(f": {json.dumps(one['value'])}" for one in kept if one.get("value")),
        )

    def activate(self, name: str) -> Call:
        options = ("--resource-group", self.config.resource_group, "--name", self.config.app, "--revision", name)
        return self._call("containerapp revision activate", options, f"activate the revision {name}")

    def deactivate(self, name: str) -> Call:
        options = ("--resource-group", self.config.resource_group, "--name", self.config.app, "--revision", name)
        return self._call("containerapp revision deactivate", options, f"deactivate {name}, which else keeps costing")

    def note(self, previous: str) -> Call:
        """Record which revision has the traffic now: after this deployment it is the only one that `rollback` accepts."""
        options = ("--resource-id", self.config.app_id, "--operation", "merge", "--tags", f"{PREVIOUS}={previous}")
        return self._call("tag update", options, f"note for a rollback: {previous}")

    def traffic(self, name: str) -> Call:
        options = (*self._app, "--revision-weight", f"{name}=100")
        return self._call("containerapp ingress traffic set", options, f"send all traffic to {name}")
