"""The bars and the tables, as Markdown that can also be read on a terminal."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.inprocess import OURS, PANDAS, PIPELINE
from bench.rounds import Measured, median, ratio
from bench.servers import BENTOML, DIABETES, FASTAPI, GRADIO, PYCARET, SKLEARN, SLIPWAY


@dataclass(frozen=True)
class Bar:
    """The smallest or largest value that a figure may have; with `to`, the ratio of two."""

    text: str
    measure: str
    of: str
    to: str | None = None
    least: float | None = None
    most: float | None = None

    def judge(self, measured: Measured) -> tuple[float | None, str, str]:
        """The measured value, the bar, and whether it is met."""
        found = ratio(measured, self.measure, self.of, self.to) if self.to else median(measured, self.measure, self.of)
        bar = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        if found is None:
            return None, bar, "not measured"
        met = found >= self.least if self.least is not None else self.most is not None and found <= self.most
        return found, bar, "met" if met else "NOT met"


BARS = (
    Bar("one row in process: times faster than PyCaret's Pipeline.predict", "inprocess_one_ms", PIPELINE, OURS, 100),
    Bar("one row in process: median ms", "inprocess_one_ms", OURS, most=0.25),
    Bar("a file of 100,000 rows in process: median ms", "inprocess_file_ms", OURS, most=375),
    Bar("… ratio to pandas and ONNX Runtime without checks", "inprocess_file_ms", OURS, PANDAS, most=1),
    Bar("POST /predict, 1 connection: p50 ms", "one_p50_ms", SLIPWAY, most=2.2),
    Bar("POST /predict, requests/s: ratio to BentoML without a model", "many_rps", SLIPWAY, BENTOML, 1),
    Bar("… to hand-written FastAPI + scikit-learn", "many_rps", SLIPWAY, SKLEARN, 3),
    Bar("… to FastAPI + PyCaret pipeline", "many_rps", SLIPWAY, PYCARET, 15),
    Bar("… to bare FastAPI (a goal)", "many_rps", SLIPWAY, FASTAPI, 0.4),
    Bar("10,000 rows in one request: s", "batch_s", SLIPWAY, most=0.12),
    Bar("… ratio to BentoML without a model", "batch_s", SLIPWAY, BENTOML, most=3),
    Bar("POST /explain, insurance: median ms", "explain_ms", SLIPWAY, most=50),
    Bar("POST /explain, diabetes: median ms", "explain_ms", DIABETES, most=200),
    Bar("start to ready: ratio to BentoML + empty Gradio page", "start_s", SLIPWAY, GRADIO, most=1.2),
    Bar("page, first view: s", "page_first_s", SLIPWAY, most=1.5),
    Bar("… kB", "page_first_kb", SLIPWAY, most=280),
    Bar("page, a change → its answer: p95 ms", "page_answer_p95_ms", SLIPWAY, most=100),
    Bar("page, a change → why and what if: p95 ms", "page_reasons_p95_ms", SLIPWAY, most=400),
    Bar("page, a file of 100,000 rows → its predictions: s", "page_batch_s", SLIPWAY, most=10),
)

TABLES = {
    "In process, milliseconds": {
        "inprocess_one_ms": "1 row",
        "inprocess_many_ms": "10,000 rows",
        "inprocess_file_ms": "a file of 100,000 rows",
    },
    "POST /predict, one worker": {
        "one_p50_ms": "p50 ms, 1 connection",
        "one_rps": "requests/s, 1 connection",
        "many_p50_ms": "p50 ms, 16 connections",
        "many_rps": "requests/s, 16 connections",
        "batch_s": "10,000 rows, s",
    },
    "Memory after that, MB": {"rss_mb": "resident", "pss_mb": "proportional"},
    "POST /explain": {"explain_ms": "p50 ms"},
    "Start to ready": {"start_s": "s"},
    "The page, in Chromium": {
        "page_first_s": "first view, s",
        "page_first_kb": "kB",
        "page_again_s": "next view, s",
        "page_again_kb": "kB",
        "page_answer_p50_ms": "change → answer, p50 ms",
        "page_answer_p95_ms": "p95 ms",
        "page_reasons_p50_ms": "change → why and what if, p50 ms",
        "page_reasons_p95_ms": "p95 ms",
        "page_batch_s": "100,000 rows, s",
    },
    "Noise: a loop of plain Python that should always take the same time": {"noise_ms": "ms"},
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that its source is readable, too."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def figure(value: float | None) -> str:
    """A number with three significant digits."""
    return "–" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cell(values: Sequence[float] | None) -> str:
    if not values:
        return "–"
    spread = f" ({figure(min(values))}–{figure(max(values))})" if len(values) > 1 else ""
    return figure(statistics.median(values)) + spread


def _measures(measured: Measured, columns: dict[str, str]) -> str:
    names = dict.fromkeys(name for measure in columns for name in measured.get(measure, ()))
    rows = [[name, *(_cell(measured.get(measure, {}).get(name)) for measure in columns)] for name in names]
    return table(["", *columns.values()], rows)


def judged(measured: Measured) -> list[dict[str, Any]]:
    """Every bar with its measured value, for the JSON file."""
    found = [(bar.text, *bar.judge(measured)) for bar in BARS]
    return [dict(zip(("what", "found", "bar", "met"), one, strict=True)) for one in found]


def render(result: dict[str, Any]) -> str:
    """A whole result as Markdown."""
    measured: Measured = result["measured"]
    bars = [[one["what"], figure(one["found"]), one["bar"], one["met"]] for one in result["bars"]]
    quick = "\n\n**A smoke run (`--quick`): do not quote these figures.**" if result["settings"]["quick"] else ""
    parts = [
        f"# Benchmarks, {result['date']}, commit {result['commit']}{quick}",
        "Generated by `make bench`. Medians over the rounds, with the smallest and largest round in brackets; a ratio is the "
        "median of the ratios of each round. Everything in a table was measured alternately, in one run, on one machine.",
        "Served: " + "; ".join(f"{tag} ({engine})" for tag, engine in result["models"].items()),
        table(["bar", "measured", "target", ""], bars),
    ]
    for title, columns in TABLES.items():
        if any(measure in measured for measure in columns):
            parts += [f"## {title}", _measures(measured, columns)]
    parts += ["## Machine and versions", table(["", ""], [*result["machine"].items(), *result["versions"].items()])]
    return "\n\n".join(parts) + "\n"
