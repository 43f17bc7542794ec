"""Requests of somebody who means harm, or does not know how: each is refused as such, and the next good one is answered."""

import gzip
import io
import json
import re
import select
import socket
import struct
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from slipway.service._uvicorn import FRAMING
from tests.calls import CSV, GOOD, HEADER, ROW
from tests.conftest import PERSON, Server, serve

HOST = "Host: x\r\n"
KIND = "Content-Type: application/json\r\n"
CHUNKED = f"POST /predict HTTP/1.1\r\n{HOST}{KIND}Transfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n"
SECOND = f"GET /livez HTTP/1.1\r\n{HOST}\r\n"


@pytest.fixture(scope="module")
def server(insurance: str) -> Iterator[Server]:
    """One worker with deadlines that a test can wait for."""
    seconds = {f"SLIPWAY_{name}_SECONDS": "2" for name in ("HEADER", "PAUSE", "IDLE")} | {"SLIPWAY_BODY_SECONDS": "4"}
    with serve("--arg", f"model={insurance}", SLIPWAY_MAX_CONNECTIONS="200", **seconds) as running:
        yield running


@pytest.fixture(autouse=True)
def good_afterwards(server: Server) -> Iterator[None]:
    """The next good request is answered, whatever was sent before, and nothing has failed."""
    yield
    answer = exchange(server, post(GOOD))
    assert statuses(answer) == [200] and b'"prediction":' in answer
    log = server.log.read_text(errors="replace")
    assert "Traceback" not in log and " 500 " not in log


def address(server: Server) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return host, int(port)


def connect(server: Server) -> socket.socket:
    return socket.create_connection(address(server), timeout=20)


def read(connection: socket.socket) -> bytes:
    """All that comes until the other side closes the connection."""
    found = b""
    while block := connection.recv(65536):
        found += block
    return found


def exchange(server: Server, *parts: str | bytes) -> bytes:
    """What is answered to some bytes until the connection is closed: of idle ones, after two seconds."""
    with connect(server) as connection:
        for part in parts:
            connection.sendall(part.encode("latin-1") if isinstance(part, str) else part)
        return read(connection)


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


def post(content: bytes | str, kind: str = "application/json", path: str = "/predict", more: str = "") -> bytes:
    """A request that is the last of its connection."""
    body = content.encode() if isinstance(content, str) else content
    head = f"POST {path} HTTP/1.1\r\n{HOST}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return f"{head}{more}\r\n".encode("latin-1") + body


