"""Mixed calls to one server for ten minutes, at 70 % of what it can do: `make soak`.

It holds if no call fails, memory stays where it was after the first minute, and the slow answers are no slower later on. The
table is written to bench/results/soak.md.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import machine
from bench.__main__ import own_environment, trained
from bench.heavy import JSON, RECORD
from bench.load import LoadError, fire, post
from bench.overhttp import DIFFERENT, requests_of
from bench.report import figure, table
from bench.servers import ROOT, SLIPWAY, Server, serve

CONNECTIONS = 16
SHARE = 0.7
MEASURED_FOR = 10.0
"""Seconds for which it is measured what the server can do."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def mixed(records: Sequence[dict[str, Any]]) -> list[bytes]:
    """A hundred calls: mostly predictions, some explanations and small files, and what a page or a monitor asks for."""
    rows = [",".join(RECORD), *(",".join(map(str, record.values())) for record in records[:50])]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    file = (head + "\n".join(rows) + "\n\r\n--x--\r\n").encode()
    others = [
        *[post("/explain", json.dumps({"record": record}).encode()) for record in records[:4]],
        *[post("/predict_csv", file).replace(JSON.encode(), b"multipart/form-data; boundary=x", 1)] * 3,
        *[
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
            for path in ("/model", "/readyz", "/metrics", "/ui/en/")
        ],
    ]
    calls = requests_of([records[number % len(records)] for number in range(100 - len(others))])
    for number, other in enumerate(others):
        calls.insert(9 * number, other)
    return calls


@dataclass
class Minute:
    """What came back in a minute, and the resident memory of all processes of the server at its end, where shared pages count in each."""

    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    memory: float = 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return 1000 * sorted(self.latencies)[int(share * (len(self.latencies) - 1))]


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    """The status line of the answer, which is read whole."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise LoadError(f"an answer without a length: {head[:300]!r}")
    await reader.readexactly(int(length[1]))
    return head.split(b"\r\n", 1)[0].decode()


async def _client(
    port: int, calls: Sequence[bytes], number: int, every: float, minutes: list[Minute], began: float
) -> None:
    """One connection: a call each `every` seconds; one that is late is sent at once, and is counted from when it was due."""
    end = began + 60 * len(minutes)
    due = began + every * number / CONNECTIONS
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    position = number * 7
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        minute = minutes[int((due - began) // 60)]
        try:
            status = await _call(reader, writer, calls[position % len(calls)])
            if " 200 " not in status + " ":
                minute.failures.append(status)
        except (OSError, EOFError, LoadError) as exc:
            minute.failures.append(f"{type(exc).__name__}: {exc}")
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        minute.latencies.append(time.perf_counter() - due)
        due += every
        position += 1
    writer.close()


async def _weigh(server: Server, minutes: list[Minute], began: float) -> None:
    for number, minute in enumerate(minutes):
        await asyncio.sleep(max(0.0, began + 60 * (number + 1) - time.perf_counter()))
        # Not the proportional set size: that one changes when any other process begins or ends to use the same files.
        minute.memory = (await asyncio.to_thread(server.memory))["rss_mb"]
        print(
            f"  minute {number + 1}: {len(minute.latencies):,} calls, {len(minute.failures)} failed, "
            f"p99 {minute.percentile(0.99):.1f} ms, {minute.memory:.0f} MB",
            flush=True,
        )


async def _soak(server: Server, calls: Sequence[bytes], rate: float, count: int) -> list[Minute]:
    minutes = [Minute() for _ in range(count)]
    began = time.perf_counter()
    clients = [_client(server.port, calls, number, CONNECTIONS / rate, minutes, began) for number in range(CONNECTIONS)]
    await asyncio.gather(_weigh(server, minutes, began), *clients)
    return minutes


def faults(minutes: Sequence[Minute]) -> list[str]:
    """Why a server did not hold, in words; empty if it did."""
    first, last = minutes[0], minutes[-1]
    failed = [failure for minute in minutes for failure in minute.failures]
    slowest = max(minute.percentile(0.99) for minute in minutes)
    found = []
    if failed:
        found.append(f"{len(failed)} calls failed, the first with {failed[0]!r}")
    if last.memory > 1.02 * first.memory:
        found.append(f"memory grew by {100 * (last.memory / first.memory - 1):.1f} %; expected less than 2 %")
    if slowest > 2 * first.percentile(0.99):
        found.append(f"the 99th percentile rose to {slowest:.1f} ms; expected at most twice that of the first minute")
    return found


def render(minutes: Sequence[Minute], rate: float, found: Sequence[str]) -> str:
    """The table."""
    rows = [
        [
            str(number),
            f"{len(minute.latencies):,}",
            str(len(minute.failures)),
            figure(minute.percentile(0.5)),
            figure(minute.percentile(0.99)),
            figure(minute.memory),
        ]
        for number, minute in enumerate(minutes, 1)
    ]
    parts = [
        f"# Soak, commit {machine.commit()}",
        f"Written by `make soak`: mixed calls to one worker over {CONNECTIONS} connections, {rate:,.0f} a second, which is "
        f"{100 * SHARE:.0f} % of what it answered in {MEASURED_FOR:g} s before. A call that waits for the one before counts from when it was due.",
        f"**{'; '.join(found) if found else 'No call failed, memory grew by less than 2 %, no slower than in the first minute'}.**",
        table(["minute", "calls", "failed", "p50 ms", "p99 ms", "memory MB"], rows),
        table(["", ""], [*machine.machine().items(), *machine.versions().items()]),
    ]
    return "\n\n".join(parts) + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument(
        "--out", type=Path, help="where the table is written (default: bench/results/soak.md for 10 minutes)"
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as own:
        own_environment(Path(own))
        from slipway.schema.sampling import draw_records

        calls = mixed(draw_records(trained("insurance").schema(), DIFFERENT, seed=1))
        with serve(SLIPWAY) as server:
            server.wait()
            fire(server.port, calls, CONNECTIONS, 2)
            capacity = fire(server.port, calls, CONNECTIONS, MEASURED_FOR).rate
            print(f"  answers {capacity:,.0f} mixed calls a second", flush=True)
            minutes = asyncio.run(_soak(server, calls, SHARE * capacity, args.minutes))
    found = faults(minutes)
    text = render(minutes, SHARE * capacity, found)
    print(text)
    out = args.out or (ROOT / "bench" / "results" / "soak.md" if args.minutes >= 10 else None)
    if out:
        out.write_text(text, encoding="utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
