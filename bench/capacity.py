"""Requests a second and how long an answer takes, by workers and connections: `make bench-load`.

Small calls alone, beside others in the same run, and small calls while a server also answers large ones. The tables are
written to bench/results/load.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import machine
from bench.__main__ import own_environment, trained
from bench.heavy import KINDS
from bench.load import LoadError, fire, post
from bench.overhttp import DIFFERENT, requests_of
from bench.report import figure, table
from bench.rounds import Measured, add, median, noise, rotated
from bench.servers import FASTAPI, MLFLOW, ROOT, SKLEARN, SLIPWAY, serve

SMALL = 4
"""Connections that ask for one prediction at a time while large calls are answered."""
WARM_UP = 0.3


@dataclass(frozen=True)
class Plan:
    """What is measured, and for how long: seconds of each figure, in so many rounds."""

    rounds: int = 3
    seconds: float = 3.0
    beside: float = 15.0
    workers: tuple[int, ...] = (1, 2)
    connections: tuple[int, ...] = (1, 4, 16, 64, 256)


QUICK = Plan(rounds=1, seconds=0.5, beside=3.0, workers=(1,), connections=(1, 16))


def calls(name: str, records: Sequence[dict[str, Any]]) -> list[bytes]:
    """The requests of one record that a contender understands."""
    if name == MLFLOW:
        return [post("/invocations", json.dumps({"dataframe_records": [record]}).encode()) for record in records]
    return requests_of(records)


def measure_alone(
    measured: Measured, plan: Plan, names: Sequence[str], records: list[dict[str, Any]], environment: dict[str, str]
) -> None:
    """Small calls alone: every contender in turn, for each number of workers and connections."""
    for workers in plan.workers:
        with ExitStack() as stack:
            servers = {}
            for name in names:
                servers[name] = stack.enter_context(serve(name, environment, workers))
                print(f"  {name}, {workers} workers: ready after {servers[name].wait():.1f} s", flush=True)
            for number in range(plan.rounds):
                print(f"  {workers} workers, round {number + 1} of {plan.rounds}", flush=True)
                noise(measured)
                for connections in plan.connections:
                    for name in rotated(names, number):
                        port, requests = servers[name].port, calls(name, records)
                        fire(port, requests, connections, WARM_UP, may_refuse=True)
                        load = fire(port, requests, connections, plan.seconds, may_refuse=True)
                        where = f"{workers} {connections}"
                        add(measured, f"rps {where}", name, load.rate)
                        add(measured, f"p50 {where}", name, 1000 * load.p50)
                        add(measured, f"p99 {where}", name, 1000 * load.p99)
                        add(measured, f"refused {where}", name, load.refusals)


@contextmanager
def beside(port: int, kind: str) -> Iterator[None]:
    """Large calls in another process, again and again as long as this lasts."""
    command = [sys.executable, "-m", "bench.heavy", str(port), kind]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603
    try:
        time.sleep(2)  # until it sends
        yield
        if process.poll() is not None:
            raise LoadError(f"the large calls ended by themselves: {kind}")
    finally:
        process.terminate()
        process.wait(30)


def measure_beside(measured: Measured, plan: Plan, records: list[dict[str, Any]]) -> None:
    """Small calls to our server, alone and while it answers large ones."""
    requests = requests_of(records)
    for workers in plan.workers:
        with serve(SLIPWAY, workers=workers) as server:
            server.wait()
            alone = fire(server.port, requests, SMALL, plan.beside)
            add(measured, f"beside {workers}", "alone", 1000 * alone.p99)
            for kind in KINDS:
                print(f"  {workers} workers, beside {kind}", flush=True)
                with beside(server.port, kind):
                    load = fire(server.port, requests, SMALL, plan.beside, may_refuse=True)
                add(measured, f"beside {workers}", kind, 1000 * load.p99)
                time.sleep(3)  # until the last of them has ended
            for measure, value in server.memory().items():
                add(measured, measure, f"{workers} workers", value)


def render(measured: Measured, plan: Plan, names: Sequence[str]) -> str:
    """The tables."""
    parts = [
        f"# Load, commit {machine.commit()}",
        f"Written by `make bench-load`: `POST /predict` with one record, {plan.seconds:g} s for each figure, medians of "
        f"{plan.rounds} rounds in which every server is measured in turn. A cell has requests a second, and the median and the "
        "99th percentile in milliseconds. Refused calls (429 and 503) are counted where there were any, and are not in the figures.",
    ]
    for workers in plan.workers:
        rows = [[name, *(_cell(measured, f"{workers} {many}", name) for many in plan.connections)] for name in names]
        head = ["connections", *map(str, plan.connections)]
        parts += [f"## Workers: {workers}", table(head, rows)]
    parts += [
        render_beside(measured, plan),
        "## Machine and versions",
        table(["", ""], [*machine.machine().items(), *machine.versions().items()]),
    ]
    return "\n\n".join(parts) + "\n"


def render_beside(measured: Measured, plan: Plan) -> str:
    """The table of single predictions beside large calls."""
    head = ["beside", *(f"{workers} workers" for workers in plan.workers)]
    rows = [
        [kind, *(_ratio(measured, f"beside {workers}", kind) for workers in plan.workers)] for kind in ("alone", *KINDS)
    ]
    return "\n\n".join(
        [
            "## Single predictions beside large calls",
            f"The 99th percentile of single predictions on {SMALL} connections in milliseconds, and how many times that of single "
            f"predictions alone it is; {plan.beside:g} s each.",
            table(head, rows),
        ]
    )


def _cell(measured: Measured, where: str, name: str) -> str:
    rps, p50, p99, refused = (median(measured, f"{one} {where}", name) for one in ("rps", "p50", "p99", "refused"))
    return f"{figure(rps)}: {figure(p50)}, {figure(p99)}" + (f" ({refused:,.0f} refused)" if refused else "")


def _ratio(measured: Measured, measure: str, kind: str) -> str:
    found, alone = median(measured, measure, kind), median(measured, measure, "alone")
    return "–" if found is None or not alone else f"{figure(found)} ({found / alone:.1f})"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.capacity", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run, which is not written")
    parser.add_argument(
        "--without-mlflow", action="store_true", help="without the peer that has an environment of its own"
    )
    parser.add_argument(
        "--beside", action="store_true", help="only single predictions beside large calls, which is not written"
    )
    parser.add_argument(
        "--rounds", type=int, default=Plan.rounds, help="of which the medians are taken (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "load.md")
    args = parser.parse_args(argv)
    plan = QUICK if args.quick else Plan(rounds=args.rounds)
    with_mlflow = not (args.without_mlflow or args.beside)
    names = [SLIPWAY, FASTAPI, SKLEARN, *([MLFLOW] if with_mlflow else [])]
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as own:
        own_environment(Path(own))
        from slipway.schema.sampling import draw_records

        version = trained("insurance")
        records = draw_records(version.schema(), DIFFERENT, seed=1)
        environment = {"__pyfunc_model_path__": _for_mlflow(version.pipeline, Path(own))} if with_mlflow else {}
        measured: Measured = {}
        try:
            if not args.beside:
                measure_alone(measured, plan, names, records, environment)
            measure_beside(measured, plan, records)
        except LoadError as exc:
            print(f"bench: {exc}", file=sys.stderr)
            return 1
    text = render_beside(measured, plan) if args.beside else render(measured, plan, names)
    print(text)
    if not (args.quick or args.beside):
        args.out.write_text(text, encoding="utf-8")
    return 0


def _for_mlflow(pipeline: Path, folder: Path) -> str:
    """The fitted pipeline, saved as MLflow's own model; its folder."""
    model = folder / "mlflow-model"
    command = [
        str(ROOT / ".venv" / "load" / "bin" / "python"),
        "-m",
        "bench.peers.mlflow_model",
        str(pipeline),
        str(model),
    ]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
    return str(model)


if __name__ == "__main__":
    sys.exit(main())
