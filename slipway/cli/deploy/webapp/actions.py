"""`apply`, `rollback` and `status` of a Web App."""

from slipway.cli.deploy.az import Az
from slipway.cli.deploy.compare import differences
from slipway.cli.deploy.config import WebApp
from slipway.cli.deploy.preflight import Check, check_before_writing
from slipway.cli.deploy.run import NotReadyError, Probe, RefusedError, Run, Say, https_status, stopping
from slipway.cli.deploy.settings import SECRETS
from slipway.cli.deploy.webapp.calls import Calls
from slipway.cli.deploy.webapp.content import access_says
from slipway.cli.deploy.webapp.state import (
    Found,
    Site,
    image_of,
    look,
    needed,
    wanted_moves,
    wanted_stays,
)
from slipway.service.settings import PREFIX

_CERTAIN = "not swapped: it runs what it ran before"
_UNCERTAIN = (
    "whether it was swapped is not certain, and a swap that has begun may go on in Azure: "
    "`slipway deploy status` shows its image"
)
_STOPPED = (
    "has no slot, so it is down or starting with the new image: `slipway deploy status` shows it; "
    "run this again, or `slipway deploy rollback` for the image before"
)


def notes(config: WebApp) -> list[str]:
    """What is given up with this config, and what has to be there outside Azure; a line each."""
    lines = [access_says(config)]
    if not config.staging:
        lines.append(
            "slot: none: no staging slot and no swap. A new image or setting stops the app until it has been pulled and "
            "answers; one that never answers leaves the app down; `rollback` puts back the digest before, also with a pause"
        )
    if config.sku == "F1":
        lines.append(
            "sku: F1: no health check, no Always On (the first caller after some idle minutes waits for a start), no domain "
            "of your own, 60 minutes of CPU a day, 1 GB of memory: to try it out"
        )
    if config.custom_domain:
        lines.append(
            f"custom_domain: first make two DNS records: CNAME {config.custom_domain} → the app's host (`status` shows it), and "
            f"TXT asuid.{config.custom_domain} → what `az webapp show --query customDomainVerificationId` prints for it"
        )
    return lines


def by_hand(config: WebApp, found: Found) -> list[str]:
    """What somebody set by hand on production: a line each. Values of what may be a secret are not shown."""
    if not found.production:
        return []
    settings = found.production.settings
    lines = []
    for name in found.set_by_hand(config):
        shown = f"={settings[name]}" if name.startswith(PREFIX) and name not in SECRETS else ""
        lines.append(
            f"app setting {name}{shown}: not in the config; it is kept, also by a swap (settings: takes it over)"
        )
    for host in found.production.hosts:
        if host != config.custom_domain:
            lines.append(f"domain {host}: not in the config; it is kept")
    if config.instances is None and (found.workers > 1 or found.scaling["enabled"]):
        how = "scaled by a rule" if found.scaling["enabled"] else "set"
        lines.append(f"instances: {found.workers}, {how} by hand; it is kept (instances: takes it over)")
    return lines


def refuse(config: WebApp, found: Found) -> None:
    """Refuse what no call here may change.

    Raises
    ------
    RefusedError
        If the app is on another plan, or has slots although the config says that there is none.
    """
    if found.production and found.production.plan.lower() not in ("", config.plan_id.lower()):
        raise RefusedError(
            f"plan: found {config.plan!r} in the group {config.resource_group!r}, but {config.app} runs on {found.production.plan!r}; "
            "no app is moved to another plan here; write its name into the config, if it is in the same group"
        )
    if found.slots:
        raise RefusedError(
            f"slot: found none, but {config.app} has the slot {', '.join(found.slots)}; write `slot: {found.slots[0]}`, or delete it: "
            f"`az webapp deployment slot delete --resource-group {config.resource_group} --name {config.app} --slot {found.slots[0]}`"
        )


