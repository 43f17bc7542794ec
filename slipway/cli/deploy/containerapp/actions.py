"""`apply`, `rollback` and `status` of a container app: revisions and traffic in place of slots and swaps."""

import time

from slipway.cli.deploy import run as running
from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.compare import differences
from slipway.cli.deploy.config import ContainerApp
from slipway.cli.deploy.containerapp.calls import Calls
from slipway.cli.deploy.containerapp.content import access_says, revision
from slipway.cli.deploy.containerapp.state import (
    Found,
    Revision,
    look,
    needed,
    template_differences,
    wanted_shared,
)
from slipway.cli.deploy.preflight import Check, check_before_writing
from slipway.cli.deploy.run import NotReadyError, Probe, RefusedError, Run, Say, https_status, stopping
from slipway.cli.deploy.settings import SECRETS
from slipway.service.settings import PREFIX

PULL_SECONDS = 300
"""How much longer than a start is waited for a revision: the time to pull the image does not count as starting."""

_CERTAIN = "no traffic was moved: it runs what it ran before"
_UNCERTAIN = "whether the traffic was moved is not certain: `slipway deploy status` shows which revision has it"


def notes(config: ContainerApp) -> list[str]:
    """Who may call, and what is to be known of this way; a line each."""
    lines = [access_says(config)]
    if not config.instances.min:
        lines.append(
            "instances: min 0: with no requests nothing runs and nothing but storage and logs costs; the first caller afterwards "
            "waits until the image is pulled and the server is up"
        )
    if config.logs == "none":
        lines.append("logs: none: what the app prints is only seen live, with `az containerapp logs show --follow`")
    if config.custom_domain:
        lines.append(
            f"custom_domain: first make two DNS records: CNAME {config.custom_domain} → the app's host (`status` shows it), and "
            f"TXT asuid.{config.custom_domain} → what `az containerapp show-custom-domain-verification-id` prints"
        )
    return lines


def by_hand(config: ContainerApp, found: Found) -> list[str]:
    """What somebody set by hand: a line each. Values of what may be a secret are not shown."""
    if not found.app:
        return []
    lines = []
    for one in found.kept:
        name, value = one["name"], one.get("value")
        shown = f"={value}" if value and name.startswith(PREFIX) and name not in SECRETS else ""
        lines.append(
            f"environment variable {name}{shown}: not in the config; new revisions keep it (settings: takes it over)"
        )
    lines += [
        f"domain {host}: not in the config; it is kept" for host in found.app.hosts if host != config.custom_domain
    ]
    lines += [f"secret {name}: not in the config; it is kept" for name in found.app.extra_secrets]
    if found.environment and found.logs != config.logs:
        lines.append(
            f"logs of the environment go to {found.logs}, expected {config.logs}: an environment that is there is not changed"
        )
    return lines


def refuse(config: ContainerApp, found: Found) -> None:
    """Refuse what no call here may change.

    Raises
    ------
    RefusedError
        If the app was made without ingress on the Internet, or for another environment.
    """
    if found.app and not found.app.host:
        raise RefusedError(
            f"{config.app} has no ingress: it is another kind of app; choose another `app`, or `az containerapp ingress enable` it first"
        )
    if (
        found.app
        and not found.app.shared["on the Internet"]
        and found.app.serving
        and found.app.shared["sign-in"] == {"platform": {"enabled": False}}
    ):
        raise RefusedError(
            f"{config.app} can only be reached from inside its environment, and this would open it to the Internet; "
            f"if that is meant: `az containerapp ingress update --resource-group {config.resource_group} --name {config.app} --type external`"
        )


class _Run(Run):
    def __init__(self, config: ContainerApp, az: Az, say: Say, probe: Probe) -> None:
        super().__init__(config, az, say, probe)
        self.config, self.calls = config, Calls(config)
        self.production = _CERTAIN

    def look(self) -> Found:
        self.tell("read the current state")
        return look(self.config, self.az)

    def settle(self) -> None:
        """Wait until Azure has carried out what `az rest` only handed in."""
        began = time.monotonic()
        while True:
            state = str(self.az.run(self.calls.read_app())["properties"].get("provisioningState"))
            if state == "Succeeded":
                return
            if state in ("Failed", "Canceled"):
                raise NotReadyError(
                    f"Azure could not carry it out: the app is {state!r}; the portal's activity log says why"
                )
            if time.monotonic() - began > self.config.start_limit_seconds + PULL_SECONDS:
                raise NotReadyError(
                    f"the app is still {state!r} after {time.monotonic() - began:.0f} s; run this again later"
                )
            time.sleep(running.POLL_SECONDS)

    def carry_out(self, call: Call) -> None:
        self.step(call)
        if call.writes and call.argv[0] == "rest" and "/authConfigs/" not in " ".join(call.argv):
            self.settle()

    def ready(self, one: Revision) -> None:
        """Wait until a revision answers under its own host."""
        config = self.config
        logs = f"az containerapp logs show --resource-group {config.resource_group} --name {config.app} --revision {one.name} --tail 100"
        self.wait(one.name, one.host, config.start_limit_seconds + PULL_SECONDS, logs)

    def move(self, call: Call) -> None:
        self.production = _UNCERTAIN
        self.step(call)
        self.production = "the traffic was moved; `slipway deploy status` shows where"

    def check(self, name: str) -> None:
        """Read the app again, and report its address."""
        app = self.look().app
        if app is None or app.serving is None or (app.serving.name, app.serving.weight) != (name, 100):
            there = app.serving.name if app and app.serving else "no revision"
            raise NotReadyError(f"{there} has the traffic, expected {name}; run `slipway deploy status`")
        self.tell(f"production runs {app.serving.image.partition('@')[2]}: https://{app.host}/")


