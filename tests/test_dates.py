"""Dates and times of day are understood however they are written; their order is learnt from the whole column."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import ExpectedType, FaultCode
from slipway.schema import arrays
from slipway.schema.fields import Field, FieldError
from slipway.tables.dates import DateFormat, learn, minutes, time_of_day, time_text
from tests.conftest import answers_of_its_own_file

MAY = dt.date(2021, 5, 13)


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        ("2021-05-13", None), ("2021-5-13", None), ("2021/05/13", "%Y/%m/%d"), ("13.05.2021", "%d.%m.%Y"),
        ("13.05.21", "%d.%m.%y"), ("13/5/2021", "%d/%m/%Y"), ("5/13/2021", "%m/%d/%Y"), ("13-May-21", "%d-%b-%y"),
        ("May 13, 2021", "%b %d, %Y"), ("13 mai 2021", "%d %b %Y"), ("13. Mai 2021", "%d. %b %Y"),
        ("13 de mayo de 2021", "%d %b %Y"), ("Thu, 13 May 2021", "%d %b %Y"), ("13th May 2021", "%d %b %Y"),
    ],
)  # fmt: skip
def test_a_date_is_understood_and_so_is_the_next_in_its_format(cell, pattern):
    learnt = learn([cell])

    assert (learnt.moments[cell].date(), learnt.format.pattern) == (MAY, pattern)
    assert DateFormat(pattern).moment(cell).date() == MAY


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2021-05-13 08:30", "2021-05-13T08:30:00"),
        ("2021-05-13T23:30:15.5+02:00", "2021-05-13T23:30:15.500000"),
        ("2021-05-13T23:30Z", "2021-05-13T23:30:00"),
        ("5/13/2021 12:05 AM", "2021-05-13T00:05:00"),
        ("5/13/2021 3:05:07 pm", "2021-05-13T15:05:07"),
        ("13.05.2021 8:05", "2021-05-13T08:05:00"),
    ],
)
def test_the_time_of_day_is_local_time_as_it_stands(cell, moment):
    assert learn([cell]).moments[cell].isoformat() == moment


@pytest.mark.parametrize(
    "cells",
    [["2021-13-13"], ["30.02.2021"], ["1.5"], ["12.30"], ["10.10.10.10"], ["May"], ["12"], ["1 2 3"], ["13:30"], [""], []]
    + [["13/05/2021", "05/13/2021"], ["2021-05-13", "soon"], ["20210513"], ["2021-05-13 25:00"], ["May May 2021"]],
)  # fmt: skip
def test_what_is_no_date_or_of_no_single_order_is_none(cells):
    assert learn(cells) is None


def test_two_digit_years_turn_at_69_and_only_where_the_column_has_them():
    learnt = learn(["01.02.68", "01.02.69"])

    assert [moment.year for moment in learnt.moments.values()] == [2068, 1969]
    assert DateFormat("%d.%m.%Y").moment("01.02.68") is None


ORDERS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%b-%Y", "%b %d, %Y", "%d/%m/%y", "%m-%d-%y"]
TIMES = ["", " %H:%M", "T%H:%M:%S", " %I:%M %p"]


@given(
    st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2060, 1, 1)), min_size=1, max_size=30),
    st.sampled_from(ORDERS),
    st.sampled_from(TIMES),
)
def test_dates_in_any_format_come_back_or_both_readings_are_known(moments, date, time):
    cells = {
        moment.strftime(date + time): dt.datetime.strptime(moment.strftime(date + time), date + time)
        for moment in moments
    }
    learnt = learn(list(cells))

    if learnt.other is None:
        assert learnt.moments == cells
    else:
        assert cells in (learnt.moments, {cell: learnt.other.moment(cell) for cell in cells})
        assert all(learnt.moments[cell] != learnt.other.moment(cell) for cell in learnt.ambiguous)


@given(st.text(max_size=20))
def test_any_text_is_a_date_or_none(text):
    learn([text.strip()])
    DateFormat("%d/%m/%Y").moment(text)
    time_of_day(text)


@given(st.times())
def test_a_time_of_day_is_minutes_and_comes_back(time):
    text = time.isoformat()

    assert minutes(time_text(minutes(text))) == minutes(text)
    assert dt.time.fromisoformat(time_of_day(text)) == time


@pytest.mark.parametrize(
    ("cell", "time"),
    [("8:30", "08:30"), ("08:30:15", "08:30:15"), ("8:30 pm", "20:30"), ("12:00 AM", "00:00"), ("24:00", None), ("8.30", None), ("8:5", None)],
)  # fmt: skip
def test_times_of_day_in_their_spellings(cell, time):
    assert time_of_day(cell) == time


AT = Field("at", "datetime", "datetime64[ns]", {"en": "At"}, "2023-01-01T00:00:00")
CLOCK = Field("clock", "time", "float64", {"en": "Clock"}, "08:30", observed_min="06:00", observed_max="22:00")


def test_a_moment_and_a_time_of_day_are_iso_texts_in_records_and_numbers_in_arrays():
    assert AT.check("2023-05-01T23:30:00+02:00") == ("2023-05-01T23:30:00", None)
    assert AT.check("2023-05-01") == ("2023-05-01T00:00:00", None)
    assert CLOCK.check("7:05") == ("07:05", None)
    assert arrays.array(CLOCK, ["07:05", None]).tolist()[0] == 425
    assert arrays.array(AT, ["1970-01-01T01:00:00"]).tolist() == [3600]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [(AT, "noon", ExpectedType.DATETIME), (AT, 5, ExpectedType.DATETIME), (CLOCK, "25:00", ExpectedType.TIME), (CLOCK, 8.5, ExpectedType.TIME)],
)  # fmt: skip
def test_what_is_no_moment_or_time_is_refused_with_an_example(field, value, expected):
    with pytest.raises(FieldError) as refused:
        field.check(value)

    assert (refused.value.code, refused.value.expected) == (FaultCode.WRONG_TYPE, expected)


def rows(*columns):
    return "\n".join(map(",".join, zip(*columns, strict=True))) + "\n"


def hours(count=96):
    return [f"{row % 24:02}:{row * 7 % 60:02}" for row in range(count)]


@pytest.mark.parametrize(
    "kind", ["datetime", pytest.param("time", marks=pytest.mark.slow), pytest.param("date", marks=pytest.mark.slow)]
)
def test_hours_times_and_days_with_gaps_are_learnt_compiled_and_served_as_they_stand(tmp_path, kind):
    days = [f"{row % 28 + 1:02}.{row % 12 + 1:02}.2023" for row in range(96)]
    cells = {
        "datetime": [f"{day} {hour}" for day, hour in zip(days, hours(), strict=True)],
        "time": hours(),
        "date": days,
    }[kind]
    wanted = [f"{row % 12 if kind == 'date' else row % 24 * 5.0 + row % 3:.1f}" for row in range(96)]
    cells[5], cells[50] = "", "?"
    table = rows(["at", *cells], ["x", *(str(row % 11) for row in range(96))], ["y", *wanted])

    version, schema, answers = answers_of_its_own_file(tmp_path, table, f"with-{kind}")

    assert (version.engine, schema.by_name["at"].kind, schema.by_name["at"].nullable) == ("onnx", kind, True)
    assert [row["problems"] for row in answers] == [""] * 96
    early, late = (float(answers[row]["prediction"]) for row in (1, 23))
    if kind != "date":
        assert late - early == pytest.approx(110, abs=25)


@pytest.mark.parametrize("cells", [["1973-01", "1973-12"], ["01/1973", "12/1973"], ["Jan 1973", "Dec 1973"]])
def test_months_stand_for_their_first_day(cells):
    learnt = learn(cells)
    assert [moment.date().isoformat() for moment in learnt.moments.values()] == ["1973-01-01", "1973-12-01"]
    assert learnt.format.moment("1973-1-1") is None


@pytest.mark.parametrize("cells", [["2004-05", "2005-06"], ["1973-01", "1973-13"]])
def test_seasons_and_months_that_are_none_are_no_dates(cells):
    assert learn(cells) is None
