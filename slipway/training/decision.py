"""How classes are decided, from what a use case says: its threshold, or what wrong answers cost."""

from typing import Any

from slipway.errors import UseCaseError, nearest
from slipway.inference.support import Abstention
from slipway.training.usecase import TargetSpec, UseCase

HALF = 0.5
OTHERS = 1.0
"""What taking one class for another costs where `costs:` does not name the two."""


def check(spec: TargetSpec, count: int, usecase: UseCase) -> None:
    """Reject a threshold or costs that the target's number of classes has no use for.

    Parameters
    ----------
    spec : TargetSpec
    count : int
        Of the classes; 0 for numbers.
    usecase : UseCase
        For messages.

    Raises
    ------
    UseCaseError
    """
    outcome = f"the target {spec.column!r} {f'has {count} classes' if count else 'is a number'}"
    pair = {"threshold": spec.threshold, "cost_missed": spec.cost_missed}
    given = next((name for name, value in pair.items() if value is not None), None)
    if given and count != 2:
        instead = "; for more, give `costs`" if count and given == "cost_missed" else ": leave it out"
        raise UseCaseError(f"use case {usecase.name}", f"`{given}` is for two classes; {outcome}{instead}")
    if spec.costs and count < 3:
        instead = "; give `cost_missed` and `cost_false_alarm`" if count else ": leave it out"
        raise UseCaseError(f"use case {usecase.name}", f"`costs` is for more than two classes; {outcome}{instead}")


def abstention(usecase: UseCase, count: int) -> Abstention:
    """When a person is to be asked, as a use case says.

    Parameters
    ----------
    usecase : UseCase
    count : int
        Of the target's classes; 0 for numbers.

    Returns
    -------
    Abstention

    Raises
    ------
    UseCaseError
        If a rule is for the other kind of target, or can never hold.
    """
    spec, column = usecase.abstain, usecase.target.column
    problem = None
    if count and spec.width is not None:
        problem = f"`abstain: width` is for intervals around numbers; the target {column!r} has {count} classes: give `classes`"
    elif not count and spec.classes is not None:
        problem = f"`abstain: classes` is for a target with classes; the target {column!r} is a number: give `width`"
    elif spec.classes is not None and spec.classes >= count:
        problem = f"`abstain: classes` is {spec.classes}; the target {column!r} has no more than {count} classes: give at most {count - 1}"
    if problem:
        raise UseCaseError(f"use case {usecase.name}", problem)
    return Abstention(spec.cases, spec.width, spec.classes, spec.unusual)


def threshold(spec: TargetSpec) -> float:
    """The probability from which the positive class is predicted.

    With costs, the one at which missing a case and a false alarm have the same expected cost. Source: Elkan, The foundations of
    cost-sensitive learning, IJCAI (2001), equation 2.
    """
    if spec.cost_missed is not None and spec.cost_false_alarm is not None:
        return float(spec.cost_false_alarm / (spec.cost_false_alarm + spec.cost_missed))
    return spec.threshold or HALF


def costs(spec: TargetSpec, classes: tuple[Any, ...], positive: Any, usecase: UseCase) -> tuple[tuple[float, ...], ...]:
    """The cost of taking a case of one class for another.

    Parameters
    ----------
    spec : TargetSpec
    classes : tuple of n_classes values
    positive
        One of them.
    usecase : UseCase
        For messages.

    Returns
    -------
    tuple of n_classes tuples of n_classes floats
        By actual, then by predicted class; empty without costs.

    Raises
    ------
    UseCaseError
        If `costs:` names a class that there is not, or a right answer.
    """
    if spec.cost_missed is not None and spec.cost_false_alarm is not None:
        missed, alarm = float(spec.cost_missed), float(spec.cost_false_alarm)
        return tuple(
            tuple(0.0 if one == other else missed if one == positive else alarm for other in classes) for one in classes
        )
    if not spec.costs:
        return ()
    places = {str(value): place for place, value in enumerate(classes)}
    table = [[0.0 if one == other else OTHERS for other in classes] for one in classes]
    for actual, predicted in spec.costs.items():
        for name, cost in predicted.items():
            for wanted in (actual, name):
                if wanted not in places:
                    problem = f"`costs` names the class {wanted!r}, the target's classes are {list(classes)}"
                    raise UseCaseError(f"use case {usecase.name}", problem + nearest(wanted, places))
            if actual == name:
                raise UseCaseError(
                    f"use case {usecase.name}", f"`costs` has a cost for {name!r} that is right, which costs nothing"
                )
            table[places[actual]][places[name]] = float(cost)
    return tuple(map(tuple, table))
