"""What can go wrong, as one tree of exceptions whose texts say what to do next.

    SlipwayError
    ├── UseCaseError            a use-case file or a command-line choice cannot be used
    ├── DataError               a table cannot be read, or not be learnt from
    │   └── TableTooLargeError       a file passes a bound of the server
    ├── TrainingError           PyCaret could not make a model of it
    ├── RecordsError            records sent to a model have faults, every one listed
    ├── ExplanationError        an explanation was asked for that the model cannot give
    └── StoreError
        ├── ModelMissingError        nothing under that name in the BentoML store
        ├── ModelDamagedError        a file is not what it was when it was saved
        ├── ModelFormatError         its files have a format of a later Slipway
        ├── ModelIncompatibleError   saved with packages that differ from those installed
        ├── GoldenMismatchError      no longer gives the answers of training time
        └── NotServableError         trained, and a server of it would not start or not answer

Command lines print the text on one line and exit with 1; the HTTP service turns
`RecordsError` and `ExplanationError` into a 400. Anything else is a bug and keeps its traceback.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any


def nearest(name: str, names: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the known name closest to `name`, or an empty string."""
    lower = {known.lower(): known for known in map(str, names)}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return f"; did you mean {lower[close[0]]!r}?" if close else ""


def first_line(text: str) -> str:
    """The first line of a text that says anything: other libraries' errors may have many."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


class SlipwayError(Exception):
    """Base of every error that a person can put right."""


class UseCaseError(SlipwayError):
    """A use-case file or a command-line choice cannot be used.

    `where` is the file, with the line where one is known, or the option.
    """

    def __init__(self, where: str | Path, problem: str, line: int | None = None) -> None:
        place = f"{where}, line {line}" if line else str(where)
        super().__init__(f"{place}: {problem}")


class DataError(SlipwayError):
    """A table cannot be read, or nothing can be learnt from it."""

    def __init__(self, source: str | Path, problem: str) -> None:
        super().__init__(f"{source}: {problem}")


class TableTooLargeError(DataError):
    """A file has more of something than a server takes; how much more it does not look."""


class TrainingError(SlipwayError):
    """PyCaret could not make a model; the text names the step and its own words."""


class RecordsError(SlipwayError):
    """Records with faults: `details` has one entry for each fault, as the API answers it."""

    listed = 100

    def __init__(self, details: Sequence[dict[str, Any]], error: str | None = None) -> None:
        count = len(details)
        faults = "1 fault" if count == 1 else f"{count:,} faults"
        text = error or f"{faults} in the records; details name each field and what was expected"
        if count > self.listed:
            text += f" (the first {self.listed} are listed)"
        super().__init__(text)
        self.details = list(details[: self.listed])
        self.count = count


class ExplanationError(SlipwayError):
    """The model has no number of the kind that was to be explained."""


class StoreError(SlipwayError):
    """The BentoML model store has not what was asked for."""


class ModelMissingError(StoreError):
    """Nothing is stored under the name asked for."""

    def __init__(self, tag: str, known: Sequence[str]) -> None:
        name = tag.partition(":")[0]
        super().__init__(
            f"no model {tag!r} in the BentoML model store{nearest(name, known)} "
            f"(there: {', '.join(known) or 'no model at all'}); "
            f"make it with `python train.py {name}`"
        )


class ModelDamagedError(StoreError):
    """A stored file is missing, or is not byte for byte what was saved."""

    def __init__(self, tag: str, problem: str) -> None:
        name, _, version = tag.partition(":")
        again = f"`bentoml models delete {tag}`, then `python train.py {name}`"
        super().__init__(f"model {name}:{version} is damaged: {problem}; remove and retrain: {again}")


class ModelFormatError(StoreError):
    """The files of a version have a format that is later than this Slipway knows."""

    def __init__(self, tag: str, format: int, known: int) -> None:
        super().__init__(
            f"model {tag} has format {format}, which is later than this Slipway reads (up to {known}); serve it with "
            f"the Slipway that saved it, or train it again here (`python train.py {tag.partition(':')[0]}`)"
        )


class ModelIncompatibleError(StoreError):
    """The version was saved with packages that its pipeline cannot be loaded without."""

    def __init__(self, tag: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"model {tag} was made with other package versions: {'; '.join(differences)}; "
            f"train it again here (`python train.py {tag.partition(':')[0]}`) or install those versions "
            "(requirements/train.txt has those of training)"
        )


class GoldenMismatchError(StoreError):
    """The loaded version answers its golden rows otherwise than at training time."""

    def __init__(self, tag: str, problem: str) -> None:
        super().__init__(
            f"model {tag} no longer gives the answers it gave when it was saved: {problem}; "
            f"train it again on this machine (`python train.py {tag.partition(':')[0]}`)"
        )


class NotServableError(StoreError):
    """A version that was to be saved could not be started as a server starts it; it was not saved."""

    def __init__(self, tag: str, failed: str, reason: str) -> None:
        super().__init__(
            f"model {tag.partition(':')[0]} was trained and is not saved, since a server of it would fail: "
            f"{failed}: {reason}; leave out the column, step or option that this names, or choose another estimator"
        )
