"""`apply`, `rollback` and `status`: run the calls, wait for staging, and say what happened.

There is no state file: every run reads what there is. A run that stopped half-way is run
again, and starts over.
"""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from slipway.cli.deploy.az import Az, Call, CallError
from slipway.cli.deploy.config import Addresses, Config
from slipway.cli.deploy.state import Found, Site, differences, image_of, look, needed, wanted_moves, wanted_stays
from slipway.cli.deploy.webapp import Calls, access_says, plan_id
from slipway.errors import SlipwayError

POLL_SECONDS = 5.0
GRACE_SECONDS = 60.0
"""How long 403 is put up with: address rules and a start take a while to reach the front end."""

Probe = Callable[[str], int | str]
"""The HTTP status that a GET of an address has, redirects not followed; 0 without an answer, or why in words."""

Say = Callable[[str], None]


class StoppedError(SlipwayError):
    """A run stopped; the text says why, what was done before, and what is with production."""

    def __init__(self, why: object, done: list[str], production: str) -> None:
        before = "\n    ".join(done) or "nothing"
        super().__init__(f"{why}\n  done before:\n    {before}\n  production: {production}")


class InterruptedRunError(StoppedError):
    """A run was stopped with Ctrl-C. A call that Azure took already may go on there."""


class NotReadyError(SlipwayError):
    """Staging did not become ready."""


class RefusedError(SlipwayError):
    """What was asked for would do harm, or nothing."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow none: where a sign-in leads is no sign that the app is ready."""


