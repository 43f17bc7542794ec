"""The benchmark's own arithmetic, and that its load generator counts no invalid answers."""

import functools
import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from bench import machine, report, scale
from bench.__main__ import build_parser, resolve
from bench.load import PAUSE, LoadError, ask, fire, post
from bench.overhttp import Expected, predictions
from bench.page import percentile, written
from bench.report import Bar
from bench.rounds import ratio, rotated
from bench.soak import Minute, faults
from tests.calls import in_a_thread

pytestmark = pytest.mark.slow

REQUESTS = [post("/predict", b'{"number": %d}' % number) for number in range(4)]


def apart(test):
    """The test on a thread of its own: after browser tests Playwright's event loop runs in the main one."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(test, *args, **kwargs).result()

    return run


@contextmanager
def answering(reply: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """The port of a server that sends the pieces of `reply(body)`; no pieces close the connection."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                length = 0
                while (line := self.rfile.readline()) != b"\r\n":
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                pieces = reply(self.rfile.read(length))
                for piece in pieces:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(0.002)
                if not pieces:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def http(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


# The load generator


@apart
def test_each_request_is_answered_by_its_own_answer_though_it_comes_in_pieces():
    def in_pieces(body: bytes) -> list[bytes]:
        whole = http(body * 1000)
        return [whole[:10], whole[10:40], whole[40:500], whole[500:]]

    with answering(in_pieces) as port:
        bodies = ask(port, REQUESTS)

    assert bodies == [b'{"number": %d}' % number * 1000 for number in range(4)]


@apart
def test_several_connections_send_the_requests_in_turn_and_every_answer_is_counted():
    seen: list[int] = []

    def count(body: bytes) -> list[bytes]:
        seen.append(json.loads(body)["number"])
        return [http(b"{}")]

    with answering(count) as port:
        load = in_a_thread(fire, port, REQUESTS, connections=4, seconds=0.1, least=40)

    assert len(load.latencies) == len(seen) >= 40
    assert set(seen) == {0, 1, 2, 3}
    assert load.rate == pytest.approx(len(seen) / load.seconds) and 0 < load.p50 <= load.seconds


@apart
def test_a_refused_call_is_counted_apart_and_sent_again_after_a_moment():
    seen: list[float] = []

    def busy(body: bytes) -> list[bytes]:
        seen.append(time.perf_counter())
        return [http(b"{}", b"503 Service Unavailable" if len(seen) == 2 else b"200 OK")]

    with answering(busy) as port:
        load = in_a_thread(fire, port, REQUESTS, connections=1, seconds=0, least=5, may_refuse=True)

    assert (len(load.latencies), load.refusals, len(seen)) == (5, 1, 6)
    assert seen[2] - seen[1] >= PAUSE and load.p99 < PAUSE


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        pytest.param([http(b"{}", b"503 Service Unavailable")], "503 Service", id="503"),
        pytest.param([http(b"{}", b"500 Internal Server Error")], "500 Internal", id="500"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], "a length", id="no length"),
        pytest.param([], "was closed", id="closed"),
    ],
)
@apart
def test_an_invalid_answer_ends_the_run(pieces, reason):
    with answering(lambda _: pieces) as port, pytest.raises(LoadError, match=reason):
        in_a_thread(fire, port, REQUESTS, connections=2, seconds=5)


@apart
def test_a_sample_that_differs_from_the_first_answer_is_found():
    with answering(lambda body: [http(b'{"predictions": [%d]}' % json.loads(body)["number"])]) as port:
        expected = Expected("it", port, REQUESTS)

    expected.check([(3, b'{"predictions": [3.0]}'), (0, b'{"predictions": [{"prediction": 0}]}')])
    with pytest.raises(LoadError, match="it answered request 2 otherwise"):
        expected.check([(2, b'{"predictions": [1]}')])


@pytest.mark.parametrize("body", [b'{"predictions": []}', b'{"predictions": [NaN]}'])
def test_an_answer_without_a_finite_prediction_is_none(body):
    with pytest.raises(LoadError, match="without a finite prediction"):
        predictions(body)


# The figures


