"""The cookie of somebody who has logged in: signed, so that any worker of any replica with the secret can check it.

Nothing is kept in the server. A session ends when its time is over, when the person logs out in that browser, or when
what let them in is gone: the line of the password file, or the entry of SLIPWAY_OIDC_ALLOWED.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

SESSION = "slipway_session"
ATTEMPT = "slipway_login"
"""The cookie of a login that has been sent to the provider and is not back yet."""
ID_TOKEN = "slipway_id_token"  # noqa: S105 (the name of a cookie)
"""What the provider is shown when its session is to be ended, too; sent to `/logout` alone."""
PASSWORD, OIDC = "password", "oidc"


@dataclass(frozen=True)
class Session:
    """Who has logged in.

    Parameters
    ----------
    name : str
    kind : str
        `password` or `oidc`.
    mark : str
        What let them in: the fingerprint of a password's hash, or an entry of SLIPWAY_OIDC_ALLOWED.
    operator : str, default=""
        The entry of SLIPWAY_OPERATORS by which they may operate; for a password, the file says it.
    """

    name: str
    kind: str
    mark: str
    operator: str = ""


class Cookies:
    """Signs and reads our cookies.

    Parameters
    ----------
    secrets : sequence of str
        The last one signs, all are accepted.
    minutes : int
        How long a session lasts.
    path : str, optional
        The path of SLIPWAY_PUBLIC_URL; without it, a browser takes the folder of the address that set the cookie.
    secure : bool, default=False
        Whether a browser reaches the server by TLS, whatever a request says of it.
    clock : callable, optional
        Seconds since 1970.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        minutes: int,
        path: str | None = None,
        secure: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._signers = {
            name: URLSafeSerializer(list(secrets), salt=name, signer_kwargs=options) for name in (SESSION, ATTEMPT)
        }
        self.seconds = 60 * minutes
        self._path = path
        self._secure = secure
        self._clock = clock

    def session(self, scope: Scope) -> Session | None:
        """The session of a request; None without one, or if it is over or was tampered with."""
        content = self._content(scope, SESSION)
        try:
            return Session(**content) if content else None
        except TypeError:  # signed by a Slipway that writes other sessions
            return None

    def attempt(self, scope: Scope) -> dict[str, Any] | None:
        """What was kept of the login that is coming back from the provider."""
        return self._content(scope, ATTEMPT)

    def set_session(self, scope: Scope, response: Response, session: Session) -> None:
        """Let a response log its browser in."""
        self._set(scope, response, SESSION, vars(session), self.seconds)

    def set_attempt(self, scope: Scope, response: Response, content: dict[str, Any], seconds: int) -> None:
        """Keep in the browser what is needed when it comes back from the provider."""
        self._set(scope, response, ATTEMPT, content, seconds)

    def set_text(self, scope: Scope, response: Response, name: str, text: str, path: str) -> None:
        """Set a cookie that is not signed, for as long as a session."""
        self._put(scope, response, name, text, self.seconds, path)

    def remove(self, scope: Scope, response: Response, name: str, path: str | None = None) -> None:
        """Let a browser forget a cookie."""
        self._put(scope, response, name, "", 0, path)

    def _set(self, scope: Scope, response: Response, name: str, content: dict[str, Any], seconds: int) -> None:
        ends = int(self._clock()) + seconds
        signed = self._signers[name].dumps([ends, content])
        self._put(scope, response, name, str(signed), seconds)

    def _put(
        self, scope: Scope, response: Response, name: str, value: str, seconds: int, path: str | None = None
    ) -> None:
        secure = self._secure or is_encrypted(scope)
        response.set_cookie(name, value, seconds, path=path or self._path, secure=secure, httponly=True, samesite="lax")

    def _content(self, scope: Scope, name: str) -> dict[str, Any] | None:
        """The content of the first cookie of that name that is ours: another server's below the same host may be sent, too."""
        for value in cookies(scope, name):
            try:
                ends, content = self._signers[name].loads(value)
            except (BadSignature, ValueError, TypeError):
                continue
            if ends > self._clock() and isinstance(content, dict):
                return content
        return None


def cookies(scope: Scope, name: str) -> Iterator[str]:
    """The values of all cookies of that name."""
    for header in Headers(scope=scope).getlist("cookie"):
        for part in header.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                yield value.strip('"')


def is_encrypted(scope: Scope) -> bool:
    """Whether a browser's own connection is TLS, as far as the request or its proxy says.

    Anybody may send the header; it only makes a browser keep its own cookie to TLS.
    """
    return scope.get("scheme") == "https" or Headers(scope=scope).get("x-forwarded-proto", "").lower() == "https"