def https_status(url: str) -> int | str:
    """The HTTP status of a GET of an https address, by way of HTTPS_PROXY if that is set.

    0 if there is no answer within 30 seconds; a failure of TLS in words.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "slipway-deploy"})  # noqa: S310 (https only)
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code
    except (OSError, http.client.HTTPException) as exc:
        why = getattr(exc, "reason", exc)
        return f"no TLS that can be trusted ({why})" if isinstance(why, ssl.SSLError) else 0


class Run:
    """One run: what it did so far, and since when."""

    def __init__(self, config: Config, az: Az, say: Say, probe: Probe) -> None:
        self.config, self.az, self.say, self.probe = config, az, say, probe
        self.calls = Calls(config)
        self.started = time.monotonic()
        self.done: list[str] = []
        self.swap_is = ""

    def tell(self, text: str) -> None:
        """A line of progress, with the seconds since the start."""
        self.say(f"[{time.monotonic() - self.started:4.0f} s] {text}")

    def look(self) -> Found:
        self.tell("read what there is")
        return look(self.config, self.az)

    def step(self, call: Call) -> None:
        """Run one call and remember it."""
        self.tell(call.does)
        self.az.run(call)
        if call.writes:
            self.done.append(call.does)

    def swap(self, image: str) -> None:
        """Exchange staging and production, if the slot still holds the image that was found ready.

        Raises
        ------
        NotReadyError
            If it holds another one: somebody else staged it meanwhile.
        """
        self.tell(f"read {self.config.slot} again")
        there = image_of(self.az.run(self.calls.read_site(self.config.slot)))
        if there != image:
            raise NotReadyError(
                f"{self.config.slot} holds {there or 'no image'}, expected {image}: somebody else changed it "
                "meanwhile, perhaps another deployment; wait until that has ended, then run this again"
            )
        self.swap_is = "begun"
        self.step(self.calls.swap())
        self.swap_is = "done"

    def note_password(self) -> None:
        """Point out an admin password of the registry."""
        registry = self.az.run(self.calls.read_registry())
        if registry.get("adminUserEnabled"):
            self.tell(
                f"note: the registry {self.config.registry} has an admin password, which nothing here uses; "
                f"`az acr update --name {self.config.registry} --admin-enabled false` removes it"
            )

    def wait(self, host: str, limit_seconds: float) -> None:
        """Return once `https://host/<health path>` answers 200.

        Raises
        ------
        NotReadyError
            If it does not within the limit, or this machine is not let in.
        """
        url = f"https://{host}{self.config.health_path}"
        began = time.monotonic()
        last: int | str | None = None
        refused_since = began
        while (status := self.probe(url)) != 200:
            now = time.monotonic()
            waited = now - began
            # Only 403s in a row count: a start may well answer one among others.
            if status != 403 or last != 403:
                refused_since = now
            if status != last:
                self.tell(f"{url} answers {status or 'nothing'}; waiting, at most {limit_seconds:.0f} s")
                last = status
            if status == 403 and isinstance(self.config.access, Addresses) and now - refused_since > GRACE_SECONDS:
                raise NotReadyError(
                    f"{url} answers 403: this machine's address is not in access.addresses; "
                    "add the address that it has on the Internet (or run this from a machine that has one), then run this again"
                )
            if waited > limit_seconds:
                logs = f"az webapp log tail --resource-group {self.config.resource_group} --name {self.config.app} --slot {self.config.slot}"
                raise NotReadyError(
                    f"{self.config.slot} is not ready after {limit_seconds:.0f} s: {url} answers {status or 'nothing'}, "
                    f"expected 200; read its log with `{logs}`; a larger start_limit_seconds (at most 1800) gives it longer"
                )
            time.sleep(POLL_SECONDS)
        self.tell(f"{url} answers 200")

    def production(self) -> str:
        """What is with production after a failure."""
        if not self.swap_is:
            return "not swapped: it runs what it ran before"
        if self.swap_is == "done":
            return "swapped; `slipway deploy status` shows its image"
        return (
            "whether it was swapped is not certain, and a swap that has begun may go on in Azure: "
            "`slipway deploy status` shows its image"
        )


def _stopping(run: Run, work: Callable[[], None]) -> None:
    try:
        work()
    except (CallError, NotReadyError) as exc:
        raise StoppedError(exc, run.done, run.production()) from exc
    except KeyboardInterrupt as exc:
        why = "stopped by Ctrl-C; the call of that moment may go on in Azure"
        raise InterruptedRunError(why, run.done, run.production()) from exc


def apply(config: Config, az: Az, say: Say = print, probe: Probe = https_status) -> None:
    """Bring Azure to what the config says; no writing call if it is there already.

    Raises
    ------
    RefusedError
        If the app is on another plan than the config names; nothing was changed then.
    StoppedError
        At the first failure, with what was done before it.
    """
    run = Run(config, az, say, probe)
    say(access_says(config))
    _stopping(run, lambda: _apply(run))


def _apply(run: Run) -> None:
    found = run.look()
    if found.production and found.production.plan.lower() not in ("", plan_id(run.config).lower()):
        raise RefusedError(
            f"plan: found {run.config.plan!r} in the group {run.config.resource_group!r}, but {run.config.app} runs on {found.production.plan!r}; "
            "no app is moved to another plan here; write its name into the config, if it is in the same group"
        )
    todo = needed(run.config, found)
    if not todo:
        run.tell("image and settings are as wanted; nothing to do")
        return
    for call in todo:
        if call == run.calls.swap():
            run.wait(_host(run, run.config.slot), run.config.start_limit_seconds)
            run.swap(run.config.image)
            continue
        run.step(call)
        if call.gives == "REGISTRY_ID":
            run.note_password()
    _check(run, run.config.image)


def _host(run: Run, slot: str | None) -> str:
    return str(run.az.run(run.calls.read_site(slot))["defaultHostName"])


def _check(run: Run, image: str) -> None:
    """Read production again, and say where it is."""
    run.tell("read production")
    shown = run.az.run(run.calls.read_site(None))
    if image_of(shown) != image:
        raise NotReadyError(
            f"production runs {image_of(shown) or 'no image'}, expected {image}; run `slipway deploy status`"
        )
    run.tell(f"production runs {image.partition('@')[2]}: https://{shown['defaultHostName']}/")


def rollback(config: Config, az: Az, say: Say = print, probe: Probe = https_status) -> None:
    """Swap back to the image that production ran before.

    Raises
    ------
    RefusedError
        If the slot does not hold the image that production ran before; nothing was changed then.
    StoppedError
        At the first failure, with what was done before it.
    """
    run = Run(config, az, say, probe)
    _stopping(run, lambda: _rollback(run))


def _rollback(run: Run) -> None:
    production, staging = _way_back(run.config, run.look())
    run.tell(f"production: {production.digest or production.image} → {staging.digest}")
    if staging.state != "Running":
        run.step(run.calls.start(run.config.slot))
    run.wait(staging.host, run.config.start_limit_seconds)
    run.swap(staging.image)
    if production.state != "Running":
        run.step(run.calls.start(None))
    _check(run, staging.image)
    if run.config.image != staging.image:
        run.tell(f"the config still names {run.config.digest}: until it is changed, `apply` deploys that again")


def _way_back(config: Config, found: Found) -> tuple[Site, Site]:
    """Production and staging, if a swap is a way back."""
    production, staging = found.production, found.staging
    if production is None or staging is None:
        what = "app" if production is None else f"slot {config.slot}"
        raise RefusedError(f"there is no {what} of {config.app}, so nothing to go back to; `apply` makes it")
    if not staging.digest or not staging.image.startswith(f"{config.repository}@"):
        raise RefusedError(
            f"{config.slot} holds {staging.image or 'no image'}, no earlier version of {config.repository}; "
            "to go back, write an earlier digest into the config and run `apply`"
        )
    if staging.digest == production.digest:
        raise RefusedError(f"{config.slot} holds {staging.digest}, as production does; there is nothing to go back to")
    if staging.image == config.image:
        raise RefusedError(
            f"{config.slot} holds {staging.digest}, which the config names: "
            "to swap it in is a deployment, not a way back; run `apply`"
        )
    if staging.digest != staging.previous:
        raise RefusedError(
            f"{config.slot} holds {staging.digest}, which is not what production ran before "
            "(it was staged and never swapped in, or swapped out by a rollback); "
            "to run it all the same, write it into the config and run `apply`"
        )
    return production, staging


def status(config: Config, az: Az, say: Say = print) -> None:
    """Say what production and staging run, and what of their settings differs from the config."""
    say(access_says(config))
    found = look(config, az)
    for name, site in (("production", found.production), (config.slot, found.staging)):
        if site is None:
            say(f"{name}: not there; `slipway deploy apply` makes it")
            continue
        say(f"{name}: https://{site.host}/ {site.state}, {site.digest or site.image or 'no image'}")
        lines = differences(site.stays, wanted_stays(config))
        if name == "production" and site.state != "Running":
            lines.insert(0, f"state is {site.state!r}, wanted 'Running'")
        # Staging holds the version before, so only production is compared in what moves.
        lines += differences(site.moves, wanted_moves(config)) if name == "production" else []
        for line in lines:
            say(f"  differs: {line}")
    if found.sku != config.sku:
        say(f"plan {config.plan}: is {found.sku or 'not there'}, wanted {config.sku}")
