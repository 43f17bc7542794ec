"""The login of a server: the calls behind `/login` and `/logout`, answered before anybody is asked who they are."""

import asyncio
import hmac
import logging
import re
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.page.login.views import away_page, login_page, root, texts_of
from slipway.service.access.callers import caller_of
from slipway.service.login.attempts import Attempts, address_key
from slipway.service.login.oidc import LoginError
from slipway.service.login.origin import is_cross_origin
from slipway.service.login.passwords import LONGEST, LONGEST_NAME, PasswordFile, clean_name
from slipway.service.login.sessions import ATTEMPT, ID_TOKEN, OIDC, PASSWORD, SESSION, Session, cookies
from slipway.service.login.setup import Login
from slipway.service.paths import LOGIN
from slipway.service.requests import RequestError, language_of, read_body

log = logging.getLogger("bentoml")

HOME = "ui/"
BODY_LIMIT = 16 * 1024
ATTEMPT_SECONDS = 600
"""How long somebody may take at the provider."""
LONGEST_ID_TOKEN = 3500
"""Of an ID token that a browser keeps: a cookie may have 4096 characters."""
_OWN_PATH = re.compile(r"(?!/)(?!.*//)(?!(.*/)?\.{1,2}(/|$|\?))[A-Za-z0-9._~%/-]*(\?[A-Za-z0-9._~%/=&+-]*)?")


def own_path(text: str) -> str:
    """A path of this server to which a login may lead back; that of the page for anything else.

    Parameters
    ----------
    text : str
        What an address says: anybody may have written it.

    Returns
    -------
    str
        Without a slash at the beginning.
    """
    return text if text and len(text) < 1000 and _OWN_PATH.fullmatch(text) else HOME


class LoginPages:
    """ASGI middleware: answers `/login` and `/logout`, and lets everything else on.

    Parameters
    ----------
    app : ASGI app
    login : Login, optional
        None where a proxy asks who it is: then there is only `/login/user`.
    """

    def __init__(self, app: ASGIApp, login: Login | None) -> None:
        self.app = app
        self._provider = login.provider if login else None
        self._pages = pages(login)
        self._asked: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and self._provider:
            self._asked = asyncio.create_task(self._provider.check())
        is_ours = scope["type"] == "http" and scope["path"] in LOGIN
        await (self._pages if is_ours else self.app)(scope, receive, send)


def pages(login: Login | None) -> Starlette:
    """The calls of the login.

    Parameters
    ----------
    login : Login, optional

    Returns
    -------
    Starlette
    """
    app = Starlette(routes=[Route("/login/user", user, methods=["GET"]), *(_routes(login) if login else ())])

    async def refused(request: Request, exc: Exception) -> Response:
        if not isinstance(exc, RequestError):
            raise exc
        return exc.response(language_of(request.scope))

    async def nowhere(request: Request, exc: Exception) -> Response:
        return RequestError(404, RequestCode.NOT_FOUND).response(language_of(request.scope))

    app.add_exception_handler(RequestError, refused)
    app.add_exception_handler(404, nowhere)
    return app


async def user(request: Request) -> Response:
    """GET /login/user: who has logged in, and whether they can log out here."""
    caller = caller_of(request.scope)
    content = {"name": caller.name if caller else None, "logout": bool(caller and caller.kind == "login")}
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _routes(login: Login) -> list[Route]:
    views = _Calls(login)
    return [
        Route("/login", views.form, methods=["GET"]),
        Route("/login", views.check, methods=["POST"]),
        Route("/login/provider", views.to_provider, methods=["GET"]),
        Route("/login/callback", views.from_provider, methods=["GET"]),
        Route("/logout", views.logout, methods=["POST"]),
    ]