class _Run(Run):
    def __init__(self, config: WebApp, az: Az, say: Say, probe: Probe) -> None:
        super().__init__(config, az, say, probe)
        self.config, self.calls = config, Calls(config)
        self.production = _CERTAIN if config.staging else self.production

    def look(self) -> Found:
        self.tell("read the current state")
        return look(self.config, self.az)

    def ready(self, host: str) -> None:
        """Wait until what gets an image first is ready."""
        config, slot = self.config, f" --slot {self.config.slot}" if self.config.staging else ""
        logs = f"az webapp log tail --resource-group {config.resource_group} --name {config.app}{slot}"
        self.wait(config.staging or "the app", host, config.start_limit_seconds, logs)

    def host(self, slot: str | None) -> str:
        return str(self.az.run(self.calls.read_site(slot))["defaultHostName"])

    def swap(self, image: str) -> None:
        """Exchange staging and production, if the slot still holds the image that was found ready.

        Raises
        ------
        NotReadyError
            If it holds another one: somebody else staged it in the meantime.
        """
        self.tell(f"read {self.config.slot} again")
        there = image_of(self.az.run(self.calls.read_site(self.config.slot)))
        if there != image:
            raise NotReadyError(
                f"{self.config.slot} holds {there or 'no image'}, expected {image}: somebody else changed it "
                "meanwhile, perhaps another deployment; wait until that has ended, then run this again"
            )
        self.production = _UNCERTAIN
        self.step(self.calls.swap())
        self.production = "swapped; `slipway deploy status` shows its image"

    def check(self, image: str) -> None:
        """Read production again, and report its address."""
        self.tell("read production")
        shown = self.az.run(self.calls.read_site(None))
        if image_of(shown) != image:
            raise NotReadyError(
                f"production runs {image_of(shown) or 'no image'}, expected {image}; run `slipway deploy status`"
            )
        self.tell(f"production runs {image.partition('@')[2]}: https://{shown['defaultHostName']}/")


