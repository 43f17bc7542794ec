"""Measures Slipway's models beside others: `make bench-quality` (OPTIONS="--seeds 3 --tables insurance,churn").

Every table is split at random, 70 % to train on and 30 % to measure; each method has a process of its own, one at a time. What
has been measured is kept in bench/results/quality.json, table by table, so that a run goes on where the last one
stopped; `--fresh` measures again. bench/results/quality.md is written after each.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.machine import commit
from bench.quality import losses
from bench.quality.report import SLIPWAY, written
from bench.quality.tables import TABLES

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results"
OTHERS = ROOT / ".venv" / "quality" / "bin" / "python"
OPTIONS = {SLIPWAY: (), f"{SLIPWAY} --no-average": ("--no-average",), f"{SLIPWAY} --tune": ("--tune",)}
PEERS = ("linear", "LightGBM", "CatBoost", "AutoGluon medium", "AutoGluon best")
METHODS = (*OPTIONS, *PEERS)
DEFAULT = (SLIPWAY, *PEERS)
LONGEST = 3600
"""Seconds after which a method is given up on a table."""
TRAINED = 0.7


def main(argv: list[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    tables, methods = chosen(options.tables, [*TABLES], "table"), chosen(options.methods, METHODS, "method")
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    kept = RESULTS / "quality.json"
    results: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    subprocess.run([OTHERS, "-m", "bench.quality.tables", str(options.folder)], cwd=ROOT, check=True)  # noqa: S603
    work = [
        (table, seed, method)
        for seed in range(options.seeds)
        for table in tables
        for method in methods
        if options.fresh or key(table, seed, method) not in results
    ]
    began = time.monotonic()
    for place, (table, seed, method) in enumerate(work, 1):
        found = measured(options.folder, table, seed, method)
        # Read again: another run may have added to it.
        results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        results[key(table, seed, method)] = found
        compare(results, options.folder, table, seed)
        kept.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (RESULTS / "quality.md").write_text(written(results, METHODS), encoding="utf-8")
        left = (time.monotonic() - began) / place * (len(work) - place)
        said = found["failed"] if "failed" in found else f"{found['loss']:.4f}, {found['train_s']:.0f} s"
        logging.info(
            "[%d/%d] %s, seed %d, %s: %s (about %d min left)", place, len(work), table, seed, method, said, left / 60
        )
    (RESULTS / "quality.md").write_text(written(results, METHODS), encoding="utf-8")
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-quality", description="measure models beside those of others")
    parser.add_argument("--seeds", type=int, default=1, help="splits of each table (default: %(default)s)")
    parser.add_argument("--tables", default=",".join(TABLES), help="default: %(default)s")
    parser.add_argument("--methods", default=",".join(DEFAULT), help="of " + ", ".join(METHODS))
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv" / "quality" / "tables", help="of the tables")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    return parser


def chosen(given: str, known: Any, what: str) -> list[str]:
    """The names in a list separated by commas.

    Raises
    ------
    SystemExit
        If one of them is not known.
    """
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if name not in known:
            raise SystemExit(f"unknown {what} {name!r}; known are {', '.join(known)}")
    return names


def key(table: str, seed: int, method: str) -> str:
    return f"{table}/{seed}/{method}"


def parts(folder: Path, table: str, seed: int) -> Iterator[pd.DataFrame]:
    """The rows to train on, and those to measure; classes of the former are in both."""
    rows = pd.read_csv(folder / f"{table}.csv")
    order = np.random.default_rng(seed).permutation(len(rows))
    trained = int(TRAINED * len(rows))
    yield rows.iloc[order[:trained]]
    yield rows.iloc[order[trained:]]


def measured(folder: Path, table: str, seed: int, method: str) -> dict[str, Any]:
    """What a process of its own says of a method on a table, or why it failed."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / name for name in ("train.csv", "test.csv", "out.json")]
        for path, rows in zip(files[:2], parts(folder, table, seed), strict=True):
            rows.to_csv(path, index=False)
        arguments = [str(files[0]), str(files[1]), TABLES[table].target, str(seed), str(files[2])]
        if method in OPTIONS:
            command = [sys.executable, "-m", "bench.quality.slipway_method", *arguments, *OPTIONS[method]]
        else:
            command = [str(OTHERS), "-m", "bench.quality.peers", method, *arguments]
        # AutoGluon keeps its models, which are gigabytes; they go with the folder.
        own = os.environ | {"TMPDIR": scratch}
        try:
            run = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, timeout=LONGEST)  # noqa: S603
        except subprocess.TimeoutExpired:
            return {"failed": f"no result after {LONGEST} s", "commit": commit()}
        if run.returncode or not files[2].exists():
            last = [line for line in run.stderr.splitlines() if line.strip()][-1:] or ["no result"]
            return {"failed": last[0][:200], "commit": commit()}
        shutil.copy(files[2].with_suffix(losses.SUFFIX), kept_losses(folder, table, seed, method))
        found: dict[str, Any] = json.loads(files[2].read_text(encoding="utf-8"))
        return found | {"commit": commit()}


def kept_losses(folder: Path, table: str, seed: int, method: str) -> Path:
    return folder / (key(table, seed, method).replace("/", "-") + losses.SUFFIX)


def compare(results: dict[str, Any], folder: Path, table: str, seed: int) -> None:
    """Adds `over_slipway` to the results of the others, where the losses of both are kept: see `losses.difference`."""
    own = kept_losses(folder, table, seed, SLIPWAY)
    for method in PEERS:
        result, other = results.get(key(table, seed, method)), kept_losses(folder, table, seed, method)
        if result and own.exists() and other.exists():
            result["over_slipway"] = losses.difference(np.load(other), np.load(own))


if __name__ == "__main__":
    sys.exit(main())
