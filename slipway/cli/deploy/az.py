"""One call of `az`: its arguments, what it does in a sentence, and what its failure means.

Calls are made without a shell, one process each. Nothing is retried here beyond what `az`
itself retries: every call may be repeated, so the user runs `apply` again as a whole.
"""

import contextlib
import itertools
import json
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError

ONE_CALL_SECONDS = 1800
"""After this a call is given up. The longest is a swap, which waits until the slot is warm."""

_LATER = re.compile(r"\{([A-Z_]+)\}")
_MISSING = re.compile(
    # The code stands first, in one of two ways: as the commands print it, and as `az rest` does.
    r"""(\(|Not\ Found\(\{\s*"error":\s*\{\s*"code":\s*")(Parent)?Resource(Group)?NotFound\b"""
    # What `az webapp show` says of an app that is not there, in azure-cli's own words.
    r"""|Unable\ to\ find\ resource'[^']*',\ in\ ResourceGroup\ '[^']*'\.$""",
    re.X,
)
"""How messages begin that mean "does not exist"; others, such as SubscriptionNotFound, leave it unknown."""


@dataclass(frozen=True)
class Call:
    """One call of `az`.

    `argv` starts after `az`. `{NAME}` in it is replaced by what an earlier call printed, which
    that call names in `gives`. What `hides` names is not shown in a line.
    """

    argv: tuple[str, ...]
    does: str
    writes: bool = True
    gives: str | None = None
    hides: tuple[str, ...] = ()

    def line(self) -> str:
        """The call as a line for a POSIX shell, with `$NAME` for what an earlier line printed."""
        words = (_LATER.sub(r'"$\1"', word) if _LATER.search(word) else shlex.quote(word) for word in self.argv)
        line = f"az {' '.join(words)}"
        for value in self.hides:
            line = line.replace(value, ': "…"')
        return f"{self.gives}=$({line})" if self.gives else line

    def filled(self, values: Mapping[str, str]) -> list[str]:
        """The arguments with the placeholders filled in.

        Parameters
        ----------
        values : mapping of str to str
            What earlier calls printed, by name.

        Returns
        -------
        list of str
        """
        return [_LATER.sub(lambda name: values[name[1]], word) if _LATER.search(word) else word for word in self.argv]


_PLAIN = re.compile(r"[A-Za-z0-9 _./:=,{}+-]*")
"""Arguments that cmd.exe, which runs `az.cmd` on Windows, passes on as they are."""


@contextlib.contextmanager
def _through_files(argv: Sequence[str]) -> Iterator[list[str]]:
    """The arguments, with each that holds more than plain characters replaced by `@FILE`, which `az` reads.

    Quotes, `|`, `&` and `%` of an argument mean something else to cmd.exe; what stands in a file
    means what it says. It is done everywhere, so that the tests run what Windows runs, and no
    setting of an app is seen in the list of processes.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:

        def given(number: int, word: str) -> str:
            if _PLAIN.fullmatch(word):
                return word
            file = Path(folder) / f"argument-{number}"
            file.write_text(word, encoding="utf-8", newline="")
            return f"@{file}"

        yield [given(number, word) for number, word in enumerate(argv)]


class CallError(SlipwayError):
    """A call of `az` failed. The text says which, with the message of `az`, and what to do."""

    def __init__(self, call: Call, words: str) -> None:
        self.call, self.words = call, words
        name = " ".join(itertools.takewhile(lambda word: not word.startswith("-"), call.argv))
        super().__init__(f"`az {name}` failed ({call.does})\n  az says: {words}\n  what to do: {remedy(words)}")

    @property
    def missing(self) -> bool:
        """Whether what was requested does not exist."""
        return bool(_MISSING.match(self.words))


_REMEDIES = (
    (
        r"quota|\bCurrent Limit\b",
        "the subscription may have no more plans of this size in this region: ask for quota in the portal "
        "(Quotas, App Service), or choose another `sku` or `location` in the config; then run this again",
    ),
    (
        r"MissingSubscriptionRegistration|not registered to use namespace|NoRegisteredProviderFound",
        "the subscription does not know this kind of resource yet: `az provider register --wait --namespace "
        "Microsoft.Web`, likewise Microsoft.ManagedIdentity and Microsoft.ContainerRegistry; then run this again",
    ),
    (
        r"az login|AADSTS|no subscription|SubscriptionNotFound|Subscription '?.*'? not found|not logged in|refresh token",
        "run `az login`, and `az account show` to see that it is the subscription of the config; then run this again",
    ),
    (
        r"AuthorizationFailed|Forbidden|\b403\b|does not have authorization",
        "your account lacks a role: Contributor on the resource group, and for the role assignment Owner or "
        "Role Based Access Control Administrator on the registry; `az role assignment list` shows what it has. "
        "Then run this again",
    ),
    (
        r"name.*(not available|already (exists|taken|in use))|globally unique|Unable to retrieve details of the existing app",
        "the name is taken by somebody else: choose another `app` in the config, then run this again",
    ),
    (
        r"Conflict|\b409\b|another operation|in progress",
        "another operation is in progress, perhaps another deployment: wait until it has finished, then run this again",
    ),
    (
        r"asuid|TXT record|CNAME|custom ?domain|Hostname .* (not registered|verif)|InvalidCustomHostNameValidation",
        "the DNS records of `custom_domain` are not there yet: make those that `slipway deploy plan` prints, wait until "
        "they are known (some minutes, at most a day), then run this again",
    ),
    (r"TooManyRequests|Too Many Requests|\b429\b|throttl", "too many requests: {wait}, then run this again"),
    (
        r"Connection (aborted|reset|broken|refused)|RemoteDisconnected|Max retries|timed? ?out|getaddrinfo|Failed to resolve|EOF occurred",
        "the connection failed: check that this machine can reach Azure, then run this again; it starts over",
    ),
    (
        r"was not found|NotFound|could not be found",
        "it does not exist: compare the names in the config with `az resource list`",
    ),
)


def remedy(words: str) -> str:
    """What to do about a failure.

    Parameters
    ----------
    words : str
        What `az` printed on stderr.

    Returns
    -------
    str
        Empty if the failure is not known.
    """
    for pattern, advice in _REMEDIES:
        if re.search(pattern, words, re.I | re.S):
            named = re.search(r"(?:retry|try again) after '?(\d+)'? ?(second|minute)?", words, re.I)
            wait = f"wait {named[1]} {named[2] or 'second'}s" if named else "wait a few minutes"
            return advice.replace("{wait}", wait)
    return "put right what az says, then run this again; it starts over"


_NOISE = ("WARNING", "Tip:", "File ", "Traceback", "To check", "Code: ", "Message: ")
"""How lines begin that say nothing, or again what the first line said."""


def _shortened(text: str, limit: int = 400) -> str:
    """What `az` printed on stderr as one line, without its tips and tracebacks."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not line.startswith(_NOISE)]
    words = re.sub(r"^ERROR: ", "", " ".join(dict.fromkeys(kept))) or "nothing"
    return words if len(words) <= limit else words[: limit - 1] + "…"


