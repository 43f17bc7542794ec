"""Measure Slipway beside others, in one run on this machine: `make bench`, or `python -m bench --quick`.

Trains its models into a BentoML store of its own, which is removed afterwards; with `--model-home`
it uses (and fills) that one.
"""

import argparse
import datetime as dt
import gc
import json
import os
import signal
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import inprocess, machine, overhttp, page, report
from bench.load import LoadError
from bench.rounds import Measured, noise
from bench.servers import DIABETES, ROOT, SLIPWAY
from bench.settings import PARTS, QUICK, Settings
from slipway.errors import SlipwayError

TRAINED_WITH = {"insurance": "gbr", "diabetes": "rf"}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: short rounds, few of them")
    parser.add_argument("--only", metavar=",".join(PARTS), help="measure these parts only")
    parser.add_argument("--rounds", type=int, help=f"rounds (default: {Settings.rounds}; quick: {QUICK.rounds})")
    parser.add_argument("--model-home", type=Path, metavar="DIR", help="BENTOML_HOME with, or for, the models")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results", help="folder of the results")
    return parser


def resolve(parser: argparse.ArgumentParser, args: argparse.Namespace) -> Settings:
    """The settings that the arguments ask for."""
    settings = QUICK if args.quick else Settings()
    if args.only:
        parts = tuple(args.only.replace(" ", "").split(","))
        if unknown := [part for part in parts if part not in PARTS]:
            parser.error(f"--only: unknown {', '.join(unknown)}; known are {', '.join(PARTS)}")
        settings = replace(settings, parts=parts)
    if args.rounds is not None:
        if args.rounds < 1:
            parser.error(f"--rounds: {args.rounds} is too small; expected at least 1")
        settings = replace(settings, rounds=args.rounds, starts=args.rounds)
    return settings


def own_environment(home: Path) -> None:
    """A store of its own, before anything imports BentoML, which reads it once; one worker, and the limits as they come."""
    os.environ["BENTOML_HOME"] = str(home.resolve())
    for name in [name for name in os.environ if name.startswith("SLIPWAY_")]:
        del os.environ[name]


def trained(name: str) -> Any:
    """The version of a model in the benchmark's store, trained if it is not there."""
    from slipway import store
    from slipway.cli.main import main
    from slipway.errors import ModelMissingError

    try:
        return store.find(name)
    except ModelMissingError:
        print(f"training {name} ({TRAINED_WITH[name]}, three folds) …", flush=True)
    if main(["train", name, "--include", TRAINED_WITH[name], "--folds", "3"]):
        raise SystemExit(1)
    return store.find(name)


def run(settings: Settings) -> dict[str, Any]:
    """Every part that was asked for, as the result that is written."""
    from slipway.schema.sampling import draw_records

    # A smoke run does without the second model, which takes as long to train as the rest to run.
    both = "explain" in settings.parts and not settings.quick
    found = {SLIPWAY: trained("insurance")} | ({DIABETES: trained("diabetes")} if both else {})
    drawn = {name: draw_records(version.schema(), settings.rows, seed=1) for name, version in found.items()}
    gc.freeze()  # what training left, so that the load generator need not look at it again
    measured: Measured = {}
    noise(measured)
    if {"http", "batch", "memory", "explain"} & set(settings.parts):
        print("over HTTP", flush=True)
        pipeline = str(found[SLIPWAY].pipeline)
        overhttp.measure_servers(measured, settings, drawn, {"BENCH_PIPELINE": pipeline})
    if "start" in settings.parts:
        print("start to ready", flush=True)
        overhttp.measure_start(measured, settings)
    if "inprocess" in settings.parts:
        print("in process", flush=True)
        inprocess.measure(measured, settings, found[SLIPWAY], drawn[SLIPWAY])
    if "page" in settings.parts:
        print("the page, in Chromium", flush=True)
        page.measure(measured, settings, drawn[SLIPWAY])
    return {
        "date": dt.date.today().isoformat(),
        "commit": machine.commit(),
        "settings": asdict(settings),
        "models": {version.tag: version.engine for version in found.values()},
        "machine": machine.machine(),
        "versions": machine.versions(),
        "bars": report.judged(measured),
        "measured": measured,
    }


def write(result: dict[str, Any], folder: Path) -> None:
    """The JSON of this run and the table of the last one; a smoke run overwrites only its own."""
    folder.mkdir(parents=True, exist_ok=True)
    end = "-quick" if result["settings"]["quick"] else ""
    text = report.render(result)
    name = f"{result['date']}-{machine.slug(result['machine']['cpu'])}{end}.json"
    (folder / name).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / f"latest{end}.md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nwritten: {name} and latest{end}.md in {folder}")


def main(argv: list[str] | None = None) -> int:
    parser = build_parser()
    args = parser.parse_args(argv)
    settings = resolve(parser, args)
    # So that the servers are stopped whoever ends us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as own:
        own_environment(args.model_home or Path(own))
        try:
            write(run(settings), args.out)
        except (LoadError, SlipwayError) as exc:
            print(f"bench: {exc}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
