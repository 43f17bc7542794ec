"""Rows of a query as a table: what is sent, what is refused, and what is never printed."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.cli.main import main
from slipway.errors import DataError
from slipway.tables.address import is_address, shown_address
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource
from tests.postgresql import PASSWORD, running_postgresql


@pytest.fixture
def people(tmp_path):
    """The path of an SQLite file with three people."""
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (age INTEGER, city TEXT, cost REAL)")
        connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?)", [(40, "Bonn", 1.5), (50, None, 2.5), (60, "a:b", 3)]
        )
    connection.close()
    return path


def rows(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM people").fetchone()
    connection.close()
    return int(count)


def read(path: Path, query: str | None):
    return read_table(DataSource(f"sqlite:///{path}", query=query))


def test_the_rows_of_a_query_are_a_table(people):
    table = read(people, "SELECT age, city, cost FROM people ORDER BY age")

    assert table.frame["age"].tolist() == [40, 50, 60]
    assert table.frame["city"].tolist() == ["Bonn", None, "a:b"]
    assert table.source == f"sqlite:///{people}" and len(table.sha256) == 64


@pytest.mark.parametrize(
    "query",
    [
        "select age, city from people;",
        "WITH old AS (SELECT * FROM people WHERE age > 30) SELECT age, city FROM old",
        "-- DELETE is a word\nSELECT age, 'drop table; a:b' AS city FROM people",
        "SELECT age, replace(city, 'B', 'b') AS city FROM people",
        'SELECT age, city AS "update" FROM people',
    ],
    ids=["semicolon", "with", "words in texts", "a function", "a quoted name"],
)
def test_one_select_of_any_form_is_sent(people, query):
    assert len(read(people, query).frame) == 3


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("DELETE FROM people", "the query begins with 'DELETE'; only a SELECT is sent"),
        ("SELECT 1; DELETE FROM people", "has several statements"),
        ("WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone", "the query has DELETE"),
        ("SELECT * INTO copies FROM people", "the query has INTO"),
        ("PRAGMA writable_schema = 1", "the query begins with 'PRAGMA'"),
        ("  ", "the query begins with ''"),
        (None, "is a database; add the query with --query"),
        ("SELECT height FROM people", "the query failed: no such column: height"),
        ("SELECT age, age FROM people", "gives the column 'age' more than once; name them apart with AS"),
        ("SELECT age, city FROM people WHERE age > 99", "gives 2 columns and no rows"),
    ],
)
def test_what_is_not_one_select_or_fails_is_one_line_and_nothing_is_written(people, query, match):
    with pytest.raises(DataError, match=match) as caught:
        read(people, query)

    assert "\n" not in str(caught.value) and rows(people) == 3


def test_an_sqlite_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(DataError, match="No such file or directory"):
        read(tmp_path / "none.db", "SELECT 1")

    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:word@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me:wo@rd/x@host/db", "postgresql://me:***@host/db"),
        ("mssql+pyodbc://host/db?driver=x&Password=word", "mssql+pyodbc://host/db?driver=x&Password=***"),
        ("sqlite:///people.db", "sqlite:///people.db"),
        ("people.csv", "people.csv"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert shown_address(address) == shown
    assert is_address(address) == (address != "people.csv")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:9/db",
        f"nothing://me:{PASSWORD}@host/db",
        f"postgresql://me:{PASSWORD}@127.0.0.1:no/db",
        f"oracle://me:{PASSWORD}@127.0.0.1/db",
        f"mysql://127.0.0.1/db?password={PASSWORD}",
    ],
)
def test_no_message_has_the_password(address, capsys):
    assert main(["look", address, "--query", "SELECT 1 AS a, 2 AS b"]) == 1

    out, err = capsys.readouterr()
    assert PASSWORD not in out + err and err.count("\n") == 1


def test_the_name_of_a_model_is_that_of_the_database_and_not_of_the_password(people):
    from slipway.cli.main import build_parser
    from slipway.cli.train import resolve

    args = build_parser().parse_args(["train", "--data", f"postgresql://me:{PASSWORD}@host/houses?password={PASSWORD}", "--target", "y"])  # fmt: skip

    assert resolve(args).name == "houses"


# A real PostgreSQL


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of a server on loopback, with a table of people."""
    with running_postgresql() as address:
        _fill(address)
        yield address


def _fill(address: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(address.replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE people (age integer, born date, seen timestamp, cost numeric(9, 2), ok boolean, city text);"
        )
        connection.exec_driver_sql(
            "INSERT INTO people VALUES (40, '2000-01-02', '2024-05-31 14:30', 1.50, true, 'Bonn'), (50, NULL, NULL, 2.25, false, NULL)"
        )
        connection.exec_driver_sql(
            "CREATE FUNCTION grow() RETURNS integer LANGUAGE sql AS $$ INSERT INTO people (age) VALUES (1) RETURNING age $$"
        )
    engine.dispose()


def test_a_query_to_postgresql_keeps_the_types_of_its_columns(postgresql):
    frame = read_table(
        DataSource(postgresql, query="SELECT *, '12:30'::text AS at FROM people WHERE city LIKE '%' OR true")
    ).frame

    assert frame["age"].tolist() == [40, 50] and frame["cost"].tolist() == [1.5, 2.25]
    assert frame["born"].iloc[0] == dt.datetime(2000, 1, 2) and frame["seen"].iloc[0] == dt.datetime(
        2024, 5, 31, 14, 30
    )
    assert frame["ok"].tolist() == [True, False] and frame["at"].tolist() == ["12:30", "12:30"]


def test_postgresql_itself_refuses_to_write(postgresql):
    with pytest.raises(DataError, match="read-only transaction"):
        read_table(DataSource(postgresql, query="SELECT grow() AS a, 1 AS b"))

    assert read_table(DataSource(postgresql, query="SELECT count(*) AS n, 1 AS b FROM people UNION ALL SELECT 0, 0")).frame["n"].max() == 2  # fmt: skip


def test_a_wrong_password_is_one_line_without_it(postgresql):
    with pytest.raises(DataError, match="password authentication failed") as caught:
        read_table(DataSource(postgresql.replace(PASSWORD, PASSWORD + "x"), query="SELECT 1"))

    assert PASSWORD not in str(caught.value)


def test_the_password_may_come_from_the_environment(postgresql, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)

    table = read_table(DataSource(postgresql.replace(PASSWORD, "$DB_PASSWORD"), query="SELECT age, city FROM people"))

    assert len(table.frame) == 2 and "DB_PASSWORD" not in table.source
