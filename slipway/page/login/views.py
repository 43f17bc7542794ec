"""What the pages of the login look like."""

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse

from slipway.i18n.catalogues import Catalogue, catalogue, preferred
from slipway.page.html import macros
from slipway.service.login.oidc import LoginError
from slipway.service.security_headers import CSP

_HTML = macros("login/login.html")
STYLE = Path(__file__).with_name("login.css")
_CSS = STYLE.read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
    CSP: f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src 'self'; form-action 'self'; base-uri 'none'",
}


def texts_of(request: Request) -> Catalogue:
    """The texts in the language of the browser."""
    return catalogue(preferred(request.headers.get("accept-language", "")))


def root(request: Request) -> str:
    """Where the server is, seen from the address of the request: a proxy may have put more in front of it."""
    return "../" * (request.url.path.count("/") - 1)


def is_foreign_frame(request: Request) -> bool:
    """Whether the page is shown inside one of another site, where browsers keep no cookie of ours."""
    headers = Headers(scope=request.scope)
    return headers.get("sec-fetch-dest") in ("iframe", "frame") and headers.get("sec-fetch-site") == "cross-site"


def login_page(
    request: Request,
    action: str | None,
    provider: tuple[str, str] | None,
    message: str = "",
    fault: LoginError | None = None,
    name: str = "",
) -> HTMLResponse:
    """The page to log in at.

    Parameters
    ----------
    request : Request
    action : str or None
        The address of the form; None where there are no passwords.
    provider : tuple of str, optional
        The address at which a login with the provider begins, and the name of that.
    message : str
        What has happened.
    fault : LoginError, optional
        Why somebody was not logged in, instead.
    name : str
        What was typed as the name.

    Returns
    -------
    HTMLResponse
    """
    texts = texts_of(request)
    if fault:
        message = texts.text(fault.key, **fault.values)
    parts = []
    if is_foreign_frame(request):
        message = texts.text("login.framed")
        parts.append(
            _HTML.link(str(request.url.query and f"?{request.url.query}"), texts.text("login.open"), True, True)
        )
    else:
        if action is not None:
            parts.append(_HTML.form(texts.text, action, name, bool(fault)))
        if provider:
            label = texts.text("login.with_provider", provider=provider[1])
            parts.append(_HTML.link(provider[0], label, action is None, False))
    body = parts[0] if len(parts) == 1 else _HTML.either(texts.text, *parts)
    answer = _page(request, message, body, fault is not None, fault.status if fault else 200)
    if fault and fault.status == 429:
        answer.headers["Retry-After"] = str(fault.values["count"])
    return answer


def away_page(request: Request, address: str, provider: str) -> HTMLResponse:
    """Leads a browser that is logged out on to the provider, to end its session there."""
    texts = texts_of(request)
    link = _HTML.link(address, texts.text("login.go_on"), True, False)
    message = texts.text("login.ending", provider=provider)
    return _page(request, message, link, False, 200, address)


def _page(request: Request, message: str, body: Markup, is_fault: bool, status: int, refresh: str = "") -> HTMLResponse:
    texts = texts_of(request)
    html = _HTML.document(
        texts.tag, _CSS, f"{root(request)}favicon.ico", texts.text("login.title"), message, body, is_fault, refresh
    )
    return HTMLResponse(str(html), status, _HEADERS)
