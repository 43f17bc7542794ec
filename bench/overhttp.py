"""What clients see: one record, 10,000 records, an explanation, memory, and the time a start takes."""

import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bench.load import LoadError, ask, fire, post
from bench.rounds import Measured, add, noise, rotated
from bench.servers import BENTOML, FASTAPI, GRADIO, PYCARET, RAW, SKLEARN, SLIPWAY, Server, serve
from bench.settings import Settings

PEERS = (SLIPWAY, FASTAPI, BENTOML, SKLEARN, PYCARET)
DIFFERENT = 64
"""Different requests that are sent in turn, so that nobody answers from a memory of the last one."""

Record = dict[str, Any]


class Expected:
    """What a server answered to each request when it was asked first; samples must repeat it."""

    def __init__(self, name: str, port: int, requests: Sequence[bytes]) -> None:
        self.name = name
        self.answers = [predictions(body) for body in ask(port, requests)]

    def check(self, sampled: Sequence[tuple[int, bytes]]) -> None:
        for position, body in sampled:
            if predictions(body) != self.answers[position]:
                raise LoadError(f"{self.name} answered request {position} otherwise than before: {body[:200]!r}")


def predictions(body: bytes) -> list[float]:
    """The predictions of an answer, Slipway's or a peer's, each of them a finite number."""
    found = [one["prediction"] if isinstance(one, dict) else one for one in json.loads(body)["predictions"]]
    if not found or not all(math.isfinite(one) for one in found):
        raise LoadError(f"an answer without a finite prediction: {body[:200]!r}")
    return found


def requests_of(records: Sequence[Record]) -> list[bytes]:
    """A request for each record."""
    return [post("/predict", json.dumps({"records": [record]}).encode()) for record in records]


def check_same_model(expected: dict[str, Expected]) -> None:
    """Slipway and the PyCaret peer answer with one model: a difference would make the comparison worthless."""
    pairs = zip(expected[SLIPWAY].answers, expected[PYCARET].answers, strict=True)
    for position, (ours, wanted) in enumerate(pairs):
        for one, other in zip(ours, wanted, strict=True):
            if not math.isclose(one, max(0.0, other), rel_tol=1e-5, abs_tol=0.1):
                raise LoadError(f"request {position}: Slipway answers {one}, the PyCaret pipeline {other}")


def measure_servers(
    measured: Measured, settings: Settings, drawn: dict[str, list[Record]], environment: dict[str, str]
) -> None:
    """One row, 10,000 rows and an explanation, every server in turn, and what memory they hold afterwards."""
    peers = PEERS if {"http", "batch", "memory"} & set(settings.parts) else (SLIPWAY,)
    names = [*peers, *([RAW] if "http" in settings.parts else []), *(name for name in drawn if name not in peers)]
    with ExitStack() as stack:
        servers = {}
        for (
            name
        ) in names:  # one after the other: BentoML looks for free ports of its own, and two at once may find the same
            servers[name] = stack.enter_context(serve(name, environment))
            print(f"  {name}: ready after {servers[name].wait():.1f} s", flush=True)
        if "http" in settings.parts:
            _one_row(measured, settings, servers, requests_of(drawn[SLIPWAY][:DIFFERENT]))
        if "batch" in settings.parts:
            _batch(measured, settings, servers, drawn[SLIPWAY])
        if "memory" in settings.parts:
            for name in peers:
                for measure, figure in servers[name].memory().items():
                    add(measured, measure, name, figure)
        if "explain" in settings.parts:
            _explain(measured, settings, {name: servers[name] for name in drawn}, drawn)


def _one_row(measured: Measured, settings: Settings, servers: dict[str, Server], requests: list[bytes]) -> None:
    expected = {name: Expected(name, servers[name].port, requests) for name in PEERS}
    check_same_model(expected)
    for number in range(settings.rounds):
        print(f"  one row, round {number + 1} of {settings.rounds}", flush=True)
        noise(measured)
        for name in rotated(list(expected) + [RAW], number):
            port = servers[name].port
            alone = fire(port, requests, 1, settings.one_connection)
            crowd = fire(port, requests, settings.connections, settings.many_connections)
            if name in expected:
                expected[name].check([*alone.sampled, *crowd.sampled])
            add(measured, "one_p50_ms", name, 1000 * alone.p50)
            add(measured, "one_rps", name, alone.rate)
            add(measured, "many_p50_ms", name, 1000 * crowd.p50)
            add(measured, "many_rps", name, crowd.rate)


def _batch(measured: Measured, settings: Settings, servers: dict[str, Server], records: list[Record]) -> None:
    batch = [post("/predict", json.dumps({"records": records}).encode())]
    expected = {name: Expected(name, servers[name].port, batch) for name in PEERS}
    check_same_model(expected)
    for number in range(settings.rounds):
        print(f"  {len(records):,} rows, round {number + 1} of {settings.rounds}", flush=True)
        noise(measured)
        for name in rotated(PEERS, number):
            load = fire(servers[name].port, batch, 1, settings.batch, least=2)
            expected[name].check(load.sampled)
            add(measured, "batch_s", name, load.p50)


def _explain(
    measured: Measured, settings: Settings, servers: dict[str, Server], drawn: dict[str, list[Record]]
) -> None:
    requests = {
        name: [post("/explain", json.dumps({"record": record}).encode()) for record in records[:DIFFERENT]]
        for name, records in drawn.items()
    }
    for name, server in servers.items():
        ask(server.port, requests[name][:1])  # the first one also loads what explains
    for number in range(settings.rounds):
        print(f"  explanation, round {number + 1} of {settings.rounds}", flush=True)
        noise(measured)
        for name in rotated(list(servers), number):
            load = fire(servers[name].port, requests[name], 1, settings.explain, least=3)
            add(measured, "explain_ms", name, 1000 * load.p50)


def measure_start(measured: Measured, settings: Settings) -> None:
    """Process start to the first 200 of `/readyz`, beside a BentoML service with an empty Gradio page."""
    for number in range(settings.starts):
        for name in rotated([SLIPWAY, GRADIO], number):
            noise(measured)
            with serve(name) as server:
                seconds = server.wait()
            print(f"  start {number + 1} of {settings.starts}: {name} {seconds:.1f} s", flush=True)
            add(measured, "start_s", name, seconds)
