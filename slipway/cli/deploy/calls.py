"""The calls that both targets share: group, identity, its rights, the registry and the place for logs. Nothing here runs one."""

from collections.abc import Iterable, Sequence

from slipway.cli.deploy.az import Call
from slipway.cli.deploy.config import Config
from slipway.cli.deploy.settings import vaults

BY_REPOSITORY = ("AbacRepositoryPermissions", "Container Registry Repository Reader")
"""A registry's other mode, and the role that lets pull there; AcrPull does not count in it."""

PULL = "let the identity pull from the registry, and nothing else"


class SharedCalls:
    """The calls for one config that have nothing to do with its target."""

    def __init__(self, config: Config) -> None:
        self._shared = config

    def _call(
        self, command: str, options: Iterable[str], does: str, *, writes: bool = True, gives: str | None = None
    ) -> Call:
        argv = (*command.split(), *options, "--subscription", self._shared.subscription)
        return Call(argv, does, writes, gives)

    def _rest(self, method: str, url: str, does: str, body: str = "") -> Call:
        options = ("--method", method, "--url", url, *(("--body", body) if body else ()))
        return self._call("rest", options, does, writes=method != "get")

    def read_registry(self) -> Call:
        return self._call("acr show", ("--name", self._shared.registry), "read the registry", writes=False)

    def make_group(self) -> Call:
        options = ("--name", self._shared.resource_group, "--location", self._shared.location)
        return self._call("group create", options, "make the resource group")

    def pull_right(self) -> list[Call]:
        """An identity with the right to pull from the registry, and to read the secrets that the config names."""
        config = self._shared
        identity = ("--resource-group", config.resource_group, "--name", config.identity)
        registry = ("--name", config.registry, "--output", "tsv", "--query")
        return [
            self._call(
                "identity create", (*identity, "--location", config.location), "make the identity that pulls the image"
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
            self._assign("{ROLE}", "{REGISTRY_ID}", PULL),
            *self._secret_rights(),
        ]

    def _assign(self, role: str, scope: str, does: str) -> Call:
        who = ("--assignee-object-id", "{PRINCIPAL_ID}", "--assignee-principal-type", "ServicePrincipal")
        return self._call("role assignment create", (*who, "--role", role, "--scope", scope), does)

    def _secret_rights(self) -> list[Call]:
        calls = []
        for number, (vault, secrets) in enumerate(sorted(vaults(self._shared.secrets).items())):
            gives = "VAULT_ID" + "_B" * number
            options = ("--name", vault, "--query", "id", "--output", "tsv")
            calls.append(
                self._call("keyvault show", options, f"read the vault {vault}'s resource ID", writes=False, gives=gives)
            )
            for secret in secrets:
                does = f"let the identity read the secret {secret} of {vault}, and no other"
                calls.append(self._assign("Key Vault Secrets User", f"{{{gives}}}/secrets/{secret}", does))
        return calls

    def make_workspace(self) -> Call:
        """A Log Analytics workspace; repeating the call changes nothing."""
        config = self._shared
        options: Sequence[str] = ("--resource-group", config.resource_group, "--workspace-name", config.workspace)
        return self._call(
            "monitor log-analytics workspace create",
            (*options, "--location", config.location),
            "make the workspace that keeps the logs, which is billed by the gigabyte",
        )
