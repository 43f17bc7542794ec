"""The table of what was measured, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.machine import machine
from bench.quality.tables import TABLES

SLIPWAY = "Slipway"
"""The method that is Slipway's default."""
MOST = 0.9
"""Share of the cases from which a method is ranked beside those that have a result for all."""
NOISE = 2
"""Standard errors of a difference that may be chance."""
Results = Mapping[str, Mapping[str, Any]]
"""By "table/seed/method": `loss`, `train_s` and `answer_ms`, or why it `failed`; of the others `over_slipway`."""


def written(results: Results, methods: Sequence[str]) -> str:
    """The page.

    Parameters
    ----------
    results : mapping
        See `Results`.
    methods : sequence of str
        In the order of the columns; those without a result are left out.

    Returns
    -------
    str
    """
    cases = sorted({name.rpartition("/")[0] for name in results}, key=_place)
    methods = [method for method in methods if any(f"{case}/{method}" in results for case in cases)]
    others = [
        method for method in methods if any("over_slipway" in results.get(f"{case}/{method}", {}) for case in cases)
    ]
    machines = machine()
    lines = [
        "# How good the models are, beside others",
        "",
        "Written by `make bench-quality`, which says what is measured and how (bench/quality/). RMSE, or log loss for classes, on "
        "30 % of the rows, drawn at random; lower is better. Seconds to train are of one run beside whatever else the machine "
        f"did: {machines['cpu']}, {machines['cores']} cores.",
        "",
        *_table(["table", "seed", *methods], (_losses(results, case, methods) for case in cases)),
        "",
        *_table(["", *methods], _summary(results, cases, methods)),
        "",
        "## How sure a difference is",
        "",
        "What a method costs more than Slipway on the same rows, in standard errors of the mean difference (of squared errors, or "
        f"log losses, by row). Between -{NOISE} and {NOISE} it may be chance; beyond, in bold.",
        "",
        *_table(["table", "seed", *others], _differences(results, cases, others)),
        "",
        "## What averaging with CatBoost models brings",
        "",
        "On the same rows: the best estimator alone (classes: not calibrated), as fitted for the average.",
        "",
        *_table(["table", "seed", "alone", "averaged", "gain"], _gains(results, cases)),
        "",
        f"Commits: {', '.join(sorted({str(one['commit']) for one in results.values()}))}.",
    ]
    failed = [f"- {name}: {one['failed']}" for name, one in sorted(results.items()) if "failed" in one]
    return "\n".join([*lines, *(["", "Failed:", "", *failed] if failed else [])]) + "\n"


def _place(case: str) -> tuple[int, int]:
    table, _, seed = case.partition("/")
    return [*TABLES].index(table), int(seed)


def _losses(results: Results, case: str, methods: Sequence[str]) -> list[str]:
    found = [results.get(f"{case}/{method}", {}).get("loss") for method in methods]
    best = min((one for one in found if one is not None), default=None)
    cells = ["–" if one is None else f"**{one:.4g}**" if one == best else f"{one:.4g}" for one in found]
    return [*case.split("/"), *cells]


def _summary(results: Results, cases: Sequence[str], methods: Sequence[str]) -> Iterator[list[str]]:
    """Ranks are of the cases that all have a result for, once of those with the most results, and once of every method."""
    counts = [sum("loss" in results.get(f"{case}/{method}", {}) for case in cases) for method in methods]
    most = [method for method, count in zip(methods, counts, strict=True) if count >= MOST * max(counts)]
    for ranked in dict.fromkeys((tuple(most), tuple(methods))):
        whole = [case for case in cases if all("loss" in results.get(f"{case}/{method}", {}) for method in ranked)]
        if whole:
            ranks = dict(zip(ranked, _ranks(results, whole, ranked), strict=True))
            cells = [f"{ranks[method]:.2f}" if method in ranks else "–" for method in methods]
            yield [f"mean rank, {len(whole)} of {len(cases)}", *cells]
    for name, words, digits in (("train_s", "seconds to train, median", 0), ("answer_ms", "ms for one row, median", 2)):
        found = [[results.get(f"{case}/{method}", {}).get(name) for case in cases] for method in methods]
        known = [[one for one in each if one is not None] for each in found]
        yield [words, *(f"{np.median(each):.{digits}f}" if each else "–" for each in known)]


def _ranks(results: Results, cases: Sequence[str], methods: Sequence[str]) -> Any:
    """The mean over the cases, of shape (n_methods,); those that are equal share theirs."""
    losses = np.array([[results[f"{case}/{method}"]["loss"] for method in methods] for case in cases])
    better, as_good = (
        (losses[:, :, None] > losses[:, None, :]).sum(2),
        (losses[:, :, None] >= losses[:, None, :]).sum(2),
    )
    return ((better + as_good + 1) / 2).mean(axis=0)


def _differences(results: Results, cases: Sequence[str], others: Sequence[str]) -> Iterator[list[str]]:
    found = [[results.get(f"{case}/{method}", {}).get("over_slipway") for method in others] for case in cases]
    for case, each in zip(cases, found, strict=True):
        cells = ["–" if one is None else f"**{one:+.1f}**" if abs(one) > NOISE else f"{one:+.1f}" for one in each]
        if any(one is not None for one in each):
            yield [*case.split("/"), *cells]
    counts = [
        [sum(sign * one > NOISE for row in found if (one := row[place]) is not None) for sign in (1, -1)]
        for place in range(len(others))
    ]
    yield ["worse than Slipway, better", "", *(f"{worse}, {better}" for worse, better in counts)]


def _gains(results: Results, cases: Sequence[str]) -> Iterator[list[str]]:
    for case in cases:
        found = results.get(f"{case}/{SLIPWAY}", {})
        if alone := found.get("alone"):
            yield [*case.split("/"), f"{alone:.4g}", f"{found['loss']:.4g}", f"{1 - found['loss'] / alone:+.1%}"]
        elif "chosen" in found:
            yield [*case.split("/"), f"{found['loss']:.4g}", "not better in the folds", ""]


def _table(heads: Sequence[str], rows: Any) -> Iterator[str]:
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"