def get(path: str, more: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n{more}\r\n"


# What two programs could read differently

SMUGGLED = {
    "length and chunks": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two equal lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
    "two lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    "list of lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5, 5\r\n\r\nabcde",
    "signed length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: +5\r\n\r\nabcde",
    "negative length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: -5\r\n\r\nabcde",
    "hexadecimal length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 0x5\r\n\r\nabcde",
    "no length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: \r\n\r\n",
    "endless length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: {'9' * 30}\r\n\r\n",
    "length of digits of another script": f"POST / HTTP/1.1\r\n{HOST}Content-Length: \xb2\r\n\r\nab",
    "unknown coding": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "gzip and chunked": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked and gzip": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: identity\r\n\r\n",
    "quoted chunked": f'POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "vertical tab before chunked": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": f"POST / HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank before the colon": "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "blank before the colon of chunks": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "folded header": f"GET / HTTP/1.1\r\n{HOST}A: b\r\n c\r\n\r\n",
    "folded chunks": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "blank before the first header": "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "only line feeds": "GET / HTTP/1.1\nHost: x\n\n",
    "a line feed in the head": "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "a line feed at the end": "GET / HTTP/1.1\r\nHost: x\r\n\n",
    "a carriage return in a value": f"GET / HTTP/1.1\r\n{HOST}A: b\rc\r\n\r\n",
    "NUL in a value": f"GET / HTTP/1.1\r\n{HOST}A: b\0c\r\n\r\n",
    "NUL in a name": f"GET / HTTP/1.1\r\n{HOST}A\0: b\r\n\r\n",
    "header without a name": f"GET / HTTP/1.1\r\n{HOST}: b\r\n\r\n",
    "header without a colon": f"GET / HTTP/1.1\r\n{HOST}abc\r\n\r\n",
    "header name that is not ASCII": f"GET / HTTP/1.1\r\n{HOST}\xe4: b\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "negative chunk": f"{CHUNKED}-1\r\n\r\n",
    "endless chunk": f"{CHUNKED}{'f' * 17}\r\n\r\n",
    "chunk with 0x": f"{CHUNKED}0x1\r\na\r\n0\r\n\r\n",
    "chunk with a blank": f"{CHUNKED} 1\r\na\r\n0\r\n\r\n",
    "chunk with line feeds": f"{CHUNKED}1\na\n0\n\n",
    "chunk longer than it says": f"{CHUNKED}1\r\nab\r\n0\r\n\r\n",
    "chunk shorter than it says": f"{CHUNKED}3\r\na\r\n0\r\n\r\n",
    "chunk without a size": f"{CHUNKED}\r\na\r\n0\r\n\r\n",
    "line feed in a chunk extension": f'{CHUNKED}1;a="b\n"\r\na\r\n0\r\n\r\n',
    "line feed after a chunk extension": f"{CHUNKED}1;a=b\na\r\n0\r\n\r\n",
    "trailer with a line feed": f"{CHUNKED}0\r\nX: y\nZ: z\r\n\r\n",
}  # fmt: skip
NOT_HTTP = {
    "HTTP/2.0": f"GET / HTTP/2.0\r\n{HOST}\r\n",
    "HTTP/2's preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9 with headers": f"GET / HTTP/0.9\r\n{HOST}\r\n",
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/1.2": f"GET / HTTP/1.2\r\n{HOST}\r\n",
    "HTTP/11": f"GET / HTTP/11\r\n{HOST}\r\n",
    "lower case": f"GET / http/1.1\r\n{HOST}\r\n",
    "method in lower case": f"get / HTTP/1.1\r\n{HOST}\r\n",
    "method that nobody knows": f"BREW / HTTP/1.1\r\n{HOST}\r\n",
    "long method": f"{'A' * 5000} / HTTP/1.1\r\n{HOST}\r\n",
    "tabs": f"GET\t/\tHTTP/1.1\r\n{HOST}\r\n",
    "no version": f"GET / \r\n{HOST}\r\n",
    "no path": f"GET HTTP/1.1\r\n{HOST}\r\n",
    "path that is not ASCII": f"GET /\xe9 HTTP/1.1\r\n{HOST}\r\n",
    "path without a slash": f"GET livez HTTP/1.1\r\n{HOST}\r\n",
    "authority": f"GET e.com:80 HTTP/1.1\r\n{HOST}\r\n",
    "NUL in a path": f"GET /\0 HTTP/1.1\r\n{HOST}\r\n",
    "blank in a path": f"GET /a b HTTP/1.1\r\n{HOST}\r\n",
    "CONNECT": f"CONNECT e.com:80 HTTP/1.1\r\n{HOST}\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
    "SSH": "SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": "EHLO x\r\n",
    "Redis": "*1\r\n$4\r\nPING\r\n",
    "SOCKS": b"\x05\x01\x00",
    "PROXY": f"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET / HTTP/1.1\r\n{HOST}\r\n",
    "nothing but NULs": bytes(1000),
    "WebSocket": get("/ui/", "Upgrade: websocket\r\n").replace("close", "Upgrade"),
    "WebSocket of the queue": get("/ui/gradio_api/queue/join", "Upgrade: WebSocket\r\n").replace("close", "Upgrade"),
    "WebSocket of the API": get("/predict", "Upgrade: foo, websocket\r\n").replace("close", "keep-alive, Upgrade"),
}


@pytest.mark.parametrize("request_", [*SMUGGLED.values(), *NOT_HTTP.values()], ids=[*SMUGGLED, *NOT_HTTP])
def test_what_is_not_http_is_refused_once_and_the_connection_closed(server, request_):
    answer = exchange(server, request_, SECOND)

    assert statuses(answer) == [400], answer[:300]
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head and b"content-type: application/json" in head
    assert json.loads(body)["code"] == "invalid_http" and b"Traceback" not in answer


def refused_by_code(server: Server) -> dict[str, float]:
    """The refusals that the metrics have of one worker, by code."""
    return {
        line.partition('code="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in exchange(server, get("/metrics")).decode().splitlines()
        if line.startswith("slipway_requests_refused_total{")
    }


REFUSED = {
    "invalid_http": ("GARBAGE\r\n\r\n", None),
    "invalid_http with an id": (f"GET / HTTP/1.1\r\nX-Request-ID: my-id.1\r\n{HOST}{HOST}\r\n", "my-id.1"),
    "headers_too_large": (f"GET / HTTP/1.1\r\nX-Request-ID: my-id.2\r\nA: {'x' * 70_000}\r\n{HOST}\r\n", "my-id.2"),
    # The parser gives a header once the next line has begun.
    "request_timeout": ("GET / HTTP/1.1\r\nX-Request-ID: my-id.3\r\nA", "my-id.3"),
    "request_timeout of a body": (
        f"POST /predict HTTP/1.1\r\n{HOST}{KIND}Content-Length: 9\r\nX-Request-ID: a b\r\n\r\n{{",
        None,
    ),
}


@pytest.mark.parametrize(
    ("named", "request_", "identity"), [(name, *one) for name, one in REFUSED.items()], ids=REFUSED
)
def test_a_refusal_of_the_protocol_has_an_id_is_counted_and_has_one_line(server, named, request_, identity):
    code = named.partition(" ")[0]
    before = refused_by_code(server).get(code, 0)

    answer = exchange(server, request_).decode()

    found = re.search(r"\r\nx-request-id: (\S+)\r\n", answer)[1]
    assert found == identity or (identity is None and re.fullmatch("[0-9a-f]{20}", found))
    assert refused_by_code(server)[code] == before + 1
    status = answer.partition(" ")[2][:3]
    line = f"a connection is closed: {status} {code} request_id={found}\n"
    assert server.log.read_text(errors="replace").count(line) == 1


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(get("http://e.com/livez"), [200], id="absolute address"),
        pytest.param(f"GET /livez HTTP/1.0\r\n\r\n{SECOND}", [200], id="HTTP/1.0"),
        pytest.param(f"\r\n\r\n{get('/livez')}", [200], id="empty lines before"),
        pytest.param(SECOND + get("/readyz"), [200, 200], id="two at once"),
        pytest.param(get("/livez") + SECOND, [200], id="a second after the last"),
        pytest.param(get("/livez", "Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\n").replace("close", "Upgrade, HTTP2-Settings"), [200], id="h2c"),
        pytest.param(get("/livez", "Content-Length: 3\r\n") + "abc", [200], id="GET with a body"),
        pytest.param(CHUNKED.replace("chunked", "\tChunked").replace("predict", "livez") + "1\r\na\r\n0\r\nX: y\r\n\r\n", [405], id="trailer"),
        pytest.param(post("{}", more="Expect: 100-continue\r\n"), [100, 400], id="100-continue"),
        pytest.param(get("/livez", "Connection: keep-alive\r\n"), [200], id="both kinds of connection"),
    ],
)  # fmt: skip
def test_what_is_odd_and_yet_http_is_answered(server, request_, expected):
    assert statuses(exchange(server, request_)) == expected


