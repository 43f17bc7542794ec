"""Writes the list of our metrics in docs/operations.md from where they are declared.

    python scripts/metrics_reference.py

tests/test_watching.py fails when the page is not what this would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marked import with_part  # noqa: E402
from slipway.service.model_metrics import METRICS  # noqa: E402

PAGE = ROOT / "docs" / "operations.md"


def _lines() -> Iterator[str]:
    yield "| metric | kind | labels | |"
    yield "|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |".replace("|  |", "| |")


def with_metrics(text: str) -> str:
    """The page with the list of metrics as it should be."""
    return with_part(text, "metrics", _lines())


if __name__ == "__main__":
    PAGE.write_text(with_metrics(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
