"""Probabilities and decisions of classes on fresh rows: how well calibrated, and what they cost."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB

from slipway.inference.decision import decide
from slipway.inference.equality import Answers
from slipway.schema.schema import Target
from slipway.training.calibration import calibrated, choose, losses
from slipway.training.decision import costs, threshold
from slipway.training.usecase import TargetSpec, UseCase

Floats = npt.NDArray[np.float64]
ROWS, FRESH, BINS = 1000, 20_000, 10
CALIBRATION = ("estimator", "classes", "kept", "Brier, own", "Brier, served", "ECE, own", "ECE, served")
COSTS = (
    "costs of missed : false alarm",
    "threshold",
    "cost per 1,000",
    "… at 0.5",
    "… at the best threshold of the fresh rows",
)

ESTIMATORS: dict[str, Callable[[], ClassifierMixin]] = {
    "logistic regression": lambda: LogisticRegression(),
    "naive Bayes, inputs twice": lambda: GaussianNB(),
    "random forest": lambda: RandomForestClassifier(100, random_state=0, n_jobs=1),
}


def _drawn(rng: np.random.Generator, rows: int, classes: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    inputs = rng.normal(size=(rows, 6))
    logits = inputs[:, :3] @ np.linspace(-1.2, 1.2, 3 * classes).reshape(3, classes) + np.linspace(0, -1, classes)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    actual = (shares.cumsum(axis=1) < rng.random(rows)[:, None]).sum(axis=1)
    return np.hstack([inputs, inputs]), actual


def _error(probabilities: Floats, actual: npt.NDArray[np.int64]) -> float:
    """Expected calibration error of all classes together, in tenths. Source: Naeini et al., AAAI (2015)."""
    given, true = probabilities.ravel(), np.eye(probabilities.shape[1])[actual].ravel()
    place = np.minimum((given * BINS).astype(int), BINS - 1)
    rows, sums = np.bincount(place, minlength=BINS), np.bincount(place, given - true, BINS)
    return float(np.abs(sums).sum() / rows.sum())


def _fitted(name: str, classes: int, seed: int) -> tuple[Floats, Floats, npt.NDArray[np.int64], str]:
    """Own and served probabilities of fresh rows, their classes, and the method that was kept."""
    rng = np.random.default_rng([seed, classes])
    inputs, actual = _drawn(rng, ROWS, classes)
    fresh, truth = _drawn(rng, FRESH, classes)
    model, folds = ESTIMATORS[name](), StratifiedKFold(10, shuffle=True, random_state=0)
    own = cross_val_predict(model, inputs, actual, cv=folds, method="predict_proba")
    scored = hasattr(model, "decision_function")
    scores = cross_val_predict(model, inputs, actual, cv=folds, method="decision_function") if scored else own
    found = choose(scores[:, 1] if scores.ndim == 2 and classes == 2 else scores, own, actual)
    model.fit(inputs, actual)
    if not found.method:
        return model.predict_proba(fresh), model.predict_proba(fresh), truth, "own"
    served = calibrated(_Pipeline(model), found).steps[-1][1]
    return model.predict_proba(fresh), served.predict_proba(fresh), truth, str(found.method)


class _Pipeline:
    """The part of a pipeline that `calibrated` needs."""

    def __init__(self, model: ClassifierMixin) -> None:
        self.steps = [("model", model)]


def calibration(seeds: int, progress: Callable[[str], None]) -> list[tuple[str, ...]]:
    """Means over the seeds, a row for each estimator and number of classes."""
    rows = []
    for name in ESTIMATORS:
        for classes in (2, 5):
            progress(f"calibration: {name}, {classes} classes")
            drawn = [_fitted(name, classes, seed) for seed in range(seeds)]
            figures = np.mean(
                [
                    (losses(own, truth).mean(), losses(served, truth).mean(), _error(own, truth), _error(served, truth))
                    for own, served, truth, _ in drawn
                ],
                axis=0,
            )
            kept = ", ".join(sorted({method for *_, method in drawn}))
            rows.append((name, str(classes), kept, *(f"{one:.4f}" for one in figures)))
    return rows


def decisions(seeds: int, progress: Callable[[str], None]) -> Iterator[tuple[str, ...]]:
    """The cost of the version's decisions on fresh rows, at one half, and at the threshold that is best for them."""
    for missed, alarm in ((1, 1), (5, 1), (20, 1), (1, 5)):
        progress(f"decisions: {missed} : {alarm}")
        spec = TargetSpec("y", cost_missed=missed, cost_false_alarm=alarm)
        target = Target(
            "y",
            {"en": "y"},
            classes=(0, 1),
            positive=1,
            threshold=threshold(spec),
            costs=costs(spec, (0, 1), 1, UseCase("made")),
        )
        found = []
        for seed in range(seeds):
            _, served, truth, _ = _fitted("random forest", 2, seed)
            decided = decide(Answers(served.argmax(axis=1), served), target).values
            named = [served[:, 1] >= step for step in np.linspace(0.005, 0.995, 199)]
            at = [1000 * np.mean(missed * (truth > one) + alarm * (truth < one)) for one in (decided, *named)]
            found.append((at[0], at[1 + len(named) // 2], min(at[1:])))
        yield f"{missed} : {alarm}", f"{threshold(spec):.3f}", *(f"{one:.0f}" for one in np.mean(found, axis=0))