def test_a_good_request_before_a_bad_one_is_answered_and_nothing_else(server):
    answer = exchange(server, SECOND + "GARBAGE\r\n\r\n" + SECOND)

    assert statuses(answer) == [200] and b"connection: close" in answer


def test_a_trailer_is_no_header(server):
    answer = exchange(server, CHUNKED.replace(KIND, "") + f"{len(GOOD):x}\r\n{GOOD}\r\n0\r\n{KIND}\r\n")

    assert statuses(answer) == [415]


# Heads

HEADS = {
    "one long header": (get("/", f"A: {'x' * 70_000}\r\n"), 431),
    "headers without an end": ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 50_000, 431),
    "a name without an end": ("GET / HTTP/1.1\r\n" + "a" * 300_000, 431),
    "a long query": (get("/?" + "a" * 70_000), 431),
    "a path without an end": ("GET /" + "a" * 300_000, 431),
    "long chunk extensions": (CHUNKED + f"1;{'a' * 200_000}\r\na\r\n0\r\n\r\n", 431),
    "trailers without an end": (CHUNKED + "0\r\n" + "A: b\r\n" * 50_000, 431),
}
PATHS = [
    "/" + "a" * 5000, "/ui/static/" + "a" * 5000, "/ui/svelte/" + "a" * 5000, "/ui/assets/" + "b" * 5000,
    "/static_content/" + "a" * 5000, "/ui/gradio_api/file=" + "a" * 5000, "/ui/static/%00", "/%ff%fe", "/ui/%ff",
    "/ui/static/%2e%2e%2f%2e%2e%2fetc/passwd", "/..%5c..%5cetc", "/predict/../model/%2e%2e/etc", "/;a=b", "/ui/" + "%2f" * 500,
    "/ui/gradio_api/upload_progress?upload_id=x", "/ui/gradio_api/heartbeat/x", "/ui/gradio_api/stream/a/b/c/playlist.m3u8",
    "/ui/login", "/ui/monitoring", "/ui/custom_component/x/client/component/y", "/%f0%9f%92%a3", "/model/schema/../../..",
]  # fmt: skip


