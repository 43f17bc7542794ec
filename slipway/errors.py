"""What can go wrong, as one tree of exceptions whose texts say what to do next.

    SlipwayError
    ├── UseCaseError            a use-case file or a command-line choice cannot be used
    ├── DataError               a table cannot be read, or not be learnt from
    │   └── CsvError                 a file cannot be read as a CSV table; has a code
    │       └── TableTooLargeError       a file passes a bound of the server; has a code
    ├── TrainingError           PyCaret could not make a model of it
    ├── RecordsError            records sent to a model have faults, every one listed; has a code
    ├── ExplanationError        an explanation was asked for that the model cannot give; has a code
    ├── ScoringError            files cannot be scored, or the scored ones not be written
    ├── RequestLogError         a request log cannot be written or read
    ├── ProofError              a saved answer, a proof or a signature does not hold, or a key cannot be used
    └── StoreError
        ├── ModelMissingError        nothing under that name in the BentoML store
        │   └── VersionMissingError      the name has no such version
        ├── RetiredError             the version was taken out of use
        ├── HistoryError             the record of what is in use cannot be read
        ├── ModelDamagedError        a file is not what it was when it was saved
        ├── ModelFormatError         its files have a format of a later Slipway
        ├── ModelIncompatibleError   saved with packages that differ from those installed
        ├── GoldenMismatchError      no longer gives the answers of training time
        └── NotServableError         trained, and a server of it would not start or not answer

Command lines print the text on one line and exit with 1; the HTTP service turns those that have
a code into a 400 or a 413. Anything else is a bug and keeps its traceback.

Codes are for programs and never change; their texts are in `slipway.i18n.faults`, and
`docs/errors.md` says of each when it comes and what to do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any


class FaultCode(StrEnum):
    """Why one value, record or row is refused."""

    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    NULL = "null"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    UNKNOWN_CATEGORY = "unknown_category"
    OUT_OF_BOUNDS = "out_of_bounds"
    TEXT_TOO_LONG = "text_too_long"
    UNKNOWN_CLASS = "unknown_class"
    AMBIGUOUS_NUMBER = "ambiguous_number"
    WRONG_CELL_COUNT = "wrong_cell_count"
    MISSING_COLUMN = "missing_column"
    NO_FINITE_PREDICTION = "no_finite_prediction"
    UNKNOWN_REQUEST = "unknown_request"


class WarningCode(StrEnum):
    """What the reader of a prediction should know of it, or of a value that was accepted."""

    OUT_OF_RANGE = "out_of_range"
    READ_AS_MISSING = "read_as_missing"
    OTHER_SPELLING = "other_spelling"
    UNUSUAL_COMBINATION = "unusual_combination"
    FEW_SIMILAR_CASES = "few_similar_cases"
    WIDE_INTERVAL = "wide_interval"
    SEVERAL_CLASSES = "several_classes"


class RequestCode(StrEnum):
    """Why a whole request is refused."""

    INVALID_RECORDS = "invalid_records"
    MISSING_COLUMNS = "missing_columns"
    INVALID_JSON = "invalid_json"
    UNEXPECTED_BODY = "unexpected_body"
    RECORDS_NOT_A_LIST = "records_not_a_list"
    NO_RECORDS = "no_records"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    INVALID_FORM = "invalid_form"
    MISSING_FILE = "missing_file"
    INVALID_OPTION = "invalid_option"
    INVALID_THRESHOLD = "invalid_threshold"
    INVALID_COLUMNS = "invalid_columns"
    NO_THRESHOLD = "no_threshold"
    NOT_A_CLASSIFIER = "not_a_classifier"
    NO_PROBABILITIES = "no_probabilities"
    NOTHING_CHANGEABLE = "nothing_changeable"
    EMPTY_FILE = "empty_file"
    NO_ROWS = "no_rows"
    NOT_A_CSV = "not_a_csv"
    UNREADABLE_FILE = "unreadable_file"
    ENCRYPTED_FILE = "encrypted_file"
    NOT_TEXT = "not_text"
    DUPLICATE_COLUMN = "duplicate_column"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_VALUES = "too_many_values"
    TOO_MANY_RECORDS = "too_many_records"
    TOO_MANY_ROWS = "too_many_rows"
    TOO_MANY_COLUMNS = "too_many_columns"
    TOO_MANY_CELLS = "too_many_cells"
    CELL_TOO_LONG = "cell_too_long"
    UNPACKED_TOO_LARGE = "unpacked_too_large"
    RESULT_TOO_LARGE = "result_too_large"
    NO_DISK_SPACE = "no_disk_space"
    NO_MEMORY = "no_memory"
    NO_REQUEST_LOG = "no_request_log"
    INVALID_OUTCOMES = "invalid_outcomes"
    UNKNOWN_REQUESTS = "unknown_requests"
    REQUEST_LOG_FAILED = "request_log_failed"
    TOO_SLOW = "too_slow"
    OVERLOADED = "overloaded"
    TOO_MANY_REQUESTS = "too_many_requests"
    INVALID_HTTP = "invalid_http"
    HEADERS_TOO_LARGE = "headers_too_large"
    REQUEST_TIMEOUT = "request_timeout"
    NOT_FOUND = "not_found"
    STALE_PAGE = "stale_page"
    INVALID_EVENT = "invalid_event"
    NOT_AUTHENTICATED = "not_authenticated"
    MISSING_SCOPE = "missing_scope"
    INVALID_KEY = "invalid_key"
    EXPIRED_KEY = "expired_key"
    SEVERAL_KEYS = "several_keys"
    HOST_NOT_ALLOWED = "host_not_allowed"
    CORS_NOT_ALLOWED = "cors_not_allowed"


class ExpectedType(StrEnum):
    """What `expected` of a fault says where it is neither a list of values nor bounds."""

    NUMBER = "a number"
    WHOLE_NUMBER = "a whole number"
    DATE = "a date such as 2024-05-31"
    DATETIME = "a date and time such as 2024-05-31T18:30:00"
    TIME = "a time of day such as 18:30"
    TEXT = "a text"
    RECORD = "an object with the fields of the model"
    BOUNDS = 'an object with "minimum" or "maximum"'


@dataclass(slots=True)
class Fault:
    """One value, record or row that is refused, or with a `WarningCode` one that is accepted with a warning.

    Nobody changes one: equal cells of a file share it. (Frozen, it would take four times as long to make.) Its texts are made from code and values when it leaves the package (`slipway.i18n.faults`).

    Parameters
    ----------
    code : FaultCode or WarningCode
    field : str, optional
        The name of the field or column; None for a record or row as a whole.
    value : optional
        The value as an answer may repeat it: short, and something JSON can hold.
    expected : optional
        An `ExpectedType`, a list of values, bounds as `{"minimum": …, "maximum": …}`, or a text.
    record : int, optional
        The position of the record or row, from 0; None for a whole table, and in warnings, which
        stand beside their predictions.
    """

    code: FaultCode | WarningCode
    field: str | None = None
    value: Any = None
    expected: Any = None
    record: int | None = None


def nearest(name: str, names: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the known name closest to `name`, or an empty string."""
    close = nearest_name(name, names)
    return f"; did you mean {close!r}?" if close is not None else ""


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The known name closest to `name`; None if none is close."""
    lower = {known.lower(): known for known in map(str, names)}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[close[0]] if close else None


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


class CsvError(DataError):
    """A file cannot be read as a CSV table.

    `values` has what the texts of the code need, and as `text` the English one.
    """

    def __init__(self, source: str | Path, problem: str, code: RequestCode, **values: Any) -> None:
        super().__init__(source, problem)
        self.code = code
        self.values = {"text": f"{source} {problem}", **values}


class TableTooLargeError(CsvError):
    """A file has more of something than a server accepts; it is read no further."""


class TrainingError(SlipwayError):
    """PyCaret could not make a model; the text names the step and its own words."""


class RecordsError(SlipwayError):
    """Records with faults: `details` has the first `listed` of them, `count` how many there are.

    `values` has what the texts of the code need, and as `text` the English one.
    """

    listed = 100

    def __init__(
        self,
        details: Sequence[Fault],
        error: str | None = None,
        code: RequestCode = RequestCode.INVALID_RECORDS,
        **values: Any,
    ) -> None:
        count = len(details)
        faults = "1 fault" if count == 1 else f"{count:,} faults"
        text = error or f"{faults} in the records; details name each field and what was expected"
        if count > self.listed:
            text += f" (the first {self.listed} are listed)"
        super().__init__(text)
        self.details = list(details[: self.listed])
        self.count = count
        self.code = code
        self.values = {"text": text, "count": count, **values}


class ExplanationError(SlipwayError):
    """The model has no number of the kind that was to be explained.

    `values` has what the texts of the code need, and as `text` the English one.
    """

    def __init__(self, text: str, code: RequestCode, **values: Any) -> None:
        super().__init__(text)
        self.code = code
        self.values = {"text": text, **values}


class ScoringError(SlipwayError):
    """Files cannot be scored, or the scored ones not be written. Its text alone crosses from a worker to its parent."""


class RequestLogError(SlipwayError):
    """A request log cannot be written or read. `where` is shown, so it has no password."""

    def __init__(self, where: str | Path, problem: str) -> None:
        super().__init__(f"the request log {where} cannot be used: {problem}")
        self._parts = str(where), problem

    def __reduce__(self) -> tuple[Any, ...]:
        """So that it can come from another process."""
        return type(self), self._parts


class ProofError(SlipwayError):
    """A saved answer, a proof or a signature does not hold or cannot be read, or a key cannot be used. `where` is the file."""

    def __init__(self, where: str | Path, problem: str) -> None:
        super().__init__(f"{where}: {problem}")


class StoreError(SlipwayError):
    """The BentoML model store has not what was asked for."""


class ModelMissingError(StoreError):
    """Nothing is stored under the name asked for."""

    def __init__(self, tag: str, known: Sequence[str]) -> None:
        name = tag.partition(":")[0]
        super().__init__(
            f"no model {tag!r} in the BentoML model store{nearest(name, known)} "
            f"(there: {', '.join(known) or 'no model at all'}); "
            f"make it with `slipway train {name}`"
        )


class VersionMissingError(ModelMissingError):
    """A name has versions, and not the one asked for."""

    listed = 5

    def __init__(self, name: str, version: str, known: Sequence[str]) -> None:
        tags = [f"{name}:{one}" for one in known]
        more = f", and {len(tags) - self.listed:,} more" if len(tags) > self.listed else ""
        StoreError.__init__(
            self,
            f"no model {f'{name}:{version}'!r} in the BentoML model store{nearest(f'{name}:{version}', tags)} "
            f"(there, newest first: {', '.join(tags[: self.listed])}{more}); `slipway models` lists all versions",
        )


class RetiredError(StoreError):
    """A version was taken out of use, and is served no more."""

    def __init__(self, tag: str, time: str, who: str, why: str) -> None:
        name = tag.partition(":")[0]
        super().__init__(
            f"model {tag} is retired and not served any more (since {time}, by {who}: {why}); name another version, or "
            f"{name} for the promoted one; `slipway promote {tag} --why REASON` takes it into use again"
        )


class HistoryError(StoreError):
    """The record of which version of a name is in use cannot be read: then none is guessed."""

    def __init__(self, name: str, path: Path, problem: str) -> None:
        super().__init__(
            f"the history of model {name} ({path}) cannot be used: {problem}; take the file from a backup, or remove it: "
            f"then {name} means its newest version, until `slipway promote {name}:VERSION --why REASON`"
        )


class ModelDamagedError(StoreError):
    """A stored file is missing, or is not byte for byte what was saved."""

    def __init__(self, tag: str, problem: str) -> None:
        name, _, version = tag.partition(":")
        again = f"`bentoml models delete {tag}`, then `slipway train {name}`"
        super().__init__(f"model {name}:{version} is damaged: {problem}; remove and retrain: {again}")
        self.tag = tag


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
            f"train it again here (`slipway train {tag.partition(':')[0]}`) or install those versions "
            "(requirements/train.txt has those of training)"
        )


class GoldenMismatchError(StoreError):
    """The loaded version answers its golden rows otherwise than at training time."""

    def __init__(self, tag: str, problem: str) -> None:
        super().__init__(
            f"model {tag} no longer gives the answers it gave when it was saved: {problem}; "
            f"train it again on this machine (`slipway train {tag.partition(':')[0]}`)"
        )


class NotServableError(StoreError):
    """A version that was to be saved could not be started as a server starts it; it was not saved."""

    def __init__(self, tag: str, failed: str, reason: str) -> None:
        super().__init__(
            f"model {tag.partition(':')[0]} was trained and is not saved, since a server of it would fail: "
            f"{failed}: {reason}; leave out the column, step or option that this names, or choose another estimator"
        )
