"""Who may log in, as the settings have it; and who has logged in, for the middleware that asks."""

import logging
import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from slipway.errors import SlipwayError
from slipway.service.access import callers
from slipway.service.access.callers import Caller
from slipway.service.forwarded import Networks, peer_of
from slipway.service.login.oidc import Provider, allowed_by
from slipway.service.login.origin import is_cross_origin
from slipway.service.login.passwords import PasswordFile
from slipway.service.login.secrets import SESSION_SECRET, new_secret, session_secrets
from slipway.service.login.sessions import PASSWORD, Cookies, Session
from slipway.service.settings import PREFIX, Settings

log = logging.getLogger("bentoml")

PERSON = frozenset({callers.Scope.PREDICT})
"""What somebody may do who has logged in."""
OPERATOR = frozenset(callers.Scope)
"""What those may do whom SLIPWAY_OPERATORS names."""


class Login:
    """The ways to log in at this server: the password file, the provider, or both.

    It is an `Authenticator`: whoever has logged in is known by their cookie.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    SlipwayError
        If they cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.public_url = settings.public_url
        address = urlsplit(settings.public_url)
        path = f"{address.path.rstrip('/')}/" if settings.public_url else None
        self.cookies = Cookies(_secrets(settings), settings.session_minutes, path, address.scheme == "https")
        self.passwords = PasswordFile(Path(settings.password_file)) if settings.password_file else None
        self.provider = Provider(settings) if settings.oidc_issuer else None
        self._operators = settings.operators

    def __str__(self) -> str:
        ways = [f"with a password of {self.passwords.path}"] if self.passwords else []
        ways += [f"at {self.provider.issuer}"] if self.provider else []
        return ", or ".join(ways)

    def session(self, scope: Scope) -> Session | None:
        """The session of a request, if what let its person in still does."""
        session = self.cookies.session(scope)
        if session is None:
            return None
        if session.kind == PASSWORD:
            is_in = self.passwords is not None and self.passwords.mark(session.name) == session.mark
        else:
            is_in = self.provider is not None and self.provider.is_allowed(session)
        return session if is_in else None

    def caller(self, scope: Scope) -> Caller | None:
        """Who has logged in; nobody for a call that a page of another site makes."""
        session = self.session(scope)
        if session is None or is_cross_origin(scope, self.public_url):
            return None
        return Caller(session.name, self._scopes(session), "login")

    def _scopes(self, session: Session) -> frozenset[callers.Scope]:
        """What somebody may do, as file and settings have it now."""
        if session.kind == PASSWORD and self.passwords:
            return self.passwords.scopes(session.name)
        return OPERATOR if session.operator in self._operators else PERSON

    def sign_in(self, scope: Scope) -> Response:
        """Sends a browser to the login, which leads back to what it asked for."""
        return RedirectResponse(f"/login?next={quote(requested(scope), safe='/')}", 303, {"Cache-Control": "no-store"})


def requested(scope: Scope) -> str:
    """The path and query of a request as the login is told them: without the slash at the beginning."""
    query = scope["query_string"].decode("latin-1")
    return str(scope["path"]).lstrip("/") + (f"?{query}" if query else "")


class UserHeader:
    """An `Authenticator`: a proxy that is trusted has asked who it is, and says so in a header.

    From anybody else the header is taken off the request, so that nothing can believe it.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    SlipwayError
        If everybody would be believed.
    """

    def __init__(self, settings: Settings) -> None:
        if "*" in settings.trusted_proxies:
            raise SlipwayError(
                "SLIPWAY_USER_HEADER is set, and SLIPWAY_TRUSTED_PROXIES is *, so that anybody could name themselves anybody; "
                "give the addresses of the proxies, such as 10.0.0.0/8"
            )
        self._name = settings.user_header
        self._trusted = Networks(settings.trusted_proxies)
        self._operators = settings.operators
        self._public_url = settings.public_url

    def caller(self, scope: Scope) -> Caller | None:
        """Whom the proxy names; nobody if it names none or several, or for a call of another site's page."""
        named = Headers(scope=scope).getlist(self._name)
        if not named:
            return None
        if peer_of(scope) not in self._trusted:
            wanted = self._name.encode()
            scope["headers"] = [item for item in scope["headers"] if item[0].lower() != wanted]
            return None
        name = "".join(filter(str.isprintable, named[0])).strip()[:200]
        if len(named) > 1 or not name or is_cross_origin(scope, self._public_url):
            return None
        is_operator = allowed_by({"email": name}, self._operators, "") is not None
        return Caller(name, OPERATOR if is_operator else PERSON, "proxy")


def login_of(settings: Settings) -> Login | None:
    """The login of a server; None if nobody can log in at it.

    Raises
    ------
    SlipwayError
        If a setting is there that does nothing, or one is missing.
    """
    if settings.operators and not (settings.oidc_issuer or settings.user_header):
        raise SlipwayError(
            "SLIPWAY_OPERATORS is set, and neither SLIPWAY_OIDC_ISSUER nor SLIPWAY_USER_HEADER; of people with a password, "
            "`slipway passwords add NAME --scope predict --scope operate` says who may operate"
        )
    if settings.password_file or settings.oidc_issuer:
        return Login(settings)
    stray = [name for name in ("oidc_client_id", "oidc_allowed", "oidc_client_secret", "oidc_client_secret_file")]
    for name in filter(lambda name: getattr(settings, name), stray):
        raise SlipwayError(f"{PREFIX}{name.upper()} is set, and SLIPWAY_OIDC_ISSUER is missing; see docs/access.md")
    return None


def _secrets(settings: Settings) -> list[str]:
    """The secrets of the settings, or one that the processes started from this one share."""
    if found := session_secrets(settings.session_secret, settings.session_secret_file):
        return found
    os.environ[SESSION_SECRET] = new_secret()
    log.warning(
        "sessions are signed with a secret of this start: after a restart everybody logs in again, and replicas do not know "
        "each other's; set SLIPWAY_SESSION_SECRET_FILE (`openssl rand -hex 32`)"
    )
    return session_secrets(os.environ[SESSION_SECRET], "")