@pytest.mark.parametrize(("request_", "expected"), HEADS.values(), ids=HEADS)
def test_a_head_without_an_end_is_431(server, request_, expected):
    assert statuses(exchange(server, request_)) == [expected]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_that_is_not_there_is_a_4xx(server, path):
    (status,) = statuses(exchange(server, get(path)))

    assert 400 <= status < 500


@pytest.mark.parametrize(
    "header",
    [
        "Accept-Language: \xff\xfe;q=x", "Accept-Language: " + "a," * 9000, "Accept: \x80", "Cookie: " + "a=b;" * 9000, "Cookie: \xff==;;=",
        "Range: bytes=0-0,1-1,2-2", "Range: bytes=-99999999999999", "If-Modified-Since: yesterday", "If-None-Match: *",
        "Authorization: Basic \xff", "Authorization: Bearer", "X-Forwarded-For: " + "1.1.1.1," * 5000, "X-Forwarded-For: \xff",
        "X-Forwarded-Proto: javascript", "Forwarded: for=\"[::", "traceparent: 00-" + "f" * 5000, "traceparent: \xff", "baggage: " + "a=b," * 5000,
        "X-Request-ID: ${jndi:ldap://x}", "Content-Encoding: gzip", "Referer: \x7f\x80", "Accept-Encoding: gzip;q=nan", "Origin: null",
    ],
    ids=lambda header: header[:30].encode("ascii", "replace").decode(),
)  # fmt: skip
@pytest.mark.parametrize("path", ["/model", "/ui/"])
def test_no_header_causes_a_failure(server, path, header):
    (status,) = statuses(exchange(server, get(path, header + "\r\n"))) or [400]

    assert status in (200, 206, 304, 400, 401, 416)


# Bodies


def packed(depth: int) -> bytes:
    content = bytes(10_000_000)
    for _ in range(depth):
        content = gzip.compress(content)
    return content


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


