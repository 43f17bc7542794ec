"""One run of `apply` or `rollback`: run the calls, wait until an address answers, and report what happened.

There is no state file: every run reads what exists. A run that stopped half-way is simply run
again, and starts over.
"""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from slipway.cli.deploy.access import Addresses
from slipway.cli.deploy.az import Az, Call, CallError
from slipway.cli.deploy.config import ContainerApp, WebApp
from slipway.errors import SlipwayError

POLL_SECONDS = 5.0
GRACE_SECONDS = 60.0
"""How long 403 is put up with: address rules and a start take a while to reach the front end."""

Probe = Callable[[str], int | str]
"""The HTTP status that a GET of an address has, redirects not followed; 0 without an answer, or why in words."""

Say = Callable[[str], None]


class StoppedError(SlipwayError):
    """A run stopped; the text says why, what had been done before, and what state production is in."""

    def __init__(self, why: object, done: list[str], production: str) -> None:
        before = "\n    ".join(done) or "nothing"
        super().__init__(f"{why}\n  done before:\n    {before}\n  production: {production}")


class InterruptedRunError(StoppedError):
    """A run was stopped with Ctrl-C. A call that Azure had already accepted may still be carried out."""


class NotReadyError(SlipwayError):
    """What was to be ready did not become ready."""


class RefusedError(SlipwayError):
    """The action would do harm, or nothing."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirects: being sent to a sign-in page does not mean that the app is ready."""


def https_status(url: str) -> int | str:
    """The HTTP status of a GET of an https address, through HTTPS_PROXY if that is set.

    Returns
    -------
    int or str
        0 if there is no answer within 30 seconds; a TLS failure as a text.
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
        return f"the TLS certificate is not trusted ({why})" if isinstance(why, ssl.SSLError) else 0


class Run:
    """One run: what it has done so far, and when it started."""

    def __init__(self, config: WebApp | ContainerApp, az: Az, say: Say, probe: Probe) -> None:
        self.access, self.health_path = config.access, config.health_path
        self.registry = config.registry
        self.az, self.say, self.probe = az, say, probe
        self.started = time.monotonic()
        self.done: list[str] = []
        self.production = "it runs what it ran before"

    def tell(self, text: str) -> None:
        """Print a line of progress, with the seconds since the start."""
        self.say(f"[{time.monotonic() - self.started:4.0f} s] {text}")

    def step(self, call: Call) -> None:
        """Run one call and remember it."""
        self.tell(call.does)
        self.az.run(call)
        if call.writes:
            self.done.append(call.does)

    def note_password(self, registry: Call) -> None:
        """Point out an admin password of the registry, which the call reads."""
        if self.az.run(registry).get("adminUserEnabled"):
            self.tell(
                f"note: the registry {self.registry} has an admin password, which nothing here uses; "
                f"`az acr update --name {self.registry} --admin-enabled false` removes it"
            )

    def wait(self, who: str, host: str, limit_seconds: float, logs: str) -> None:
        """Wait until `https://host/<health path>` answers 200.

        Parameters
        ----------
        who : str
            What answers there, in a word.
        host : str
        limit_seconds : float
        logs : str
            The line that shows its log.

        Raises
        ------
        NotReadyError
            If it does not within the limit, or this machine is not allowed in.
        """
        url = f"https://{host}{self.health_path}"
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
            if status == 403 and isinstance(self.access, Addresses) and now - refused_since > GRACE_SECONDS:
                raise NotReadyError(
                    f"{url} answers 403: this machine's address is not in access.addresses; "
                    "add the address that it has on the Internet (or run this from a machine that has one), then run this again"
                )
            if waited > limit_seconds:
                raise NotReadyError(
                    f"{who} is not ready after {limit_seconds:.0f} s: {url} answers {status or 'nothing'}, "
                    f"expected 200; read its log with `{logs}`; a larger start_limit_seconds (at most 1800) gives it longer"
                )
            time.sleep(POLL_SECONDS)
        self.tell(f"{url} answers 200")


def stopping(run: Run, work: Callable[[], None]) -> None:
    """Do the work of a run.

    Raises
    ------
    StoppedError
        At the first failure, with what had been done before it.
    """
    try:
        work()
    except (CallError, NotReadyError) as exc:
        raise StoppedError(exc, run.done, run.production) from exc
    except KeyboardInterrupt as exc:
        why = "stopped by Ctrl-C; the call of that moment may go on in Azure"
        raise InterruptedRunError(why, run.done, run.production) from exc
