"""The batch tab, in a real browser, against the real server, compared with the fitted pipeline itself."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from threading import Event

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway import store
from slipway.inference import frames
from slipway.inference.equality import equal
from slipway.page.batch import tab as batch
from slipway.page.context import PageContext
from slipway.service.file_answer import Wanted, answer_file
from slipway.service.model import LoadedModel
from slipway.service.requests import RequestError
from tests.calls import HEADER, ROW, on_a_loop
from tests.conftest import HOME, PATIENT, PERSON, Server, pipeline, serve

browsed = pytest.mark.browser
MARKUP = "<img src=x onerror=window.ran=1>"


@pytest.fixture(scope="module")
def small_server(insurance: str) -> Iterator[Server]:
    """A server with limits that a test can reach."""
    limits = {"SLIPWAY_MAX_ROWS": "5", "SLIPWAY_MAX_MEGABYTES": "1", "SLIPWAY_MAX_REASONS": "3"}
    with serve("--arg", f"model={insurance}", **limits) as server:
        yield server


def kept(name: str, content: str | bytes) -> Path:
    path = HOME / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(page, path: Path, reasons: bool = False) -> str:
    """Choose a file on the batch tab; what the page says of it."""
    page.get_by_role("tab", name=re.compile("Batch|批量")).click()
    page.locator(".slip-reasons-tick").set_checked(reasons)
    page.set_input_files(".slip-drop input", path)
    return page.locator(".slip-done, .slip-error").inner_text()


def downloaded(page, separator: str = ",") -> list[dict[str, str]]:
    """The rows of the file that the page gives back."""
    with page.expect_download() as download:
        page.locator(".slip-download").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def understood(page) -> dict[str, str]:
    """Of what the page understood: term and description."""
    terms, described = (page.locator(f".slip-understood {tag}").all_inner_texts() for tag in ("dt", "dd"))
    return dict(zip(terms, described, strict=True))


def cells(page, column: str) -> list[str]:
    """The cells of a column on the page of the table that is shown."""
    titles = [re.sub(r"\s*$", "", title) for title in page.locator(".slip-table th").all_inner_texts()]
    return page.locator(
        f".slip-table tr:not(.slip-detail) > td:nth-child({titles.index(column) + 1})"
    ).all_inner_texts()


@browsed
def test_a_batch_is_predicted_shown_sorted_filtered_and_given_back_whole(open_page, insurance_server, insurance):
    fitted, schema = pipeline(insurance)
    names = [f"n{i}, “ok”" for i in range(56)] + ["=1+1", "@x", "-5", MARKUP]
    table = pd.DataFrame([PERSON | {"age": 18 + i % 47, "note": name} for i, name in enumerate(names)])
    table[f"={MARKUP}"] = "\tx"
    table = table.sample(frac=1, axis=1, random_state=1)
    page = open_page(insurance_server)

    done = opened(page, kept("people.csv", table.to_csv(index=False)))

    wanted = fitted.predict(frames.frame(schema, schema.columns(table[schema.names].to_dict("records"))))
    assert done == "60 of 60 rows of people.csv predicted" and page.locator(".slip-faulty").count() == 0
    told = understood(page)
    assert (told["Rows"], told["Form"]) == ("60", "CSV, cells separated by commas")
    assert told["Columns used (6)"] == ", ".join(schema.names) and told["Columns missing (0)"] == "none"
    assert set(told["Columns kept, but not used (2)"].split(", ")) == {"note", f"={MARKUP}"}
    plot = page.get_by_role("img", name=re.compile("^60 predictions"))
    label = f"60 predictions from {min(wanted):,.0f} to {max(wanted):,.0f} US dollars a year"
    assert plot.get_attribute("aria-label").startswith(label)
    bars = [
        int(title.rpartition(": ")[2].split()[0])
        for title in plot.locator("[title]").evaluate_all("l => l.map(b => b.title)")
    ]
    assert sum(bars) == 60

    rows = downloaded(page)
    for row, value in zip(rows, wanted, strict=True):
        assert equal({"prediction": float(row["prediction"])}, {"prediction": float(value)}, schema.target)
        assert float(row["low"]) <= float(row["prediction"]) <= float(row["high"])
    assert [row["note"] for row in rows] == [*names[:56], "'=1+1", "'@x", "-5", MARKUP]
    assert {row[f"'={MARKUP}"] for row in rows} == {"'\tx"}

    assert cells(page, "Row") == [str(i) for i in range(1, 51)] and cells(page, "age") == [*map(str, table.age[:50])]
    page.get_by_role("button", name="Next").click()
    assert cells(page, "note") == names[50:]
    page.get_by_role("button", name="Prediction").click()
    page.get_by_role("button", name="Prediction").click()
    assert page.locator("th[aria-sort=descending]").inner_text() == "Prediction"
    assert cells(page, "Prediction") == [f"{value:,.0f}" for value in sorted(wanted, reverse=True)[:50]]
    page.get_by_label("Show rows that contain").fill("ONERROR")
    page.locator(".slip-turn [role=status]", has_text="1 to 1 of 1").wait_for()
    assert cells(page, "note") == [MARKUP] and page.evaluate("window.ran") is None


@browsed
def test_a_diabetes_batch_has_classes_probabilities_and_the_reasons_of_explain(open_page, diabetes_server, diabetes):
    fitted, schema = pipeline(diabetes)
    records = [PATIENT | {"Glucose": glucose} for glucose in range(60, 200, 10)]
    page = open_page(diabetes_server)

    opened(page, kept("patients.csv", pd.DataFrame(records).to_csv(index=False)), reasons=True)

    rows = downloaded(page)
    frame = frames.frame(schema, schema.columns(records))
    scores = fitted.predict_proba(frame)[:, 1]
    classes = (scores >= 0.3).astype(int).tolist()
    assert [int(row["prediction"]) for row in rows] == classes
    assert {row["threshold"] for row in rows} == {"0.3"}
    assert [float(row["probability_1"]) for row in rows] == pytest.approx(scores.tolist(), abs=1e-5)
    for position in (0, 13):
        told = diabetes_server.post("/explain", json={"record": records[position]}).json()
        assert float(rows[position]["base"]) == told["base"]
        found = {name: float(rows[position][f"contribution_{name}"]) for name in schema.names}
        assert found == {one["field"]: one["contribution"] for one in told["contributions"]}
    largest = max(told["contributions"], key=lambda one: abs(one["contribution"]))
    reason = cells(page, "Largest reasons (percentage points of “With”)")[13].partition(";")[0]
    assert reason == f"{largest['field']} +{largest['contribution'] * 100:.1f}"
    assert cells(page, "Prediction") == [{0: "Without", 1: "With"}[value] for value in classes]
    with_it = sum(classes)
    counted = [re.sub(r"\s+", " ", text) for text in page.locator(".slip-classes li").all_inner_texts()]
    assert [text.partition(" (")[0] for text in counted] == [f"Without {14 - with_it}", f"With {with_it}"]


@browsed
def test_faulty_rows_are_listed_with_line_and_reason_in_both_languages(open_page, insurance_server):
    path = kept("faulty.csv", f"{HEADER}\n{ROW}\n41,mal,25,0,no,southwest\n42,male\n")
    page = open_page(insurance_server)

    done = opened(page, path)

    assert done == "1 of 3 rows of faulty.csv predicted"
    said = [
        "Row 2 (line 3 of the file): sex: 'mal' unknown category, expected female, male",
        "Row 3 (line 4 of the file): 2 cells, the header has 6",
    ]
    assert page.locator(".slip-faulty li").all_inner_texts() == said
    assert [bool(row["prediction"]) for row in downloaded(page)] == [True, False, False]
    page.get_by_label("Only rows without a prediction (2)").check()
    assert cells(page, "Row") == ["2", "3"] and page.locator(".slip-detail").all_inner_texts() == said
    chinese = open_page(insurance_server, "/ui/zh/")
    opened(chinese, path)
    assert chinese.locator(".slip-faulty li").all_inner_texts() == [
        "第 2 行数据（文件第 3 行）：sex：'mal' 未知类别，应为 female、male",
        "第 3 行数据（文件第 4 行）：有 2 个单元格，而表头有 6 个",
    ]


@browsed
def test_decimal_commas_are_read_and_given_back(open_page, insurance_server):
    page = open_page(insurance_server)

    text = f"{HEADER},note\n{ROW},-1.5\n".replace(",", ";").replace("25.0", "25,5").replace("-1.5", "-1,5")
    opened(page, kept("semicolon.csv", text))

    (row,) = downloaded(page, ";")
    answer = insurance_server.post("/predict", json={"records": [PERSON | {"bmi": 25.5}]}).json()["predictions"][0]
    assert float(row["prediction"].replace(",", ".")) == answer["prediction"] and "," in row["prediction"]
    form = "CSV, cells separated by semicolons; numbers with a decimal comma, in the download too"
    assert understood(page)["Form"] == form and (row["bmi"], row["note"]) == ("25,5", "-1,5")


@browsed
def test_files_that_cannot_be_predicted_are_refused_in_words_and_the_next_one_is(open_page, insurance_server):
    page = open_page(insurance_server)
    for name, content, said in (
        ("nothing.csv", b"", "nothing.csv: the file is empty; expected a header line and rows"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "picture.csv: the file is a PNG file, not a CSV text"),
        ("photo.csv", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(40), "photo.csv: the file is not a text table"),
        ("text.parquet", b"age,sex\n1,male\n", "cannot be read as Parquet (it does not start like a Parquet file)"),
        ("broken.parquet", b"PAR1" + bytes(40), "broken.parquet cannot be read as Parquet"),
    ):
        assert said in opened(page, kept(name, content))
    missing = opened(page, kept("missing.csv", f"Ages;sex;{MARKUP}\n1;male;x\n"))
    assert missing == "missing.csv cannot be predicted yet: 5 columns are missing."
    told = understood(page)
    assert told["Columns missing (5)"] == "age, bmi, children, smoker, region"
    assert told["Columns used (1)"] == "sex" and told["Columns kept, but not used (2)"] == f"Ages, {MARKUP}"
    assert opened(page, kept("good.csv", f"{HEADER}\n{ROW}\n")) == "1 of 1 row of good.csv predicted"
    assert page.evaluate("window.ran") is None


def workbook(rows):
    file = io.BytesIO()
    pd.DataFrame(rows[1:], columns=rows[0]).to_excel(file, index=False)
    return file.getvalue()


@browsed
def test_what_a_file_without_a_column_has_instead_is_what_the_server_read(open_page, insurance_server):
    page = open_page(insurance_server)
    rows = [["Ages", "sex", "a|b"], ["1", "male", "x"], ["2", "female", "y"], ["3", "male", "z"]]
    piped = "sep=|\n" + "\n".join("|".join(f"'{cell}'" for cell in row) for row in rows)

    for name, content in (("piped.csv", piped), ("book.xlsx", workbook(rows)), ("lines.json", as_records(rows))):
        opened(page, kept(name, content))

        told = understood(page)
        assert told["Columns used (1)"] == "sex" and told["Columns kept, but not used (2)"] == "Ages, a|b", name


def as_records(rows):
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]])


@browsed
def test_columns_spelt_otherwise_are_used_and_named_as_the_file_has_them(open_page, insurance_server):
    page = open_page(insurance_server)

    done = opened(page, kept("spelt.csv", f"{HEADER}\n{ROW}\n".replace("bmi", "BMI ").replace("smoker", "Smoker")))

    assert done == "1 of 1 row of spelt.csv predicted"
    told = understood(page)
    used = "age, sex, bmi (in the file: BMI), children, smoker (in the file: Smoker), region"
    assert told["Columns used (6)"] == used and told["Columns kept, but not used (0)"] == "none"


@browsed
def test_limits_are_said_in_words_and_reasons_stop_at_theirs(open_page, small_server):
    page = open_page(small_server)
    rows = {count: kept(f"rows{count}.csv", f"{HEADER}\n" + f"{ROW}\n" * count) for count in (3, 4, 6)}
    wide = ",".join(f"c{i}" for i in range(4994))
    blank = "," * 4994

    opened(page, rows[3], reasons=True)
    assert re.fullmatch(r"(\S.* [+−][\d,]+; ){2}\S.* [+−][\d,]+", cells(page, "Largest reasons")[0])
    opened(page, rows[4], reasons=True)
    assert page.locator(".slip-note").inner_text().startswith("The file has 4 rows. Reasons are added for up to 3,")
    assert "base" not in downloaded(page)[0] and page.locator(".slip-note").is_visible()
    assert opened(page, rows[6]) == "rows6.csv: the file has at least 6 rows; the limit is 5: split it"
    assert "big.csv has 2 MB; the limit is 1 MB" in opened(page, kept("big.csv", b"x" * 2 * 1024 * 1024))
    assert opened(page, kept("wide.csv", f"{HEADER},{wide}\n{ROW}{blank}\n")) == "1 of 1 row of wide.csv predicted"
    assert "and 4,974 more" in understood(page)["Columns kept, but not used (4,994)"]
    assert page.locator(".slip-table th").count() == 44
    assert page.get_by_text("4,960 more columns are in the download.").is_visible() and len(downloaded(page)[0]) == 5006


@browsed
def test_while_the_server_is_away_the_page_says_so_and_then_it_works_again(open_page, insurance_server):
    page = open_page(insurance_server)
    path = kept("again.csv", f"{HEADER}\n{ROW}\n")
    pd.read_csv(path).to_parquet(HOME / "again.parquet")

    ours = re.compile(r"/predict_csv\?|/hyparquet\.min\.js")

    for file in (path, HOME / "again.parquet"):
        page.route(ours, lambda route: route.abort("connectionrefused"))
        assert opened(page, file) == "The server cannot be reached. Try again in a moment."
        page.unroute(ours)
        page.get_by_role("button", name="Try again").click()
        page.locator(".slip-done").wait_for()
        assert page.locator(".slip-done").inner_text() == f"1 of 1 row of {file.name} predicted"
    page.route(ours, lambda route: None)  # a server that does not answer
    page.set_input_files(".slip-drop input", path)
    page.get_by_role("button", name="Cancel").click()
    assert page.locator(".slip-batch-status").inner_text() == "" and page.locator(".slip-download").count() == 0
    page.unroute(ours)
    assert opened(page, path) == "1 of 1 row of again.csv predicted"


def people_in_parquet() -> pa.Table:
    """Two people, with columns of every kind that a cell has to be made of."""
    ages = pa.array([40, 41], pa.int64())
    day, moment = dt.date(2024, 5, 31), dt.datetime(2024, 5, 31, 13, 45, 7)
    table = pd.DataFrame([PERSON, PERSON]).drop(columns="age").assign(sex=pd.Categorical(["male", "female"]))
    zoned = pd.Series(pd.to_datetime([day, day])).dt.tz_localize("Europe/Berlin")
    odd = {
        "big": pa.array([2**53 + 1, None]),
        "decimal": pa.array([Decimal("1.10"), Decimal("-0.07")], pa.decimal128(9, 2)),
        "flag": pa.array([True, False]),
        "single": pa.array([0.5, float("nan")], pa.float32()),
        "day": pa.array([day, None]),
        "moment": pa.array([moment, dt.datetime(2024, 5, 31)], pa.timestamp("ns")),
        "text": pa.array(['a "b", c\nd', MARKUP]),
        "list": pa.array([[1, 2], None]),
    }
    found = pa.Table.from_pandas(table.assign(zoned=zoned), preserve_index=False).append_column("age", ages)
    for name, column in odd.items():
        found = found.append_column(name, column)
    return found


@browsed
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_parquet_is_read_in_the_browser_whatever_its_compression(open_page, insurance_server, insurance, locale):
    fitted, schema = pipeline(insurance)
    table = people_in_parquet()
    page = open_page(insurance_server, locale=locale)
    codecs = ["snappy", "gzip", "zstd", "lz4", "none"] if locale == "en-US" else ["snappy"]
    records = [PERSON, PERSON | {"age": 41, "sex": "female"}]
    wanted = fitted.predict(frames.frame(schema, schema.columns(records)))

    for codec in codecs:
        path = HOME / f"{codec}.parquet"
        pq.write_table(
            table, path, compression=codec, version="2.6", data_page_version="2.0" if codec == "zstd" else "1.0"
        )
        assert "2" in opened(page, path) and page.locator(".slip-error").count() == 0
        rows = downloaded(page)
        assert [float(row["prediction"]) for row in rows] == pytest.approx(wanted.tolist(), abs=0.01)
        columns = ["big", "decimal", "flag", "single", "day", "moment", "zoned", "text", "list"]
        assert [[row[name] for name in columns] for row in rows] == [
            [
                str(2**53 + 1),
                "1.10",
                "True",
                "0.5",
                "2024-05-31",
                "2024-05-31 13:45:07",
                "2024-05-31",
                'a "b", c\nd',
                "[1,2]",
            ],
            ["", "-0.07", "False", "", "", "2024-05-31", "2024-05-31", MARKUP, ""],
        ]
    assert "Parquet" in understood(page).values() and page.evaluate("window.ran") is None
    pq.write_table(table, HOME / "brotli.parquet", compression="brotli")
    refused = {"en-US": "(compressed with BROTLI)", "zh-CN": "（使用了 BROTLI 压缩）"}[locale]
    assert refused in opened(page, HOME / "brotli.parquet")


@browsed
def test_the_template_is_a_csv_that_works(open_page, insurance_server):
    page = open_page(insurance_server)
    page.get_by_role("tab", name="Batch").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download a CSV to start from").click()

    answer = insurance_server.post("/predict_csv", files={"file": Path(download.value.path()).read_bytes()})

    assert answer.status_code == 200 and answer.headers["x-faulty-rows"] == "0"


def test_the_reader_of_parquet_is_served_to_be_kept_and_nothing_beside_it(insurance_server):
    reader = insurance_server.get(f"/ui/{batch.reader_address()}")

    assert reader.content == batch.READER.read_bytes() and b"Permission is hereby granted" in reader.content
    assert (
        reader.headers["content-type"].startswith("text/javascript") and "immutable" in reader.headers["cache-control"]
    )
    for other in ("batch.js", "batch.py", "hyparquet.min.js/../batch.py", "zh/hyparquet.min.js"):
        assert insurance_server.get(f"/ui/{other}").status_code == 404, other


def test_reasons_are_offered_for_as_many_rows_as_can_be_explained_in_time(insurance, monkeypatch):
    monkeypatch.setattr(batch, "LONGEST", 1e-6)

    assert batch._reasons(LoadedModel(store.find(insurance)))["most"] == 1


def test_an_estimator_without_probabilities_has_no_reasons_to_offer(bare):
    served = LoadedModel(store.find(bare))
    header, row = ",".join(PATIENT), ",".join(map(str, PATIENT.values()))
    content = f"{header}\n{row}\n".encode()

    assert batch._for_script(PageContext(served.version, "en"), served)["reasons"] is None
    with pytest.raises(RequestError, match="without probabilities") as caught:
        on_a_loop(answer_file(served, content, Wanted(reasons=True), Event()))
    assert caught.value.code == "no_probabilities"
    plain = on_a_loop(answer_file(served, content, Wanted(), Event()))
    answered = "prediction,probability_0,probability_1,threshold,codes,warnings,problems"
    assert plain.body.decode() == f"{header},{answered}\n{row},0,,,,,,\n"


@browsed
def test_a_threshold_that_was_moved_is_carried_over_to_a_file_and_named(open_page, diabetes_server):
    page = open_page(diabetes_server)
    page.get_by_role("tab", name="Batch").click()
    assert page.get_by_label("Threshold (%)").input_value() == "30"
    page.get_by_role("tab", name="Predict").click()
    page.locator(".slip-threshold input[type=range]").fill("0.1")
    page.locator(".slip-verdict", has_text="10%").wait_for()

    opened(page, kept("patients.csv", pd.DataFrame([PATIENT]).to_csv(index=False)))

    assert page.get_by_label("Threshold (%)").input_value() == "10"
    page.get_by_text("Decided at 10% as a what-if; the version's own threshold is 30%.").wait_for()
    assert [row["threshold"] for row in downloaded(page)] == ["0.1"]
    page.get_by_role("tab", name="Predict").click()
    page.locator(".slip-threshold input[type=range]").fill("0.3")
    page.get_by_role("tab", name="Batch").click()
    page.wait_for_function("document.querySelector('.slip-batch-threshold').value === '30'")