JSON_BODIES = {
    "nested lists": "[" * 100_000,
    "nested objects": '{"a":' * 50_000,
    "nested records": '{"records": ' + "[" * 5000 + "]" * 5000 + "}",
    "a long number": '{"records": [{"age": ' + "9" * 100_000 + "}]}",
    "a large exponent": '{"records": [{"age": 1e999999999}]}',
    "NaN": '{"records": [{"age": NaN}]}',
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-7": "+AHsAIgByAGUAYwBvAHIAZABzACIAOgBbAF0AfQ-",
    "bad UTF-8": b'{"records": [{"age": "\xc3\x28"}]}',
    "overlong UTF-8": b'{"records": [{"age": "\xc0\xaf"}]}',
    "a surrogate": '{"records": [{"age": "\\ud800"}]}',
    "a surrogate as a key": '{"records": [{"\\udfff": 1}]}',
    "NUL": '{"records": [{"age": "\\u0000"}]}',
    "a key twice": '{"records": [], "records": []}',
    "prototype": '{"records": [{"__proto__": {"age": 1}}]}',
    "a comment": '{"records": [] /* x */}',
    "two documents": "{}{}",
    "many keys": json.dumps({"records": [{f"k{i}": 1 for i in range(20_000)}]}),
    "one long text": json.dumps({"records": [PERSON | {"sex": "m" * 1_000_000}]}),
    "an array for a record": '{"records": [[1, 2]]}',
    "nothing": "",
    "a byte order mark and nothing": b"\xef\xbb\xbf",
}
PAGE_BODIES = {
    "a surrogate": json.dumps({"fn_index": 1, "session_hash": "x", "data": ["\ud800"] * 6 + ["[]"]}),
    "a surrogate in the session": json.dumps({"fn_index": 1, "session_hash": "\ud800", "data": [1] * 6 + ["[]"]}),
    "a negative function": '{"fn_index": -1, "data": []}',
    "a large function": '{"fn_index": 1e300, "data": []}',
    "nested data": '{"fn_index": 1, "data": ' + "[" * 50_000,
    "no data": "{}",
    "a long text": json.dumps({"fn_index": 1, "data": ["x" * 2_000_000]}),
}


@pytest.mark.parametrize("path", ["/predict", "/explain"])
@pytest.mark.parametrize("body", JSON_BODIES.values(), ids=JSON_BODIES)
def test_no_json_body_causes_a_failure(server, path, body):
    (status,) = statuses(exchange(server, post(body, path=path)))

    assert status in (400, 413)


@pytest.mark.parametrize("body", PAGE_BODIES.values(), ids=PAGE_BODIES)
def test_no_call_of_the_page_causes_a_failure(server, body):
    # Not the last of its connection, which would be closed while the rest of a long body arrives.
    assert statuses(exchange(server, post(body, path="/ui/gradio_api/run/predict").replace(CLOSE, b""))) == [400]


def part(disposition: str, content: str | bytes, more: str = "") -> bytes:
    body = content.encode() if isinstance(content, str) else content
    return f"--x\r\nContent-Disposition: {disposition}\r\n{more}\r\n".encode("latin-1") + body + b"\r\n"