class Az:
    """Runs calls with the `az` at `program`, and remembers what they print for later ones."""

    def __init__(self, program: str = "az") -> None:
        self.program = program
        self.values: dict[str, str] = {}

    def run(self, call: Call) -> Any:
        """Run a call.

        Parameters
        ----------
        call : Call

        Returns
        -------
        JSON value or None
            What the call printed; None if it writes and printed nothing.

        Raises
        ------
        CallError
            If `az` cannot be started, takes longer than `ONE_CALL_SECONDS`, fails, or does not print
            JSON where something is read.
        """
        options = ["--only-show-errors"] if call.gives else ["--only-show-errors", "--output", "json"]
        done = self._started(call, options)
        if done.returncode:
            raise CallError(call, _shortened(done.stderr))
        if call.gives:
            self.values[call.gives] = done.stdout.strip()
            if not self.values[call.gives]:
                raise CallError(call, "nothing, where a value was expected")
            return self.values[call.gives]
        try:
            printed = json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError as exc:
            raise CallError(call, f"{_shortened(done.stdout)} (no JSON, where JSON was expected)") from exc
        if printed is None and not call.writes:
            raise CallError(call, "nothing, where JSON was expected")
        return printed

    def text(self, argv: tuple[str, ...]) -> str:
        """What `az ARGV` prints, as it is; it may change nothing.

        Raises
        ------
        CallError
            If it fails.
        """
        call = Call(argv, "read its help", writes=False)
        done = self._started(call, [])
        if done.returncode:
            raise CallError(call, _shortened(done.stderr))
        return done.stdout

    def _started(self, call: Call, options: list[str]) -> "subprocess.CompletedProcess[str]":
        # On Windows the program is `az.cmd`, which only `which` finds by the name `az`.
        program = shutil.which(self.program) or self.program
        try:
            with _through_files(call.filled(self.values)) as arguments:
                return subprocess.run(  # noqa: S603 (a list, no shell)
                    [program, *arguments, *options],
                    capture_output=True,
                    encoding="utf-8",
                    errors="replace",
                    timeout=ONE_CALL_SECONDS,
                    stdin=subprocess.DEVNULL,
                )
        except OSError as exc:
            raise AzMissingError(call, self.program, exc) from exc
        except subprocess.TimeoutExpired as exc:
            raise CallError(call, f"no end after {ONE_CALL_SECONDS} seconds (timed out)") from exc

    def find(self, call: Call) -> Any:
        """What a call printed; None if what it requests does not exist.

        Raises
        ------
        CallError
            If it fails for any other reason.
        """
        try:
            return self.run(call)
        except CallError as exc:
            if exc.missing:
                return None
            raise


class AzMissingError(CallError):
    """There is no `az` to run."""

    def __init__(self, call: Call, program: str, exc: OSError) -> None:
        SlipwayError.__init__(
            self,
            f"{program!r} cannot be run ({exc.strerror}); install the Azure CLI, "
            "or name one: --az PATH (`pip install 'slipway-ml[azure]'` installs the tested one)",
        )
        self.call, self.words = call, str(exc.strerror)
