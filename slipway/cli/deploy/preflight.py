"""What is asked before the first writing call, so that nothing is made that would then be of no use.

Asked are `az` (its version and options), the subscription (providers, roles) and the registry
(the image, by digest and architecture). All problems are named at once.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from slipway.cli.deploy.az import Az, Call, CallError
from slipway.cli.deploy.calls import SharedCalls
from slipway.cli.deploy.config import ContainerApp, WebApp
from slipway.cli.deploy.run import RefusedError

TESTED = (2, 91, 0)
"""The `az` that the tests run. An older one is refused; of a newer one the options are looked up."""

PERMISSIONS_API = "2022-04-01"

Check = Callable[[WebApp | ContainerApp, Az, Sequence[Call], Callable[[str], None]], None]
"""Called with the calls that are to be made, and with what prints a line of progress."""


def check_before_writing(
    config: WebApp | ContainerApp, az: Az, calls: Sequence[Call], tell: Callable[[str], None], roles: bool = True
) -> None:
    """Refuse what Azure, the registry or `az` would refuse half-way.

    Parameters
    ----------
    config : WebApp or ContainerApp
    az : Az
    calls : sequence of Call
        What is to be made.
    tell : callable
        Called with a line of progress.
    roles : bool, default=True
        Whether this account is the one that is to make the calls, and its roles are asked.

    Raises
    ------
    RefusedError
        With every problem, a line each; nothing was changed then.
    CallError
        If `az` cannot be asked at all.
    """
    tell(f"check az, the subscription{', your roles' if roles else ''} and the image")
    problems = [*_az(az, calls, tell)]
    if not problems:
        problems += _providers(config, az)
        problems += _roles(config, az, calls) if roles else []
        problems += _image(config, az, calls)
    if problems:
        raise RefusedError("\n".join([*problems, "  nothing was changed"]))


def _read(command: str, options: Sequence[str], does: str) -> Call:
    return Call((*command.split(), *options), does, writes=False)


def _az(az: Az, calls: Sequence[Call], tell: Callable[[str], None]) -> Iterator[str]:
    text = str(az.run(_read("version", (), "read the version of az")).get("azure-cli"))
    numbers = tuple(int(number) for number in re.findall(r"\d+", text)[:3])
    if numbers < TESTED:
        wanted = ".".join(map(str, TESTED))
        yield f"az: found azure-cli {text}; expected {wanted} or later: `az upgrade`, or --az PATH"
    elif numbers > TESTED:
        tell(f"azure-cli {text} is newer than the tested one: look up each option")
        yield from _options(az, calls)


def _options(az: Az, calls: Sequence[Call]) -> Iterator[str]:
    """Options of the calls that the help of `az` does not name."""
    used: dict[str, set[str]] = {}
    for call in calls:
        words = " ".join(call.argv).split(" --")[0]
        used.setdefault(words, set()).update(word for word in call.argv if re.fullmatch(r"--[a-z-]+", word))
    for command, options in used.items():
        try:
            help_text = az.text((*command.split(), "--help"))
        except CallError:
            yield f"az: `az {command}` is not there; `pip install 'slipway-ml[azure]'` installs the tested az"
            continue
        for option in sorted(options):
            if not re.search(rf"(?<![\w-]){option}(?![\w-])", help_text):
                yield f"az: `az {command}` has no option {option}; `pip install 'slipway-ml[azure]'` installs the tested az"


def _providers(config: WebApp | ContainerApp, az: Az) -> Iterator[str]:
    needed = ["Microsoft.ContainerRegistry", "Microsoft.ManagedIdentity"]
    needed += ["Microsoft.Web"] if isinstance(config, WebApp) else ["Microsoft.App"]
    needed += ["Microsoft.OperationalInsights"] if config.logs == "log-analytics" else []
    needed += ["Microsoft.KeyVault"] if config.secrets else []
    options = ("--query", "[].{name: namespace, state: registrationState}", "--subscription", config.subscription)
    listed = az.run(_read("provider list", options, "read which kinds of resources the subscription knows"))
    states = {str(one["name"]).lower(): str(one["state"]) for one in listed}
    for name in needed:
        if states.get(name.lower()) != "Registered":
            state = states.get(name.lower(), "missing")
            line = f"az provider register --wait --namespace {name} --subscription {config.subscription}"
            yield f"provider {name}: is {state}, expected Registered: `{line}`"


def _roles(config: WebApp | ContainerApp, az: Az, calls: Sequence[Call]) -> Iterator[str]:
    """What your account may not do and the calls need."""
    kind = "Microsoft.Web/sites/write" if isinstance(config, WebApp) else "Microsoft.App/containerApps/write"
    options = ("--name", config.resource_group, "--subscription", config.subscription)
    there = az.run(_read("group exists", options, "read whether the resource group is there"))
    group = f"/subscriptions/{config.subscription}" + (f"/resourceGroups/{config.resource_group}" if there else "")
    needs = [(group, kind, "Contributor")]
    if not there:
        needs += [(group, "Microsoft.Resources/subscriptions/resourceGroups/write", "Contributor")]
    if any(call.argv[:3] == ("role", "assignment", "create") for call in calls):
        registry = az.find(SharedCalls(config).read_registry())
        if registry is None:
            return  # said with the image
        role = "Owner or Role Based Access Control Administrator"
        needs += [(str(registry["id"]), "Microsoft.Authorization/roleAssignments/write", role)]
    may: dict[str, list[dict[str, Any]]] = {}
    for scope, action, role in needs:
        if scope not in may:
            url = f"{scope}/providers/Microsoft.Authorization/permissions?api-version={PERMISSIONS_API}"
            asked = ("--method", "get", "--url", url, "--subscription", config.subscription)
            may[scope] = az.run(_read("rest", asked, "read what your account may do")).get("value") or []
        if not any(_allows(one, action) for one in may[scope]):
            yield f"role: your account may not {action} on {scope}; ask for {role} there"


def _allows(permission: dict[str, Any], action: str) -> bool:
    def among(patterns: Any) -> bool:
        return any(fnmatch.fnmatchcase(action.lower(), str(pattern).lower()) for pattern in patterns or [])

    return among(permission.get("actions")) and not among(permission.get("notActions"))


def _image(config: WebApp | ContainerApp, az: Az, calls: Sequence[Call]) -> Iterator[str]:
    """Whether the registry has the image, for the processors that Azure runs it on."""
    if not any(config.digest in word for call in calls for word in call.argv):
        return
    name = f"{config.repository.partition('/')[2]}@{config.digest}"
    options = ("--registry", config.registry, "--name", name, "--subscription", config.subscription)
    try:
        shown = az.run(_read("acr manifest show-metadata", options, "ask the registry for the image"))
    except CallError as exc:
        if re.search(
            r"manifest[ _].*unknown|NAME_UNKNOWN|name not known|not found|\b404\b|does not exist", exc.words, re.I
        ):
            yield (
                f"image: the registry {config.registry} has no {name}; expected the digest that `make push` printed, "
                f"or one of `az acr manifest list-metadata --registry {config.registry} --name {name.partition('@')[0]}`"
            )
        else:
            yield f"image: the registry {config.registry} could not be asked for {name}: {exc.words}"
        return
    architecture = str(shown.get("architecture") or "amd64")
    if architecture != "amd64":
        yield f"image: {config.digest} is for {architecture}, expected amd64: build it with `--platform linux/amd64`"
