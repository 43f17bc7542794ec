"""Figures taken in rounds: every contender once a round, so that a noisy neighbour hits all alike."""

import statistics
import time
from collections.abc import Sequence

Measured = dict[str, dict[str, list[float]]]
"""Measure → contender → one figure a round."""


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The contenders in the order of a round: each goes first in turn."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def add(measured: Measured, measure: str, contender: str, figure: float) -> None:
    """Put down one round's figure."""
    measured.setdefault(measure, {}).setdefault(contender, []).append(figure)


def ratio(measured: Measured, measure: str, of: str, to: str) -> float | None:
    """The median of the rounds' own ratios; None where one of the two was not measured."""
    found = measured.get(measure, {})
    if of not in found or to not in found:
        return None
    return statistics.median(one / other for one, other in zip(found[of], found[to], strict=True))


def median(measured: Measured, measure: str, of: str) -> float | None:
    """The median over the rounds, if it was measured."""
    found = measured.get(measure, {}).get(of)
    return statistics.median(found) if found else None


def noise(measured: Measured) -> None:
    """Time a fixed loop: how much it varies is what the machine's other users add."""
    started = time.perf_counter()
    sum(i * i for i in range(300_000))
    add(measured, "noise_ms", "fixed loop", 1000 * (time.perf_counter() - started))