def apply(
    config: WebApp,
    az: Az,
    say: Say = print,
    probe: Probe = https_status,
    check: Check = check_before_writing,
) -> None:
    """Bring Azure to what the config says; no writing call if nothing differs.

    Parameters
    ----------
    config : WebApp
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
        run.tell("image and settings are up to date; nothing to do")
        if not run.config.staging:
            run.ready(run.host(None))
        return
    check(run.config, run.az, todo, run.tell)
    for call in todo:
        if run.config.staging and call == run.calls.swap():
            run.ready(run.host(run.config.slot))
            run.swap(run.config.image)
            continue
        if not run.config.staging and call == run.calls.stop(None):
            run.production = _STOPPED
        run.step(call)
        if call.gives == "REGISTRY_ID":
            run.note_password(run.calls.read_registry())
    if not run.config.staging:
        run.ready(run.host(None))
    run.check(run.config.image)


def rollback(config: WebApp, az: Az, say: Say = print, probe: Probe = https_status) -> None:
    """Go back to the image that production ran before: by a swap, or without a slot by its digest.

    Parameters
    ----------
    config : WebApp
    az : Az
    say : callable, default=print
        Called with each line of progress.
    probe : callable, optional
        Requests an https address and returns its status.

    Raises
    ------
    RefusedError
        If there is no such image; nothing was changed then.
    StoppedError
        At the first failure, with what had been done before it.
    """
    run = _Run(config, az, say, probe)
    stopping(run, lambda: _swap_back(run) if config.staging else _put_back(run))


def _swap_back(run: _Run) -> None:
    found = run.look()
    production, staging = _way_back(run.config, found)
    run.tell(f"production: {production.digest or production.image} → {staging.digest}")
    _say_what_stays(run, production, staging)
    if staging.state != "Running":
        run.step(run.calls.start(run.config.slot))
    run.ready(staging.host)
    run.swap(staging.image)
    if production.state != "Running":
        run.step(run.calls.start(None))
    run.check(staging.image)
    _still_named(run, staging.image)


def _say_what_stays(run: _Run, production: Site, staging: Site) -> None:
    """Settings move with their image: say which of them production will have no longer, or otherwise."""
    names = sorted(
        name
        for name in {*production.settings, *staging.settings}
        if production.settings.get(name) != staging.settings.get(name)
    )
    if names:
        run.tell(f"note: settings go back with the image: {', '.join(names)}")


def _put_back(run: _Run) -> None:
    found = run.look()
    refuse(run.config, found)
    production = found.production
    if production is None:
        raise RefusedError(_NOTHING.format(what="app", app=run.config.app))
    image = f"{run.config.repository}@{production.previous}"
    if not production.previous.startswith("sha256:") or not production.image.startswith(f"{run.config.repository}@"):
        raise RefusedError(
            f"production runs {production.image or 'no image'}, and no image of {run.config.repository} before it is noted; "
            "to go back, write an earlier digest into the config and run `apply`"
        )
    if production.previous == production.digest:
        raise RefusedError(
            f"production runs {production.digest}, the image before the last; there is nothing to roll back to"
        )
    run.tell(f"production: {production.digest} → {production.previous}; the settings stay as they are")
    run.production = _STOPPED
    calls = run.calls
    for call in (calls.stop(None), calls.put_image(image), calls.forget_previous(), calls.start(None)):
        run.step(call)
    run.ready(production.host)
    run.check(image)
    _still_named(run, image)


def _still_named(run: _Run, image: str) -> None:
    if run.config.image != image:
        run.tell(f"the config still names {run.config.digest}: until it is changed, `apply` deploys that again")


_NOTHING = "there is no {what} of {app}, so there is nothing to roll back to; `apply` creates it"


def _way_back(config: WebApp, found: Found) -> tuple[Site, Site]:
    """Production and staging, if a swap leads back."""
    production, staging = found.production, found.staging
    if production is None or staging is None:
        what = "app" if production is None else f"slot {config.slot}"
        raise RefusedError(_NOTHING.format(what=what, app=config.app))
    if not staging.digest or not staging.image.startswith(f"{config.repository}@"):
        raise RefusedError(
            f"{config.slot} holds {staging.image or 'no image'}, no earlier version of {config.repository}; "
            "to go back, write an earlier digest into the config and run `apply`"
        )
    if staging.digest == production.digest:
        raise RefusedError(
            f"{config.slot} holds {staging.digest}, as production does; there is nothing to roll back to"
        )
    if staging.image == config.image:
        raise RefusedError(
            f"{config.slot} holds {staging.digest}, which the config names: "
            "swapping it in would be a deployment, not a rollback; run `apply`"
        )
    if staging.digest != staging.previous:
        raise RefusedError(
            f"{config.slot} holds {staging.digest}, which is not what production ran before "
            "(it was staged and never swapped in, or swapped out by a rollback); "
            "to run it all the same, write it into the config and run `apply`"
        )
    return production, staging


def status(config: WebApp, az: Az, say: Say = print) -> None:
    """Report what production and staging run, what was set by hand, and what differs from the config.

    Parameters
    ----------
    config : WebApp
    az : Az
    say : callable, default=print
        Called with each line.
    """
    say(access_says(config))
    found = look(config, az)
    sites = [("production", found.production), *([(config.staging, found.staging)] if config.staging else [])]
    for name, site in sites:
        if site is None:
            say(f"{name}: does not exist; `slipway deploy apply` creates it")
            continue
        say(f"{name}: https://{site.host}/ {site.state}, {site.digest or site.image or 'no image'}")
        lines = differences(site.stays, wanted_stays(config))
        if name == "production" and site.state != "Running":
            lines.insert(0, f"state is {site.state!r}, expected 'Running'")
        # Staging holds the version before, so only production is compared in what moves.
        lines += differences(site.moves, wanted_moves(config)) if name == "production" else []
        for line in lines:
            say(f"  differs: {line}")
        for line in by_hand(config, found) if name == "production" else []:
            say(f"  set by hand: {line}")
    if found.sku != config.sku:
        say(f"plan {config.plan}: is {found.sku or 'missing'}, expected {config.sku}")
    if found.slots:
        say(f"slot: found none, but there is {', '.join(found.slots)}")
