"""Origins, host names, networks and the like, as settings have them: each function returns one in its usual form, or raises a ValueError."""

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_ORIGIN = re.compile(rf"https?://(?:{_HOST}|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?", re.ASCII)
_FRAME = re.compile(rf"https?://\*\.{_HOST}(?::[0-9]{{1,5}})?", re.ASCII)
_NAME = re.compile(rf"(?:\*\.)?{_HOST}", re.ASCII)


def origin(text: str) -> str:
    """`https://app.example.org` or `http://localhost:8080`, without a path."""
    if not _ORIGIN.fullmatch(text.lower()):
        raise ValueError
    return text.lower()


def allowed_origin(text: str) -> str:
    """An origin, or `*` for any."""
    return text if text == "*" else origin(text)


def frame_ancestor(text: str) -> str:
    """A source of CSP's frame-ancestors: an origin, `https://*.example.org`, `'self'` or `'none'`."""
    if text in ("'self'", "'none'"):
        return text
    return text.lower() if _FRAME.fullmatch(text.lower()) else origin(text)


def network(text: str) -> str:
    """`10.1.2.3` or `10.0.0.0/8`."""
    return str(ip_network(text, strict=False)) if "/" in text else str(ip_address(text))


def host(text: str) -> str:
    """`ml.example.org`, `*.example.org`, an address or a network."""
    name = text.lower()
    return network(text.strip("[]")) if is_network(name) or not _NAME.fullmatch(name) else name


def is_network(host: str) -> bool:
    """Whether a host is an address or a network, and no name."""
    return ":" in host or bool(re.fullmatch(r"[0-9./]+", host))


def trusted_proxy(text: str) -> str:
    """An address, a network, `private` or `*`."""
    return text if text in ("private", "*") else network(text)


def line(text: str) -> str:
    """A text in one line, without spaces around it."""
    if not text.strip() or not text.isprintable():
        raise ValueError
    return text.strip()


def url(text: str) -> str:
    """`https://ml.example.org/app/insurance`: an address without a slash at its end, a query or a fragment."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError
    return text.rstrip("/")


def header(text: str) -> str:
    """The name of a header, in lower case."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError
    return text.lower()
