"""The rows of a query, from any database that SQLAlchemy knows. For training only.

Nothing is ever written: one SELECT is all that is sent, in a transaction that is read only where the database has such
ones, and that is never committed. A password in the address is in no message.
"""

import os
import re
from typing import Any

import pandas as pd

from slipway.errors import DataError
from slipway.tables.address import database_problem, database_url, shown_address

_NOT_SENT = re.compile(
    r"\b(insert|update|delete|merge|replace|upsert|create|drop|alter|truncate|grant|revoke|copy|call|do|execute|exec|into|"
    r"attach|detach|pragma|vacuum|set|reset|lock|begin|commit|rollback|load|import|export|install)\b",
    re.I,
)
_HARMLESS = re.compile(r"\breplace\s*\(|\b(?:insert|truncate)\s*\(", re.I)
"""Functions that are called like a statement."""
_TEXTS = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]\n]*\]|(\$\w*\$).*?\1", re.S)


def read_query(address: str, query: str | None) -> pd.DataFrame:
    """The rows of a query.

    Parameters
    ----------
    address : str
        As SQLAlchemy has it; `$NAME` and `${NAME}` are replaced from the environment.
    query : str
        One SELECT, or WITH … SELECT.

    Returns
    -------
    DataFrame

    Raises
    ------
    DataError
        If the query is anything else, the database cannot be reached, or refuses it.
    """
    shown, address = shown_address(address), os.path.expandvars(address)
    if not query:
        raise DataError(
            shown, "is a database; add the query with --query 'SELECT …' (in a use case: `data: {query: …}`)"
        )
    _check_query(shown, query)
    try:
        import sqlalchemy
    except ImportError as exc:
        raise DataError(
            shown, "is a database, which needs SQLAlchemy: `pip install 'slipway-ml[train]'` has it"
        ) from exc
    try:
        engine = _engine(address, shown)
        with engine.connect() as connection:
            _read_only(connection)
            # A colon is no parameter here.
            answer = connection.execute(sqlalchemy.text(query.replace(":", "\\:")))
            names, rows = list(answer.keys()), answer.fetchall()
            connection.rollback()
    except DataError:
        raise
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError, ValueError, UnicodeError) as exc:
        raise DataError(shown, database_problem(exc, address, "the query failed")) from None
    names = [str(name).strip() for name in names]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise DataError(shown, f"the query gives the column {doubled!r} more than once; name them apart with AS")
    if not rows:
        raise DataError(shown, f"the query gives {len(names)} columns and no rows")
    return pd.DataFrame([tuple(row) for row in rows], columns=names).infer_objects()


def _check_query(shown: str, query: str) -> None:
    plain = _TEXTS.sub(" ", query).strip().rstrip(";").strip()
    start = re.match(r"[\s(]*(\w+)", plain)
    if ";" in plain:
        raise DataError(
            shown, "the query has several statements; only one SELECT is sent, which reads and writes nothing"
        )
    if not start or start[1].lower() not in ("select", "with", "values", "table"):
        raise DataError(
            shown,
            f"the query begins with {(start[1] if start else plain)[:30]!r}; only a SELECT is sent, which reads and writes nothing",
        )
    written = _NOT_SENT.search(_HARMLESS.sub(" (", plain))
    if written:
        raise DataError(
            shown, f"the query has {written[0].upper()}; only a SELECT is sent, which reads and writes nothing"
        )


def _engine(address: str, shown: str) -> Any:
    import sqlalchemy

    url = database_url(address)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = url.database.removeprefix("file:")
        if not os.path.isfile(path):
            raise DataError(shown, "cannot be read: No such file or directory; give the path of an SQLite file")
        url = url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)


def _read_only(connection: Any) -> None:
    """Let the database refuse writing by itself, where it can: a function may write, too."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    elif kind == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    elif kind in ("mysql", "mariadb"):
        connection.rollback()
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
