"""What each row costs a method, and whether two methods differ by more than noise. Runs in the environment of the others too."""

import json
from pathlib import Path
from typing import Any

import numpy as np

Losses = Any
"""A numpy array of shape (rows,): squared errors, or minus the logarithm of the probability of the class that is true."""
SUFFIX = ".npy"
"""Of the file of losses, which is kept beside the result for `difference`."""


def of_numbers(given: Any, actual: Any) -> Losses:
    return (np.asarray(given, dtype="float64") - np.asarray(actual, dtype="float64")) ** 2


def of_classes(shares: Any, actual: Any, classes: Any) -> Losses:
    """Of probabilities of shape (rows, classes), in the order of `classes`."""
    known = [*classes]
    of_true = np.asarray(shares)[np.arange(len(actual)), [known.index(value) for value in actual]]
    return -np.log(np.clip(of_true, np.finfo("float64").eps, 1))


def total(each: Losses, classes: bool) -> float:
    """The log loss, or the root of the mean squared error."""
    return float(each.mean() if classes else np.sqrt(each.mean()))


def write(out: Path, result: dict[str, Any], each: Losses) -> None:
    np.save(out.with_suffix(SUFFIX), each)
    out.write_text(json.dumps(result), encoding="utf-8")


def difference(one: Losses, other: Losses) -> float:
    """How much more one costs than the other on the same rows, in standard errors of the mean difference; NaN if equal."""
    by_row = one - other
    error = by_row.std(ddof=1) / np.sqrt(len(by_row))
    return float(by_row.mean() / error) if error else float("nan")