FILE = 'form-data; name="file"; filename="a.csv"'
END = b"--x--\r\n"
FORMS = {
    "no boundary": (part(FILE, CSV) + END, "multipart/form-data", 400),
    "another boundary": (part(FILE, CSV) + END, "multipart/form-data; boundary=y", 400),
    "an empty boundary": (part(FILE, CSV) + END, 'multipart/form-data; boundary=""', 400),
    "a boundary of 5,000 letters": (part(FILE, CSV) + END, f"multipart/form-data; boundary={'x' * 5000}", 400),
    "a boundary that is not ASCII": (part(FILE, CSV) + END, "multipart/form-data; boundary=\xe9", 400),
    "no end": (part(FILE, CSV), "multipart/form-data; boundary=x", 400),
    "no parts": (END, "multipart/form-data; boundary=x", 400),
    "nothing": (b"", "multipart/form-data; boundary=x", 400),
    "two files": (part(FILE, CSV) * 2 + END, "multipart/form-data; boundary=x", 400),
    "100,000 parts": (part('form-data; name="a"', "") * 20_000 + END, "multipart/form-data; boundary=x", 400),
    "a text for a file": (part('form-data; name="file"', "http://127.0.0.1/") + END, "multipart/form-data; boundary=x", 400),
    "a file name of 5,000 letters": (part(FILE.replace("a.csv", "a" * 5000), "") + END, "multipart/form-data; boundary=x", 400),
    "a file name with a path": (part(FILE.replace("a.csv", "../../etc/passwd"), "x") + END, "multipart/form-data; boundary=x", 400),
    "a file name with NUL": (part(FILE.replace("a.csv", "a\0"), "x") + END, "multipart/form-data; boundary=x", 400),
    "a part without a name": (part("form-data", CSV) + END, "multipart/form-data; boundary=x", 400),
    "a part without headers": (b"--x\r\n\r\nx\r\n" + END, "multipart/form-data; boundary=x", 400),
    "a part with a long header": (part(FILE, "x", f"A: {'b' * 100_000}\r\n") + END, "multipart/form-data; boundary=x", 400),
    "a part with 10,000 headers": (part(FILE, "x", "A: b\r\n" * 10_000) + END, "multipart/form-data; boundary=x", 400),
    "a form in a form": (part(FILE, "x", "Content-Type: multipart/mixed; boundary=y\r\n") + END, "multipart/form-data; boundary=x", 400),
    "a list of values": (part(FILE, "", "Content-Transfer-Encoding: base64\r\n") + END, "multipart/form-data; boundary=x", 400),
    "a form of the web": (b"file=x", "application/x-www-form-urlencoded", 415),
    "a pickle": (b"cos\nsystem\n(S'true'\ntR.", "application/vnd.bentoml+pickle", 415),
    "XML": (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "application/xml", 415),
    "a gzip of zeros": (part(FILE, packed(1)) + END, "multipart/form-data; boundary=x", 400),
    "a gzip of a gzip": (part(FILE, packed(3)) + END, "multipart/form-data; boundary=x", 400),
    "a broken gzip": (part(FILE, packed(1)[:500]) + END, "multipart/form-data; boundary=x", 400),
    "a zip of zeros": (part(FILE, zipped("a.csv", bytes(110_000_000))) + END, "multipart/form-data; boundary=x", 413),
    "a zip of a zip": (part(FILE, zipped("a.zip", zipped("b.csv", b"x"))) + END, "multipart/form-data; boundary=x", 400),
    "a zip that leads out": (part(FILE, zipped("../../a.csv", b"x")) + END, "multipart/form-data; boundary=x", 400),
    "a broken zip": (part(FILE, zipped("a.csv", CSV.encode())[:-30]) + END, "multipart/form-data; boundary=x", 400),
    "a workbook that is none": (part(FILE, zipped("xl/workbook.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")) + END, "multipart/form-data; boundary=x", 400),
    "a broken workbook": (part(FILE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)) + END, "multipart/form-data; boundary=x", 400),
    "a Parquet file that is none": (part(FILE, b"PAR1" + bytes(100) + b"PAR1") + END, "multipart/form-data; boundary=x", 400),
    "only quotes": (part(FILE, '"' * 100_000) + END, "multipart/form-data; boundary=x", 400),
    "only NULs": (part(FILE, bytes(100_000)) + END, "multipart/form-data; boundary=x", 400),
    "nested JSON": (part(FILE, "[" * 100_000) + END, "multipart/form-data; boundary=x", 400),
}  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "expected"), FORMS.values(), ids=FORMS)
def test_no_form_causes_a_failure(server, body, kind, expected):
    (status,) = statuses(exchange(server, post(body, kind, "/predict_csv").replace(CLOSE, b"")))

    assert status in (expected, 413), status


def test_a_packed_request_is_not_unpacked(server):
    answer = exchange(server, post(gzip.compress(GOOD.encode()), more="Content-Encoding: gzip\r\n"))

    assert statuses(answer) == [400]