def apply(
    config: ContainerApp,
    az: Az,
    say: Say = print,
    probe: Probe = https_status,
    check: Check = check_before_writing,
) -> None:
    """Bring Azure to what the config says; no writing call if nothing differs.

    Parameters
    ----------
    config : ContainerApp
    az : Az
    say : callable, default=print
        Called with each line of progress.
    probe : callable, optional
        Requests an https address and returns its status.
    check : callable, optional
        Called before the first writing call; raises to prevent it.

    Raises
    ------
    RefusedError
        If the app is not as this config may change it; nothing was changed then.
    StoppedError
        At the first failure, with what had been done before it.
    """
    run = _Run(config, az, say, probe)
    for line in notes(config):
        say(line)
    stopping(run, lambda: _apply(run, check))


def _apply(run: _Run, check: Check) -> None:
    found = run.look()
    refuse(run.config, found)
    for line in by_hand(run.config, found):
        run.tell(f"set by hand: {line}")
    todo = needed(run.config, found)
    if not todo:
        run.tell("revision and settings are up to date; nothing to do")
        return
    check(run.config, run.az, todo, run.tell)
    name = revision(run.config, found.kept)
    for call in todo:
        if call == run.calls.traffic(name):
            app = run.look().app
            made = app.named(name) if app else None
            if made is None:
                raise NotReadyError(f"the revision {name} is not there, although it was made; run this again")
            run.ready(made)
            run.move(call)
            continue
        run.carry_out(call)
        if call.gives == "REGISTRY_ID":
            run.note_password(run.calls.read_registry())
    run.check(name)


def rollback(config: ContainerApp, az: Az, say: Say = print, probe: Probe = https_status) -> None:
    """Send all traffic back to the revision that had it before.

    Parameters
    ----------
    config : ContainerApp
    az : Az
    say : callable, default=print
        Called with each line of progress.
    probe : callable, optional
        Requests an https address and returns its status.

    Raises
    ------
    RefusedError
        If there is no such revision; nothing was changed then.
    StoppedError
        At the first failure, with what had been done before it.
    """
    run = _Run(config, az, say, probe)
    stopping(run, lambda: _rollback(run))


def _rollback(run: _Run) -> None:
    serving, before = _way_back(run.config, run.look())
    run.tell(f"traffic: {serving.name} → {before.name}, with its settings")
    if not before.active:
        run.step(run.calls.activate(before.name))
    run.ready(before)
    run.move(run.calls.traffic(before.name))
    run.step(run.calls.note("none"))
    if run.config.instances.min:
        run.step(run.calls.deactivate(serving.name))
    run.check(before.name)
    if run.config.image != before.image:
        run.tell(f"the config still names {run.config.digest}: until it is changed, `apply` deploys that again")


def _way_back(config: ContainerApp, found: Found) -> tuple[Revision, Revision]:
    """The revision that has the traffic, and the one that had it before."""
    if found.app is None or found.app.serving is None:
        raise RefusedError(
            f"there is no app {config.app} with traffic, so there is nothing to roll back to; `apply` creates it"
        )
    serving = found.app.serving
    before = found.app.named(found.app.previous)
    if before is None or before.name == serving.name:
        raise RefusedError(
            f"no revision before {serving.name} is noted (after a first deployment, or after a rollback); "
            "to go back further, write an earlier digest into the config and run `apply`"
        )
    if not before.image.startswith(f"{config.repository}@"):
        raise RefusedError(f"{before.name} runs {before.image}, no version of {config.repository}; nothing was changed")
    return serving, before


def status(config: ContainerApp, az: Az, say: Say = print) -> None:
    """Report the revisions, which has the traffic, what was set by hand, and what differs from the config.

    Parameters
    ----------
    config : ContainerApp
    az : Az
    say : callable, default=print
        Called with each line.
    """
    say(access_says(config))
    found = look(config, az)
    if not found.environment:
        say(f"environment {config.environment}: does not exist; `slipway deploy apply` creates it")
    if found.app is None:
        say(f"app {config.app}: does not exist; `slipway deploy apply` creates it")
        return
    say(f"app: https://{found.app.host}/ {found.app.state}")
    for one in found.app.revisions:
        if one.active or one.weight or one.name == found.app.previous:
            marks = ", the way back" if one.name == found.app.previous else ""
            active = "active" if one.active else "inactive"
            say(
                f"revision {one.name}: {one.weight} % of the traffic, {active} {one.state}, {one.image.partition('@')[2]}{marks}"
            )
    for line in (*differences(found.app.shared, wanted_shared(config)), *template_differences(config, found)):
        say(f"  differs: {line}")
    for line in by_hand(config, found):
        say(f"  set by hand: {line}")
