"""Addresses of databases, and how they and their errors are shown: without passwords."""

import importlib.util
import re
from typing import Any
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SECRET = re.compile(r"((?:^|[&?])[^=&]*(?:pass|pwd|secret|token|key|auth)[^=&]*=)[^&]*", re.I)
_POSTGRESQL = ("psycopg", "psycopg2", "pg8000")
_DRIVERS = {
    "postgresql": "pg8000",
    "mysql": "pymysql",
    "mariadb": "pymysql",
    "mssql": "pyodbc",
    "oracle": "oracledb",
}


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


def database_url(address: str) -> Any:
    """An address as SQLAlchemy takes it; where it names no driver for PostgreSQL, with one that is installed.

    Parameters
    ----------
    address : str

    Returns
    -------
    sqlalchemy.URL

    Raises
    ------
    sqlalchemy.exc.ArgumentError
        If it is no address of a database.
    """
    import sqlalchemy

    url = sqlalchemy.make_url(address)
    if url.drivername == "postgresql":
        installed = (name for name in _POSTGRESQL if importlib.util.find_spec(name))
        url = url.set(drivername=f"postgresql+{next(installed, _POSTGRESQL[-1])}")
    return url


def database_problem(exc: Exception, address: str, failed: str) -> str:
    """What went wrong, without the password that drivers repeat.

    Parameters
    ----------
    exc : Exception
        Of SQLAlchemy or a driver.
    address : str
    failed : str
        What the words of a database are put after.

    Returns
    -------
    str
    """
    if isinstance(exc, ImportError):
        kind = urlsplit(address).scheme.partition("+")[0]
        driver = _DRIVERS.get(kind)
        install = f"`pip install '{driver}'`" if driver else "install the driver that SQLAlchemy names"
        return f"needs a driver for {kind}: {install}"
    cause = getattr(exc, "orig", None) or exc
    told = cause.args[0] if cause.args else ""
    text = str(told.get("M", told) if isinstance(told, dict) else cause)  # pg8000 has the parts of PostgreSQL's message
    if type(exc).__name__ == "NoSuchModuleError":
        return "is of a database that SQLAlchemy does not know; expected postgresql://, mysql+pymysql://, sqlite:/// …"
    if type(exc).__name__ == "ArgumentError":
        return "is not an address of a database; expected postgresql://user@host/database or sqlite:///people.db"
    user = urlsplit(address).netloc.rpartition("@")[0]
    secrets = {user.partition(":")[2], *re.findall(r"[&?][^=&]*=([^&]*)", address)}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return f"{failed}: {' '.join(text.split())[:300]}"
