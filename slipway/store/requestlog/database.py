"""A request log in a database that SQLAlchemy knows: the tables `slipway_requests` and `slipway_outcomes`.

They are made where they are missing. Whatever can read JSON columns can be asked about them; times are in UTC.
"""

import datetime as dt
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from slipway.errors import RequestLogError
from slipway.store.requestlog.rows import Key, Outcome, Row, now
from slipway.tables.address import database_problem, database_url, shown_address

KEYS_AT_ONCE = 500
"""Request ids in one query."""
ROWS_AT_ONCE = 1000
"""Rows that are read at once."""
# Each row as a statement of its own takes a driver in Python several times as long.
_POSTGRESQL = (
    "INSERT INTO slipway_requests (request_id, record, model, time, source, inputs, answer) "
    "SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS rows(request_id varchar, record integer, "
    "model varchar, time timestamptz, source varchar, inputs json, answer json)"
)


class DatabaseLog:
    """A request log in a database.

    Parameters
    ----------
    address : str
        As SQLAlchemy has it; `$NAME` and `${NAME}` are replaced from the environment. No message has its passwords.
    """

    seconds, largest, starts_threads = 0.0, 0, False

    def __init__(self, address: str) -> None:
        self._shown = shown_address(address)
        self._address = os.path.expandvars(address)

    @cached_property
    def _engine(self) -> Any:
        import sqlalchemy

        url = database_url(self._address)
        if url.get_backend_name() == "sqlite" and url.database:
            self._make_file(url)
        return sqlalchemy.create_engine(url, pool_pre_ping=True)

    @cached_property
    def _tables(self) -> tuple[Any, Any]:
        """Requests and outcomes."""
        from sqlalchemy import JSON, Column, DateTime, Index, Integer, MetaData, String, Table

        time = DateTime(timezone=True)
        metadata = MetaData()
        requests = Table(
            "slipway_requests",
            metadata,
            Column("request_id", String(128), nullable=False),
            Column("record", Integer, nullable=False),
            Column("model", String(200)),
            Column("time", time),
            Column("source", String(16)),
            Column("inputs", JSON),
            Column("answer", JSON),
            Index("slipway_requests_key", "request_id", "record"),
            Index("slipway_requests_time", "time"),
        )
        outcomes = Table(
            "slipway_outcomes",
            metadata,
            Column("request_id", String(128), primary_key=True),
            Column("record", Integer, primary_key=True),
            Column("time", time),
            Column("outcome", JSON),
        )
        return requests, outcomes

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection, and a transaction that is committed at the end; an error is one of the request log."""
        try:
            import sqlalchemy
        except ImportError as exc:
            problem = "a database needs SQLAlchemy: `pip install 'slipway-ml[database]'`"
            raise RequestLogError(self._shown, problem) from exc
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError, ValueError) as exc:
            raise RequestLogError(self._shown, database_problem(exc, self._address, "it failed")) from None

    def check(self) -> None:
        """Make the tables that are missing, and write a row that is taken back.

        Raises
        ------
        RequestLogError
            If that is not possible, or others may read the file of SQLite.
        """
        try:
            self._make_tables()
        except RequestLogError:
            self._make_tables()  # where another server made them at the same time
        with self._connected() as connection:
            connection.execute(self._tables[0].insert(), {"request_id": "", "record": 0, "time": now()})
            connection.rollback()
        self._engine.dispose()  # the processes that write are forks of this one

    def _make_tables(self) -> None:
        with self._connected() as connection:
            self._tables[0].metadata.create_all(connection)

    def _make_file(self, url: Any) -> None:
        """Make the file of SQLite, which would let others read it."""
        path = Path(url.database)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        elif os.name == "posix" and path.stat().st_mode & 0o077:
            raise RequestLogError(self._shown, f"others may read {path}; expected the mode 0600: `chmod 600` it")

    def append(self, rows: bytes) -> None:
        """Add rows, all of them or none.

        Raises
        ------
        RequestLogError
            If they cannot be written.
        """
        import sqlalchemy

        lines = rows.splitlines()
        with self._connected() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sqlalchemy.text(_POSTGRESQL), {"rows": f"[{b','.join(lines).decode()}]"})
                return
            parsed = map(orjson.loads, lines)
            values = [row | {"time": dt.datetime.fromisoformat(row["time"])} for row in parsed]
            connection.execute(self._tables[0].insert(), values)

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Add outcomes, all of them or none; a later one takes the place of an earlier one.

        Raises
        ------
        RequestLogError
            If they cannot be written.
        """
        import sqlalchemy

        time, table = now(), self._tables[1]
        told = {one.key: one.outcome for one in outcomes}
        rows = [{"request_id": key[0], "record": key[1], "time": time, "outcome": told[key]} for key in told]
        earlier = (table.c.request_id == sqlalchemy.bindparam("of")) & (
            table.c.record == sqlalchemy.bindparam("number")
        )
        with self._connected() as connection:
            connection.execute(table.delete().where(earlier), [{"of": key[0], "number": key[1]} for key in told])
            connection.execute(table.insert(), rows)

    def known(self, keys: Collection[Key], name: str) -> set[Key]:
        """Those that are in the log, of requests to models of a name.

        Raises
        ------
        RequestLogError
            If the database cannot be read.
        """
        table, found = self._tables[0], set()
        ids = sorted({request_id for request_id, _ in keys})
        with self._connected() as connection:
            for start in range(0, len(ids), KEYS_AT_ONCE):
                those = table.c.request_id.in_(ids[start : start + KEYS_AT_ONCE])
                rows = connection.execute(table.select().with_only_columns(*table.c[:3]).where(those))
                found |= {(row.request_id, row.record) for row in rows if row.model.partition(":")[0] == name}
        return found & set(keys)

    def delete_before(self, day: dt.date) -> None:
        """Delete what was written before a day, in UTC.

        Raises
        ------
        RequestLogError
            If it cannot be deleted.
        """
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        with self._connected() as connection:
            for table in self._tables:
                connection.execute(table.delete().where(table.c.time < start))

    def read(self, since: dt.datetime | None = None) -> Iterator[Row]:
        """The rows from a time on, in no certain order.

        Raises
        ------
        RequestLogError
            If the database cannot be read, or has no request log.
        """
        requests, outcomes = self._tables
        joined = requests.outerjoin(
            outcomes, (outcomes.c.request_id == requests.c.request_id) & (outcomes.c.record == requests.c.record)
        )
        query = joined.select().with_only_columns(*requests.c, outcomes.c.outcome)
        if since is not None:
            query = query.where(requests.c.time >= since.astimezone(dt.UTC))
        with self._connected() as connection:
            for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query).mappings():
                # SQLite has no time zones.
                time = row["time"] if row["time"].tzinfo else row["time"].replace(tzinfo=dt.UTC)
                yield Row(**{**row, "time": time})  # type: ignore[typeddict-item]
