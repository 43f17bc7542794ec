"""Logging in at an OpenID Connect provider: authorization code flow with state, nonce and PKCE, by Authlib.

What is needed when the browser comes back goes with it in a signed cookie, so that any worker can take it. Authlib and
cryptography are imported only where a provider is set: they take half a second and 20 MB.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway.errors import SlipwayError
from slipway.service.login.secrets import read_private
from slipway.service.login.sessions import OIDC, Session
from slipway.service.settings import PREFIX, Settings

log = logging.getLogger("bentoml")

LEEWAY = 120
"""Seconds by which the clocks of server and provider may differ."""
TIMEOUT = 5.0
"""Seconds for one answer of the provider."""
FRESH = 3600.0
"""Seconds after which the provider is asked again where its endpoints are."""
ALGORITHMS = frozenset("RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split())
"""Signatures of ID tokens that are accepted: with a key that only the provider has."""
GOOGLE = "https://accounts.google.com"
EVERYBODY = "*"
GROUP = "group:"


class LoginError(Exception):
    """Somebody could not be logged in: the key of a text of the catalogues, its values, and the status of the answer."""

    def __init__(self, key: str, status: int, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.values = values


@dataclass(frozen=True)
class Attempt:
    """A login that is on its way: where the browser is sent, and what has to be known when it is back."""

    url: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """One OpenID Connect provider, as the settings have it.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    SlipwayError
        If a setting is missing or wrong; the provider itself is not asked.
    """

    def __init__(self, settings: Settings) -> None:
        _check(settings)
        self.issuer = settings.oidc_issuer
        self.host = urlsplit(self.issuer).netloc
        self._allowed = settings.oidc_allowed
        self._operators = settings.operators
        self._groups_claim = settings.oidc_groups_claim
        self._client_id = settings.oidc_client_id
        self._secret = _secret(settings)
        self._scopes = settings.oidc_scopes
        self._address = settings.public_url
        self._app: Any = None
        self._since = 0.0
        import authlib.integrations.starlette_client  # noqa: F401 (now, and not while requests wait)
        import httpx2

        self._certificates = httpx2.create_ssl_context()  # which takes longer than a login without it

    async def start(self, again: bool = False) -> Attempt:
        """A new login; with `again` the provider asks who it is even if it knows.

        Raises
        ------
        LoginError
            If the provider cannot be reached.
        """
        more = {"prompt": "select_account"} if again else {}
        with _asking(self.host):
            app = await self._client()
            found = await app.create_authorization_url(f"{self._address}/login/callback", **more)
        return Attempt(found["url"], found["state"], found["nonce"], found["code_verifier"])

    async def finish(self, code: str, nonce: str, verifier: str) -> tuple[Session, str]:
        """Who has logged in, and the ID token that says so.

        Raises
        ------
        LoginError
            If the provider cannot be reached, does not accept the code, its token cannot be believed, or the person is
            not among those who may log in.
        """
        with _asking(self.host):
            app = await self._client()
            token = await self._token(app, code, verifier)
            claims = await self._claims(app, token, nonce)
        name = _name(claims)
        if not (entry := allowed_by(claims, self._allowed, self._groups_claim)):
            log.warning("the provider %s knows %s, who is not in SLIPWAY_OIDC_ALLOWED", self.host, name)
            raise LoginError("login.not_allowed", 403, name=name)
        operator = allowed_by(claims, self._operators, self._groups_claim) or ""
        return Session(name, OIDC, entry, operator), str(token["id_token"])

    def is_allowed(self, session: Session) -> bool:
        """Whether what let a person in still does."""
        return session.mark in self._allowed

    async def logout_url(self, id_token: str | None) -> str | None:
        """Where a browser is sent to end its session with the provider, too; None if that offers no way."""
        try:
            with _asking(self.host):
                app = await self._client()
            if not app.server_metadata.get("end_session_endpoint"):
                return None
            made = await app.create_logout_url(f"{self._address}/login?out", id_token, client_id=self._client_id)
        except LoginError:
            return None
        return str(made["url"])

    async def check(self) -> None:
        """Say in one line if the provider cannot be reached: the server starts all the same, and asks it at each login."""
        try:
            with _asking(self.host):
                await self._client()
        except LoginError:
            log.warning(
                "nobody can log in at %s as yet; the server starts all the same, and asks at each login", self.issuer
            )

    async def _client(self) -> Any:
        """Authlib's client, which knows the provider's endpoints."""
        from authlib.integrations.starlette_client import StarletteOAuth2App

        if self._app is None or time.monotonic() - self._since > FRESH:
            app = StarletteOAuth2App(
                None,
                client_id=self._client_id,
                client_secret=self._secret or None,
                server_metadata_url=f"{self.issuer}/.well-known/openid-configuration",
                client_kwargs={
                    "scope": self._scopes,
                    "code_challenge_method": "S256",
                    "timeout": TIMEOUT,
                    "verify": self._certificates,
                },
            )
            metadata = await app.load_server_metadata()
            if str(metadata.get("issuer", "")).rstrip("/") != self.issuer:
                raise ValueError(f"it calls itself {metadata.get('issuer')!r}")
            offered = metadata.get("id_token_signing_alg_values_supported") or ()
            metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in ALGORITHMS] or [
                "RS256"
            ]
            if not self._secret:
                metadata["token_endpoint_auth_method"] = "none"  # noqa: S105 (the name of a method)
            self._app, self._since = app, time.monotonic()
        return self._app

    async def _token(self, app: Any, code: str, verifier: str) -> dict[str, Any]:
        from authlib.integrations.base_client import OAuthError

        try:
            token: dict[str, Any] = await app.fetch_access_token(
                f"{self._address}/login/callback", code=code, code_verifier=verifier
            )
        except OAuthError as exc:
            log.warning("the provider %s does not accept a login: %s", self.host, str(exc)[:200])
            raise LoginError("login.refused", 403, provider=self.host) from exc
        if "id_token" not in token:
            log.warning("the provider %s gives no ID token; is `openid` in SLIPWAY_OIDC_SCOPES?", self.host)
            raise LoginError("login.unverified", 403, provider=self.host)
        return token

    async def _claims(self, app: Any, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """What the provider says of the person, once its signature, its times and its recipient were checked."""
        from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError

        wanted = {
            "iss": {"essential": True, "value": app.server_metadata["issuer"]},
            "aud": {"essential": True, "value": self._client_id},
        }
        try:
            claims = dict(await app.parse_id_token(token, nonce, claims_options=wanted, leeway=LEEWAY))
        except (JoseError, ValueError) as exc:
            is_time = isinstance(exc, InvalidClaimError) and exc.claim in ("iat", "nbf")
            if is_time or isinstance(exc, ExpiredTokenError):
                log.warning(
                    "a token of %s is not of this time (%s): it is %s here; do the clocks of both agree?",
                    self.host,
                    exc,
                    time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
                )
                raise LoginError("login.clock", 403, provider=self.host) from exc
            log.warning("a token of %s cannot be verified: %s", self.host, str(exc)[:200])
            raise LoginError("login.unverified", 403, provider=self.host) from exc
        if "email" not in claims and app.server_metadata.get("userinfo_endpoint"):
            more = dict(await app.userinfo(token=token))
            if more.get("sub") == claims["sub"]:
                claims = more | claims
        return claims


@contextmanager
def _asking(host: str) -> Iterator[None]:
    """Turns whatever comes of a provider that is away, or answers otherwise than one, into a `LoginError`."""
    import httpx2

    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError, RuntimeError) as exc:
        reason = f"{type(exc).__name__}: {str(exc)[:200]}"
        log.warning("the provider %s cannot be asked: %s", host, reason)
        raise LoginError("login.away", 503, provider=host) from exc


def allowed_by(claims: Mapping[str, Any], allowed: tuple[str, ...], groups_claim: str) -> str | None:
    """The entry of SLIPWAY_OIDC_ALLOWED, or of SLIPWAY_OPERATORS, that is meant for a person; None if there is none.

    An address counts unless the provider says that it has not verified it.

    Parameters
    ----------
    claims : mapping
        What the provider says of the person.
    allowed : tuple of str
    groups_claim : str
        The claim that names their groups.

    Returns
    -------
    str or None
    """
    verified = str(claims.get("email_verified", True)).lower() != "false"
    email = str(claims.get("email") or "").casefold() if verified else ""
    groups = claims.get(groups_claim) or ()
    named = {groups} if isinstance(groups, str) else set(map(str, groups)) if isinstance(groups, list) else set()

    def matches(entry: str) -> bool:
        if entry.startswith(GROUP):
            return entry.removeprefix(GROUP) in named
        if entry.startswith("@"):
            return email.endswith(entry.casefold())
        return entry == EVERYBODY or entry.casefold() == email

    return next(filter(matches, allowed), None)


def _name(claims: Mapping[str, Any]) -> str:
    """What a person is called in the page and in the log."""
    found = next(claims[key] for key in ("email", "preferred_username", "name", "sub") if claims.get(key))
    return "".join(filter(str.isprintable, str(found)))[:200]


def _check(settings: Settings) -> None:
    needed = ("oidc_client_id", "oidc_allowed", "public_url")
    missing = [PREFIX + name.upper() for name in needed if not getattr(settings, name)]
    if missing:
        who = "; who may log in: emails, @domains, group:names, or * for all of the provider's people"
        raise SlipwayError(
            f"SLIPWAY_OIDC_ISSUER is set, and {' and '.join(missing)} is missing"
            f"{who if 'SLIPWAY_OIDC_ALLOWED' in missing else ''}; see docs/access.md"
        )
    for entry in settings.oidc_allowed:
        if entry != EVERYBODY and not entry.startswith(GROUP) and "." not in entry.rpartition("@")[2]:
            raise SlipwayError(
                f"SLIPWAY_OIDC_ALLOWED has {entry[:60]!r}; expected an email, @ and a domain, group: and a name, or *"
            )
    if EVERYBODY in settings.oidc_allowed and settings.oidc_issuer == GOOGLE:
        raise SlipwayError(
            "SLIPWAY_OIDC_ALLOWED is *, which with Google is everybody who has an account there; name emails or domains"
        )
    address = urlsplit(settings.oidc_issuer)
    if address.scheme != "https" and address.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SlipwayError(
            f"SLIPWAY_OIDC_ISSUER is {settings.oidc_issuer!r}; expected an address that begins with https://, as anybody on "
            "the way could log in as anybody"
        )


def _secret(settings: Settings) -> str:
    if settings.oidc_client_secret and settings.oidc_client_secret_file:
        raise SlipwayError(
            "SLIPWAY_OIDC_CLIENT_SECRET and SLIPWAY_OIDC_CLIENT_SECRET_FILE are both set; leave one of them out"
        )
    if settings.oidc_client_secret_file:
        return read_private(Path(settings.oidc_client_secret_file), "SLIPWAY_OIDC_CLIENT_SECRET_FILE").strip()
    return settings.oidc_client_secret
