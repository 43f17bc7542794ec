"""Whether a newly trained version is served: if it is at least as good as the one in use, on the same rows.

The rows are the hold-out of the new training. The new version's answers there are those of models that were fitted without
the row; the version in use may have been trained on some of them, and nobody can know which. If both were trained
on the same file it has seen all of them, and what was saved of it is compared instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway import store
from slipway.errors import RecordsError, StoreError
from slipway.i18n.formats import figure
from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.publish.comparison_text import difference_text
from slipway.publish.paired import Loss, losses, paired_difference
from slipway.publish.shared_rows import answers_of, not_comparable, of_records
from slipway.schema.fields import Record
from slipway.schema.schema import Schema
from slipway.store import Version
from slipway.training.evaluation import Evaluation, HeldOut
from slipway.training.experiment import Experiment
from slipway.training.selection import LOSSES, quiet
from slipway.training.uncertainty import UncertaintyResult

MOST_ROWS = 10_000
"""Of the hold-out, drawn at random; more would change nothing but the time that it takes."""
LEAST_ROWS = 20
"""With fewer rows that the version in use accepts, chance alone would decide."""
SAME = 1e-9
"""A relative difference that is none."""
ABSOLUTE = ("MAE", "MAPE")
"""Metrics of absolute errors; the others of numbers are of squared ones."""


@dataclass(frozen=True)
class Verdict:
    """Whether the new version is at least as good, and how that was found, in words."""

    good: bool
    why: str
    caution: str = ""


@dataclass(frozen=True)
class Outcome:
    """Whether a new version is served under its name, and what is to be said of that."""

    served: bool
    lines: tuple[str, ...] = ()


def settle(tag: str, before: str | None, schema: Schema, held_out: HeldOut, metric: str, force: bool) -> Outcome:
    """Take a version into use that was just saved, if that is for it to be.

    Parameters
    ----------
    tag : str
        Of the new version.
    before : str, optional
        The version that was in use before it was saved; None if the name had none.
    schema : Schema
        Of the new version.
    held_out : HeldOut
        Rows that the new version was not fitted on, with its answers.
    metric : str
        What its estimator was chosen by.
    force : bool
        Whether it is to be served whatever it is worth.

    Returns
    -------
    Outcome
    """
    name = schema.name
    try:
        promoted = store.read_history(name).promoted
        if before is None and promoted is None:
            store.promote(tag, "first version")
            return Outcome(True)
        if force:
            store.promote(tag, "promoted by its training (--promote)", instead_of=promoted)
            return Outcome(True, (f"in use from now on, instead of {name}:{before}, as --promote says",))
        if promoted is None:
            return Outcome(True)  # the newest is served, until somebody promotes one
        before = promoted
        verdict = _judge(tag, f"{name}:{before}", schema, held_out, metric)
        if verdict.good:
            store.promote(tag, verdict.why, instead_of=before)
    except StoreError as exc:
        verdict = Verdict(False, str(exc))
    if verdict.good:
        return Outcome(True, tuple(filter(None, (f"in use from now on: {verdict.why}", verdict.caution))))
    caution = f"{verdict.caution}; " if verdict.caution else ""
    to_promote = f"to have it served: slipway promote {tag} --why REASON"
    return Outcome(False, (f"saved, and not served by {name}: {verdict.why}", f"{caution}{to_promote}"))


def _judge(tag: str, used: str, schema: Schema, held_out: HeldOut, metric: str) -> Verdict:
    new, old = store.open_version(tag), store.open_version(used)
    if reason := not_comparable(old.schema(), schema):
        return Verdict(False, f"it cannot be compared with {used}: {reason}")
    sha256 = new.metrics().data.sha256
    if sha256 and sha256 == old.metrics().data.sha256 and (found := _by_saved(new, old, metric)):
        return found
    return _on_rows(old, schema, held_out, metric)


def _by_saved(new: Version, old: Version, metric: str) -> Verdict | None:
    """What both were saved with, each measured on the hold-out of its training; None if they have no metric in common."""
    one, other = new.metrics(), old.metrics()
    if one.averaged != other.averaged or metric not in one.holdout or metric not in other.holdout:
        return None
    ours, theirs = one.holdout[metric], other.holdout[metric]
    better = theirs - ours if metric in LOSSES else ours - theirs
    why = f"{metric} {figure(ours)} on its hold-out; {old.tag} has {figure(theirs)} on its own"
    caution = "both were trained on the same file, so that each one's own hold-out was compared"
    return Verdict(better >= -SAME * max(abs(ours), abs(theirs)), why, caution)


def _on_rows(old: Version, schema: Schema, held_out: HeldOut, metric: str) -> Verdict:
    given = len(held_out.actual)
    chosen = np.sort(np.random.default_rng(0).permutation(given)[:MOST_ROWS])
    rows = of_records(old.schema(), schema, _records(schema, held_out.inputs.iloc[chosen]))
    if len(rows.kept) < LEAST_ROWS:
        return Verdict(
            False,
            f"it cannot be compared with {old.tag}, which accepts {len(rows.kept):,} of its {len(chosen):,} hold-out rows "
            f"(at least {LEAST_ROWS} are needed)",
        )
    kept = chosen[rows.kept]
    try:
        with quiet():
            theirs = answers_of(store.load_predictor(old), rows.first, schema.target)
    except RecordsError as exc:
        return Verdict(False, f"it cannot be compared with {old.tag}: {exc}")
    ours = _taken(held_out.answers, kept)
    actual = held_out.actual[kept]
    before, after = losses(theirs, actual, schema.target), losses(ours, actual, schema.target)
    loss = _loss(metric, [name for name in before if name in after])
    found = paired_difference(loss, before[loss], after[loss])
    why = (
        f"mean {loss} {figure(found.second)} on {found.rows:,} hold-out rows, where {old.tag} has {figure(found.first)} "
        f"({difference_text(found)})"
    )
    left_out = f", and does not accept {len(chosen) - found.rows:,} more" if len(chosen) > found.rows else ""
    caution = f"{old.tag} may have been trained on some of these rows{left_out}"
    return Verdict(found.difference <= SAME * found.first, why, caution)


def _loss(metric: str, known: Sequence[Loss]) -> Loss:
    if "squared error" in known:
        return "absolute error" if metric in ABSOLUTE else "squared error"
    return "log loss" if "log loss" in known and metric != "Accuracy" else "wrong classes"


def _records(schema: Schema, inputs: pd.DataFrame) -> list[Record]:
    """Rows as PyCaret has them as a client would send them: its narrow floats are the numbers that they are printed as."""
    plain = {name: inputs[name] for name in inputs.columns}
    for name, column in plain.items():
        if column.dtype == np.float32:
            plain[name] = column.astype(str).astype("float64")
    times = [field.name for field in schema.fields if field.kind == "time"]
    return frames.records(pd.DataFrame(plain), times)


def _taken(answers: Answers, rows: npt.NDArray[Any]) -> Answers:
    return Answers(answers.values[rows], None if answers.probabilities is None else answers.probabilities[rows])


def held_out_rows(experiment: Experiment, evaluation: Evaluation, sure: UncertaintyResult, schema: Schema) -> HeldOut:
    """The rows of the hold-out with answers as they are served, of models that were fitted without the row.

    Out of fold where there are such answers: they are calibrated as the version is. Else of the model of the training part.

    Parameters
    ----------
    experiment : Experiment
    evaluation : Evaluation
    sure : UncertaintyResult
    schema : Schema

    Returns
    -------
    HeldOut
    """
    places = experiment.X.index.get_indexer(experiment.X_test.index)
    found = sure.held_out
    if found is not None and len(found.actual) == len(experiment.X) and (places >= 0).all():
        inputs = found.inputs.iloc[places].reset_index(drop=True)
        found = HeldOut(inputs, found.actual[places], _taken(found.answers, places))
    else:
        found = evaluation.unseen
    if schema.target.classes:
        return found
    low, high = schema.target.minimum, schema.target.maximum
    bounded = np.clip(found.answers.values, -np.inf if low is None else low, np.inf if high is None else high)
    return HeldOut(found.inputs, found.actual, Answers(bounded))
