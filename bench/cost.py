"""What a call costs a server, in CPU time, beside FastAPI: `python -m bench.cost`, with a version of insurance in the store.

Requests a second vary with what else a machine does, the CPU time of the processes of a server less so. Rounds are short and
many, each server is measured in every round, and a ratio is of two figures of one round. Linux only.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.load import fire
from bench.overhttp import DIFFERENT, requests_of
from bench.rounds import Measured, add, rotated
from bench.servers import FASTAPI, LOGGED, ONNX, SIGNED, SIGNING, SLIPWAY, Server, serve

NAMES = (SLIPWAY, LOGGED, SIGNING, SIGNED, FASTAPI, ONNX)
WARM_UP = 0.5
ACCEPT = b"\r\nAccept: application/vnd.dev.sigstore.bundle.v0.3+json\r\n"


def cpu_seconds(server: Server) -> float:
    """The time that all processes of a server have used, in user and kernel."""
    parent = psutil.Process(server.process.pid)
    # By the clock of each process (`clock_getcpuclockid`): /proc has hundredths of a second only.
    return sum(time.clock_gettime(~process.pid << 3 | 2) for process in (parent, *parent.children(recursive=True)))


def measure(
    servers: Sequence[Server], requests: list[bytes], rounds: int, seconds: float, connections: int
) -> Measured:
    """Microseconds of CPU time for each call, and calls a second."""
    measured: Measured = {}
    by_name = {server.name: server for server in servers}
    accepting = [request.replace(b"\r\n", ACCEPT, 1) for request in requests]
    sent = {server.name: accepting if server.name == SIGNED else requests for server in servers}
    for server in servers:
        fire(server.port, sent[server.name], connections, WARM_UP)
    for number in range(rounds):
        for name in rotated(list(by_name), number):
            server = by_name[name]
            before = cpu_seconds(server)
            load = fire(server.port, sent[name], connections, seconds)
            add(measured, "µs", name, 1e6 * (cpu_seconds(server) - before) / len(load.latencies))
            add(measured, "rps", name, load.rate)
    return measured


def lines(measured: Measured) -> list[str]:
    """The table: medians of the rounds, and between which values half of them lie."""

    def spread(values: Sequence[float], digits: int = 0) -> str:
        low, middle, high = statistics.quantiles(values, n=4)
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    def ratios(measure: str, of: str, to: str) -> list[float]:
        found = measured[measure]
        return [one / other for one, other in zip(found[of], found[to], strict=True)]

    rows = [("", "CPU µs a call", "calls a second", "ours to theirs by CPU", "by calls a second")]
    for name in measured["µs"]:
        to = ["", ""] if name == SLIPWAY else [ratios("µs", name, SLIPWAY), ratios("rps", SLIPWAY, name)]
        figures = [spread(measured[one][name]) for one in ("µs", "rps")]
        rows.append((name, *figures, *(one and spread(one, 2) for one in to)))  # type: ignore[arg-type]
    return ["  ".join(f"{cell:24}" for cell in row).rstrip() for row in rows]


def _new_key(folder: Path) -> Path:
    """The file of a key that signs answers."""
    path = folder / "signing.pem"
    path.touch(0o600)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*form))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.cost", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each server in a round")
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    from slipway import store
    from slipway.schema.sampling import draw_records

    version = store.find("insurance")
    requests = requests_of(draw_records(version.schema(), DIFFERENT, seed=1))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = {"SLIPWAY_SIGNING_KEY_FILE": str(_new_key(folder))}
        settings = {
            ONNX: {"BENCH_GRAPH": str(version.graph)},
            LOGGED: {"SLIPWAY_REQUEST_LOG": str(folder / "log")},
            SIGNING: key,
            SIGNED: key,
        }
        servers = [stack.enter_context(serve(name, settings.get(name, {}))) for name in NAMES]
        for server in servers:
            server.wait()
        print("\n".join(lines(measure(servers, requests, args.rounds, args.seconds, args.connections))))


if __name__ == "__main__":
    main()