class _Calls:
    """The calls of a login, and what they remember: how often who has tried."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._by_both = Attempts(5, 300)
        self._by_address = Attempts(30, 300)
        self._by_name = Attempts(100, 300)
        # Each hash takes 32 MB and a core.
        self._turn = asyncio.Semaphore(1)

    async def form(self, request: Request) -> Response:
        """GET /login"""
        wanted = own_path(request.query_params.get("next", ""))
        if "out" not in request.query_params and self._login.session(request.scope):
            return RedirectResponse(f"./{wanted}", 303, {"Cache-Control": "no-store"})
        texts = "login.out" if "out" in request.query_params else ""
        return self._page(request, wanted, note=texts)

    def _page(
        self, request: Request, wanted: str, note: str = "", fault: LoginError | None = None, name: str = ""
    ) -> Response:
        below = root(request)
        query = urlencode({"next": wanted}, safe="/", quote_via=quote)
        action = f"{below}login?{query}" if self._login.passwords else None
        offered = None
        if found := self._login.provider:
            more = "&again" if note or fault and fault.key == "login.not_allowed" else ""
            offered = f"{below}login/provider?{query}{more}", found.host
        return login_page(request, action, offered, texts_of(request).text(note) if note else "", fault, name)

    async def check(self, request: Request) -> Response:
        """POST /login"""
        wanted = own_path(request.query_params.get("next", ""))
        if not self._login.passwords:
            raise RequestError(404, RequestCode.NOT_FOUND)
        if self._is_from_elsewhere(request):
            return self._page(request, wanted, fault=LoginError("login.other_site", 403))
        body = await read_body(request, BODY_LIMIT)
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
        name, password = (form.get(key, [""])[-1] for key in ("name", "password"))
        name = clean_name(name[: 2 * LONGEST_NAME])
        try:
            await self._try(request, self._login.passwords, name, password[: LONGEST + 1])
        except LoginError as fault:
            return self._page(request, wanted, fault=fault, name=name)
        session = Session(name, PASSWORD, self._login.passwords.mark(name) or "")
        response = RedirectResponse(f"./{wanted}", 303, {"Cache-Control": "no-store"})
        self._login.cookies.set_session(request.scope, response, session)
        log.info("%s has logged in with a password", name)
        return response

    async def _try(self, request: Request, people: PasswordFile, name: str, password: str) -> None:
        """Check a password, unless there were too many tries."""
        address = address_key((request.scope.get("client") or ("", 0))[0])
        counted = ((self._by_address, address), (self._by_both, f"{address} {name}"), (self._by_name, name))
        if wait := max(limit.wait(key) for limit, key in counted):
            raise LoginError("login.too_many", 429, count=wait)
        async with self._turn:
            right = await asyncio.to_thread(people.is_right, name, password)
        if not right:
            # Not the name: it may be a password that was typed into the wrong field.
            log.warning("name or password of a login from %s is wrong", address)
            raise LoginError("login.wrong", 403)
        for limit, key in counted:
            limit.give_back(key)

    async def to_provider(self, request: Request) -> Response:
        """GET /login/provider"""
        wanted = own_path(request.query_params.get("next", ""))
        if not (provider := self._login.provider):
            raise RequestError(404, RequestCode.NOT_FOUND)
        try:
            made = await provider.start("again" in request.query_params)
        except LoginError as fault:
            return self._page(request, wanted, fault=fault)
        response = RedirectResponse(made.url, 303, {"Cache-Control": "no-store"})
        kept = {"state": made.state, "nonce": made.nonce, "verifier": made.verifier, "next": wanted}
        self._login.cookies.set_attempt(request.scope, response, kept, ATTEMPT_SECONDS)
        return response

    async def from_provider(self, request: Request) -> Response:
        """GET /login/callback"""
        scope, said, own = request.scope, request.query_params, self._login.cookies
        if not (provider := self._login.provider):
            raise RequestError(404, RequestCode.NOT_FOUND)
        kept = own.attempt(scope)
        wanted = own_path(kept["next"]) if kept else HOME
        try:
            if not kept or not hmac.compare_digest(kept["state"].encode(), said.get("state", "").encode()):
                raise LoginError("login.lost", 403)
            if "error" in said or not said.get("code"):
                log.warning("the provider %s ended a login: %s", provider.host, repr(said.get("error", ""))[:80])
                raise LoginError("login.refused", 403, provider=provider.host)
            session, id_token = await provider.finish(said["code"], kept["nonce"], kept["verifier"])
        except LoginError as fault:
            response = self._page(request, wanted, fault=fault)
        else:
            response = RedirectResponse(f"../{wanted}", 303, {"Cache-Control": "no-store"})
            own.set_session(scope, response, session)
            if len(id_token) <= LONGEST_ID_TOKEN:
                own.set_text(scope, response, ID_TOKEN, id_token, self._logout_path())
            log.info("%s has logged in at %s", session.name, provider.host)
        own.remove(scope, response, ATTEMPT)
        return response

    async def logout(self, request: Request) -> Response:
        """POST /logout"""
        scope, own, provider = request.scope, self._login.cookies, self._login.provider
        if self._is_from_elsewhere(request):
            return self._page(request, HOME, fault=LoginError("login.other_site", 403))
        session = own.session(scope)
        response: Response = RedirectResponse("./login?out", 303, {"Cache-Control": "no-store"})
        if session and session.kind == OIDC and provider:
            if address := await provider.logout_url(next(cookies(scope, ID_TOKEN), None)):
                response = away_page(request, address, provider.host)
            own.remove(scope, response, ID_TOKEN, self._logout_path())
        own.remove(scope, response, SESSION)
        if session:
            log.info("%s has logged out", session.name)
        return response

    def _is_from_elsewhere(self, request: Request) -> bool:
        if not is_cross_origin(request.scope, self._login.public_url):
            return False
        log.warning(
            "a form from %s was refused; if that is this server itself, behind a proxy that replaces Host, say so with "
            "SLIPWAY_PUBLIC_URL",
            repr(request.headers.get("origin", "another site"))[:100],
        )
        return True

    def _logout_path(self) -> str:
        return f"{urlsplit(self._login.public_url).path.rstrip('/')}/logout"