def test_each_contender_is_first_in_turn():
    assert [rotated("abc", number) for number in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


def test_a_round_in_which_everything_was_slow_does_not_move_the_ratio():
    measured = {"ms": {"ours": [10.0, 1000.0, 12.0], "theirs": [5.0, 500.0, 4.0]}}

    assert ratio(measured, "ms", "ours", "theirs") == 2
    assert ratio(measured, "ms", "ours", "nobody") is None


@pytest.mark.parametrize(
    ("bar", "found"),
    [
        (Bar("", "ms", "ours", most=10), (10, "at most 10", "met")),
        (Bar("", "ms", "ours", most=9.9), (10, "at most 9.9", "NOT met")),
        (Bar("", "ms", "ours", "theirs", least=2), (2, "at least 2", "met")),
        (Bar("", "ms", "theirs", "ours", least=2), (0.5, "at least 2", "NOT met")),
        (Bar("", "s", "ours", most=1), (None, "at most 1", "not measured")),
    ],
)
def test_a_bar_is_met_at_its_figure_and_on_its_side(bar, found):
    assert bar.judge({"ms": {"ours": [8.0, 10.0, 12.0], "theirs": [4.0, 5.0, 6.0]}}) == found


def test_the_table_shows_measurements_targets_and_that_a_smoke_run_must_not_be_quoted():
    measured = {"one_p50_ms": {"Slipway": [1.5, 2.5, 3.5], "FastAPI, no model": [0.5]}}
    result = {
        "date": "2026-01-02",
        "commit": "abc",
        "settings": {"quick": True},
        "models": {"insurance:1": "onnx"},
        "machine": {"cpu": "one"},
        "versions": {"numpy": "1"},
        "measured": measured,
        "bars": report.judged(measured),
    }

    text = report.render(result)

    assert "do not quote these figures" in text and "insurance:1 (onnx)" in text
    assert re.search(r"^\| POST /predict, 1 connection: p50 ms +\| 2\.5 +\| at most 2\.2 +\| NOT met +\|$", text, re.M)
    assert re.search(r"^\| Slipway +\| 2\.5 \(1\.5–3\.5\) +\| – +\|", text, re.M)
    assert "## Memory" not in text
    assert len({len(line) for line in text.split("\n\n") if line.startswith("| bar") for line in line.split("\n")}) == 1


@pytest.mark.parametrize(("value", "said"), [(None, "–"), (1234.5, "1,234"), (99.94, "99.9"), (0.04567, "0.0457")])
def test_a_figure_has_three_digits_that_mean_something(value, said):
    assert report.figure(value) == said


def test_the_options_outweigh_the_settings_and_an_unknown_part_is_named(capsys):
    parser = build_parser()

    settings = resolve(parser, parser.parse_args(["--quick", "--only", "http, start", "--rounds", "3"]))

    assert (settings.parts, settings.rounds, settings.starts, settings.quick) == (("http", "start"), 3, 3, True)
    with pytest.raises(SystemExit):
        resolve(parser, parser.parse_args(["--only", "https"]))
    assert "unknown https; known are inprocess, http" in capsys.readouterr().err


def test_a_processors_name_becomes_part_of_a_file_name():
    assert machine.slug("Intel(R) Xeon(R) CPU @ 2.00GHz") == "intel-xeon-cpu-2-00ghz"


@pytest.mark.parametrize(("share", "found"), [(0.5, 10), (0.95, 19), (0.96, 20), (0.01, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(share, found):
    assert percentile(list(range(20, 0, -1)), share) == found


def test_a_file_for_the_page_has_so_many_rows_whatever_the_records(tmp_path):
    file = written(tmp_path / "a.csv", [{"age": 1, "sex": "m"}, {"age": None, "sex": "f,"}], 5)

    assert file.read_text().splitlines() == ["age,sex", "1,m", ',"f,"', "1,m", ',"f,"', "1,m"]


# The soak


def minutes(*figures: tuple[float, float]) -> list[Minute]:
    return [Minute([seconds] * 100, memory=memory) for seconds, memory in figures]


def test_a_server_that_stays_as_it_was_holds():
    assert faults(minutes((0.01, 300), (0.019, 305))) == []


@pytest.mark.parametrize(
    ("later", "failures", "named"),
    [
        pytest.param((0.01, 307), [], "memory grew by 2.3 %", id="memory"),
        pytest.param((0.021, 300), [], "rose to 21.0 ms", id="slower"),
        pytest.param((0.01, 300), ["HTTP/1.1 500 "], "1 calls failed, the first with 'HTTP/1.1 500 '", id="failed"),
    ],
)
def test_a_server_that_does_not_is_told_why(later, failures, named):
    measured = minutes((0.01, 300), later)
    measured[1].failures = failures

    (fault,) = faults(measured)

    assert named in fault


def test_files_of_many_rows_are_measured(insurance, tmp_path, capsys):
    scale.main(["--model", insurance, "--rows", "20000", "--peers", "0", "--workers", "2", "--out", f"{tmp_path}/s.md"])

    lines = [line for line in (tmp_path / "s.md").read_text().splitlines() if line.startswith("| slipway score")]
    assert [line.split("|")[1:3] for line in lines] == [
        [" slipway score, parquet ", " 20,000 "],
        [" slipway score, csv ", " 20,000 "],
    ]
