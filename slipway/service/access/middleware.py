"""The middleware that lets a request on only if its caller may reach the route."""

from collections.abc import Callable, Sequence

from starlette import types
from starlette.datastructures import Headers
from starlette.responses import Response

from slipway.errors import RequestCode
from slipway.service.access.callers import Authenticator, Caller
from slipway.service.paths import Audience, audience
from slipway.service.requests import RequestError, language_of

SignIn = Callable[[types.Scope], Response]
"""What a browser without a caller is answered: a redirect, to a relative address, to where a person signs in."""


class Access:
    """ASGI middleware: 401 without a caller, 403 for one who lacks the scope, 404 for what is not in the policy.

    The caller is put into the state of the request (`callers.caller_of`). Without authenticators nobody is asked.

    Parameters
    ----------
    app : ASGI app
    authenticators : sequence of Authenticator
        Asked in turn, until one knows the caller.
    sign_in : callable, optional
        What answers a person's browser that has no caller; a program gets a 401.
    """

    def __init__(
        self, app: types.ASGIApp, authenticators: Sequence[Authenticator], sign_in: SignIn | None = None
    ) -> None:
        self.app = app
        self.authenticators = authenticators
        self.sign_in = sign_in

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] == "http":
            answer = self._refusal(scope) or self.app
            await answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})  # no route is one

    def _refusal(self, scope: types.Scope) -> Response | None:
        """What the request is answered instead of being let on; None if it may go on."""
        try:
            self._check(scope)
        except RequestError as refused:
            if refused.status == 401 and self.sign_in and _is_navigation(scope):
                return self.sign_in(scope)
            response = refused.response(language_of(scope))
            if refused.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return None

    def _check(self, scope: types.Scope) -> None:
        wanted = audience(scope["path"])
        if wanted is None:
            raise RequestError(404, RequestCode.NOT_FOUND)
        if wanted is Audience.ANYBODY or not self.authenticators:
            return
        caller = self._caller(scope)
        scope.setdefault("state", {})["caller"] = caller
        if wanted.value not in caller.scopes:
            raise RequestError(403, RequestCode.MISSING_SCOPE, caller=caller.name, scope=wanted.value)

    def _caller(self, scope: types.Scope) -> Caller:
        for authenticator in self.authenticators:
            if caller := authenticator.caller(scope):
                return caller
        raise RequestError(401, RequestCode.NOT_AUTHENTICATED)


def _is_navigation(scope: types.Scope) -> bool:
    """Whether a browser asks for a document to show, which a person can be led to the login from."""
    headers = Headers(scope=scope)
    return scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", "")
