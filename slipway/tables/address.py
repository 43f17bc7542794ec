"""Addresses of databases, and how they are shown: without their passwords."""

import re

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SECRET = re.compile(r"((?:^|[&?])[^=&]*(?:pass|pwd|secret|token|key|auth)[^=&]*=)[^&]*", re.I)


def is_address(text: str) -> bool:
    """Whether a table's place is the address of a database, such as `postgresql://…` or `sqlite:///people.db`."""
    return bool(_ADDRESS.match(text))


def shown_address(address: str) -> str:
    """An address without its passwords, for people; any other text as it is."""
    if not is_address(address):
        return address
    scheme, _, rest = address.partition("://")
    place, mark, query = rest.partition("?")
    # The last @ before the path: a password may have one that was not escaped.
    user, at, host = place.rpartition("@")
    if at:
        user = f"{user.partition(':')[0]}:***" if ":" in user else user
    secrets = _SECRET.sub(r"\1***", query)
    return f"{scheme}://{user}{at}{host}{mark}{secrets}"
