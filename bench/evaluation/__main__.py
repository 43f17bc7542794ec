"""Writes docs/evaluation.md: `make evaluate` (OPTIONS="--seeds 3 --out PATH")."""

import argparse
import logging
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import machine
from bench.evaluation import classes, counterfactuals, intervals, support

DOCUMENT = Path(__file__).parents[2] / "docs" / "evaluation.md"
TEXT = Path(__file__).with_name("evaluation.md")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="measure intervals, probabilities, decisions, what answers rest on and counterfactuals, on fresh rows"
    )
    parser.add_argument("--seeds", type=int, default=5, help="how often each set is drawn (5)")
    parser.add_argument("--out", type=Path, default=DOCUMENT, help="the document (docs/evaluation.md)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)  # MAPIE says of each crossing of two quantiles that there is one
    started = time.monotonic()

    def progress(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", flush=True)

    values = {
        "seeds": str(options.seeds),
        "commit": machine.commit(),
        "intervals": _table(intervals.COLUMNS, intervals.table(options.seeds, progress)),
        "calibration": _table(classes.CALIBRATION, classes.calibration(options.seeds, progress)),
        "decisions": _table(classes.COSTS, classes.decisions(options.seeds, progress)),
        "sets": _table(support.SETS, support.sets(options.seeds, progress)),
        "combinations": _table(support.COMBINATIONS, support.combinations(options.seeds, progress)),
        "abstention": _table(support.ABSTENTION, support.abstention(options.seeds, progress)),
        "counterfactuals": _table(counterfactuals.COLUMNS, counterfactuals.table(options.seeds, progress)),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    options.out.write_text(text, encoding="utf-8")
    print(f"{options.out}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