# Slow and broken clients


def timed(server: Server, *parts: str) -> tuple[list[int], float]:
    started = time.monotonic()
    return statuses(exchange(server, *parts)), time.monotonic() - started


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("GET / HTTP/1.1\r\nHost:", [408], id="half a head"),
        pytest.param(f"POST /predict HTTP/1.1\r\n{HOST}{KIND}Content-Length: 100\r\n\r\n" + "{", [408], id="half a body"),
        pytest.param(CHUNKED + "5\r\nab", [408], id="half a chunk"),
        pytest.param(CHUNKED + "2\r\n{}\r\n", [408], id="no last chunk"),
        pytest.param(SECOND, [200], id="an idle connection"),
        pytest.param(SECOND + "GET", [200, 408], id="half a second head"),
    ],
)  # fmt: skip
def test_who_sends_nothing_more_is_refused_within_the_deadline(server, start, expected):
    found, seconds = timed(server, start)

    assert found == expected and 1.5 < seconds < 8


def test_who_sends_byte_by_byte_is_refused_within_the_deadline(server):
    started = time.monotonic()
    with ExitStack() as stack:
        heads, bodies = ([stack.enter_context(connect(server)) for _ in range(20)] for _ in range(2))
        for body in bodies:
            body.sendall(f"POST /predict HTTP/1.1\r\n{HOST}{KIND}Content-Length: 1000000\r\n\r\n".encode())
        for number in range(12):
            for head, body in zip(heads, bodies, strict=True):
                for connection, byte in ((head, b"GET / HTTP/1.1\r\n"[number : number + 1]), (body, b" ")):
                    try:
                        connection.sendall(byte)
                    except OSError:  # it is closed
                        continue
            time.sleep(0.5)
        assert {tuple(statuses(read_what_is_there(connection))) for connection in (*heads, *bodies)} <= {(408,), ()}

    assert time.monotonic() - started < 20


def read_what_is_there(connection: socket.socket) -> bytes:
    try:
        return read(connection)
    except ConnectionResetError:
        return b""


@pytest.mark.slow
def test_who_does_not_read_the_answer_is_let_go_of(server):
    content = (CSV + f"{ROW}\n" * 150_000).encode()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the kernel takes it all
        connection.connect(address(server))
        connection.sendall(post(part(FILE, content) + END, "multipart/form-data; boundary=x", "/predict_csv"))
        waiting = select.poll()
        waiting.register(connection, select.POLLERR)

        assert waiting.poll(40_000)


def test_many_that_wait_leave_room_for_who_has_something_to_send(server):
    with ExitStack() as stack:
        for number in range(450):  # of which 200 are kept
            connection = stack.enter_context(connect(server))
            connection.sendall(b"GET / HTT" if number % 3 == 0 else b"")
        answers = [statuses(exchange(server, get("/livez"))) for _ in range(5)]

    assert answers == [[200]] * 5


@pytest.mark.parametrize(
    "start",
    [
        post(GOOD)[:-10],
        post(part(FILE, CSV * 10_000), "multipart/form-data; boundary=x", "/predict_csv")[:-500_000],
        CHUNKED.encode() + b"ff\r\n{",
        post("{" * 5000, path="/ui/gradio_api/run/predict")[:-10],
        post("{" * 5000, path="/explain")[:-10],
        get("/ui/").encode(),
        b"GET",
    ],
    ids=["records", "file", "chunk", "event", "explanation", "page", "head"],
)
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_who_hangs_up_leaves_nothing_behind(server, start, reset):
    for _ in range(5):
        with connect(server) as connection:
            connection.sendall(start)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_small_chunks_are_a_body(server):
    chunks = "".join(f"1\r\n{letter}\r\n" for letter in GOOD)

    assert len(chunks) < FRAMING * len(GOOD) and HEADER
    assert statuses(exchange(server, CHUNKED + chunks + "0\r\n\r\n")) == [200]
