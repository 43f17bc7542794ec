"""The page keeps nothing on a server: two workers, or two servers behind a proxy, can answer it in turn."""

import itertools
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from slipway.inference import frames
from tests.conftest import Server, pipeline, says, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def interact(page, tag: str, count: int) -> None:
    """Change the age so many times; each time the page must come to say what the fitted pipeline says."""
    fitted, schema = pipeline(tag)
    record = {field.name: field.default for field in schema.fields}
    ages = [18 + number * 17 % 47 for number in range(count)]
    wanted = fitted.predict(frames.frame(schema, schema.columns([record | {"age": age} for age in ages])))
    sentences = [f"Expected bill: ${value:,.0f} a year" for value in wanted]
    assert all(one != other for one, other in itertools.pairwise(sentences)), "an answer could be taken for the next"
    field = page.get_by_label("Age (years)")
    for age, said in zip(ages, sentences, strict=True):
        field.fill(str(age))
        says(page, said)


@contextmanager
def alternating(*servers: Server) -> Iterator[tuple[Server, Counter[str]]]:
    """A proxy that hands each request to the next server, whoever answered the last one; and who answered events."""
    turns, turn, events = itertools.cycle(servers), threading.Lock(), Counter[str]()

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            with turn:
                server = next(turns)
                events[server.url] += self.path.endswith("/run/predict")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            upstream = HTTPConnection(urlsplit(server.url).netloc, timeout=60)
            upstream.request(self.command, self.path, body, dict(self.headers))
            found = upstream.getresponse()
            content = found.read()
            upstream.close()
            self.send_response(found.status)
            for name, value in found.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        one = replace(servers[0], url=f"http://127.0.0.1:{proxy.server_address[1]}", before_stop=[])
        try:
            yield one, events
        finally:
            for close in one.before_stop:
                close()
            proxy.shutdown()


def test_two_workers_share_200_changes_of_a_page(open_page, insurance):
    # A browser keeps its connections, and with them the worker: the proxy makes a new one for each request.
    with serve("--arg", f"model={insurance}", SLIPWAY_WORKERS="2") as server, alternating(server) as (front, _):
        interact(open_page(front), insurance, 200)

        assert set(re.findall(r"entry_service:insurance:(\d)\] POST /ui/", server.log.read_text())) == {"1", "2"}


def test_two_servers_behind_a_proxy_share_100_changes_of_a_page(open_page, insurance):
    arguments = ("--arg", f"model={insurance}")
    with serve(*arguments) as first, serve(*arguments) as second, alternating(first, second) as (server, events):
        interact(open_page(server), insurance, 100)

        assert sum(events.values()) >= 100 and min(events[first.url], events[second.url]) >= 40
