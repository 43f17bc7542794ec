"""The files of a version: here each has its type, is written, read and checked.

A new file gets a line here, and its type where those can import it who make and show it: the types
are plain dataclasses in `slipway.schema` and `slipway.inference`. pydantic checks what is read, by
adapters that are made when a file is first asked for: a server that declared them as pydantic models
would build all of them at each start, and reads three.

`FORMAT` counts the changes of what the files hold. It stands in a version's model.yaml; a version
without it has format 1. Whoever changes a type raises it, adds a function to
`slipway.store.upgrades`, and keeps a version of the format before in `tests/data/versions`.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from slipway.errors import ModelDamagedError
from slipway.i18n.catalogues import FALLBACK
from slipway.inference.golden import Golden
from slipway.inference.interval import Interval
from slipway.inference.support import Support
from slipway.schema.expected_errors import ExpectedErrors
from slipway.schema.figures import Figures
from slipway.schema.metrics import Leaderboard, LeaderboardRow, Metrics
from slipway.schema.profile import Profile
from slipway.schema.provenance import Provenance
from slipway.schema.report import TableReport
from slipway.schema.schema import Schema
from slipway.store.upgrades import UPGRADES

FORMAT = 3

T = TypeVar("T")


@dataclass(frozen=True)
class JsonFile(Generic[T]):
    """A JSON file of a version that holds one dataclass."""

    name: str
    type: type[T]

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.type)

    def write(self, folder: Path, content: T) -> None:
        """Write the file to a folder.

        Parameters
        ----------
        folder : Path
            Of a version that is being made.
        content : dataclass
            Of this file's type.
        """
        text = json.dumps(to_json(content), ensure_ascii=False, indent=1, allow_nan=False)
        (folder / self.name).write_text(text, encoding="utf-8")

    def read(self, tag: str, folder: Path, format: int) -> T:
        """The content of a version's file.

        Parameters
        ----------
        tag : str
            Of the version, for messages.
        folder : Path
        format : int
            Of the version; older content is upgraded.

        Returns
        -------
        dataclass
            Of this file's type.

        Raises
        ------
        ModelDamagedError
            If it is missing, or its content is not valid in this format: with the first key.
        """
        try:
            data = (folder / self.name).read_bytes()
            if format < FORMAT:
                data = json.dumps(self._upgraded(json.loads(data), folder, format)).encode("utf-8")
            return self._adapter.validate_json(data, strict=True)
        except OSError as exc:
            raise ModelDamagedError(tag, f"{self.name} is missing or unreadable") from exc
        except ValidationError as exc:
            raise ModelDamagedError(tag, f"{self.name}: {_first_problem(exc)}") from exc
        except KeyError as exc:
            raise ModelDamagedError(tag, f"{self.name}: key {exc.args[0]!r} is missing") from exc
        except (ValueError, TypeError, AttributeError) as exc:  # of an upgrade that is given something else
            raise ModelDamagedError(tag, f"{self.name} is not valid in format {format}: {exc}") from exc

    def find(self, tag: str, folder: Path, format: int) -> T | None:
        """As `read`; None for a version that does not have the file."""
        return self.read(tag, folder, format) if (folder / self.name).exists() else None

    def _upgraded(self, stored: Any, folder: Path, format: int) -> Any:
        for step in range(format, FORMAT):
            upgrade = UPGRADES[step].get(self.name)
            stored = upgrade(stored, folder) if upgrade else stored
        return stored


def _first_problem(exc: ValidationError) -> str:
    """`fields.0.kind: Field required`, the first of what is wrong."""
    first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def to_json(value: Any) -> Any:
    """A dataclass as JSON holds it; fields that are None, False or empty, as they are by default, are left out."""
    if is_dataclass(value):
        held = ((field, getattr(value, field.name)) for field in fields(value))
        return {
            field.name: to_json(item)
            for field, item in held
            if item or field.default is MISSING or item != field.default
        }
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


SCHEMA = JsonFile("schema.json", Schema)
INTERVAL = JsonFile("uncertainty.json", Interval)
SUPPORT = JsonFile("support.json", Support)
GOLDEN = JsonFile("golden.json", Golden)
METRICS = JsonFile("metrics.json", Metrics)
FIGURES = JsonFile("figures.json", Figures)
PROFILE = JsonFile("profile.json", Profile)
ERRORS = JsonFile("errors.json", ExpectedErrors)
READING = JsonFile("reading.json", TableReport)
PROVENANCE = JsonFile("provenance.json", Provenance)
GRAPH = "model.onnx"
PIPELINE = "pipeline.pkl"
LEADERBOARD = "leaderboard.csv"
USECASE = "usecase.json"


def write_leaderboard(folder: Path, board: Leaderboard) -> None:
    """Write `leaderboard.csv`: `id`, `model`, the metrics, and `seconds` if there are any."""
    metrics = list(board[0].scores) if board else []
    timed = any(row.seconds is not None for row in board)
    with (folder / LEADERBOARD).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "model", *metrics, *(["seconds"] if timed else [])])
        for row in board:
            # An empty cell for None.
            writer.writerow([row.id, row.model, *row.scores.values(), *([row.seconds] if timed else [])])


def read_leaderboard(tag: str, folder: Path) -> Leaderboard:
    """The models that were tried, best first.

    Raises
    ------
    ModelDamagedError
        With the line, if the file is not as `write_leaderboard` makes it.
    """
    try:
        with (folder / LEADERBOARD).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, ValueError, csv.Error) as exc:
        raise ModelDamagedError(tag, f"{LEADERBOARD} is missing or unreadable") from exc
    board = []
    for line, row in enumerate(rows, start=2):
        try:
            name, model = row.pop("id"), row.pop("model")
            scores = {metric: float(cell) if cell else None for metric, cell in row.items()}
        except (KeyError, TypeError, ValueError) as exc:
            raise ModelDamagedError(tag, f"{LEADERBOARD}, line {line}: {exc}") from exc
        seconds = scores.pop("seconds", None)
        board.append(LeaderboardRow(name, model, scores, seconds))
    return tuple(board)


def write_usecase(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `usecase.json`: what a use case file would hold, of which only training knows the type."""
    (folder / USECASE).write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")


def read_usecase(tag: str, folder: Path) -> dict[str, Any] | None:
    """The use case of a version, not yet checked; None for a version that does not have it.

    Raises
    ------
    ModelDamagedError
    """
    try:
        content = json.loads((folder / USECASE).read_bytes()) if (folder / USECASE).exists() else None
    except (OSError, ValueError) as exc:
        raise ModelDamagedError(tag, f"{USECASE} is not valid JSON") from exc
    if content is not None and not isinstance(content, dict):
        raise ModelDamagedError(tag, f"{USECASE} holds no use case")
    return content


def _card(language: str) -> str:
    return "card.md" if language == FALLBACK else f"card.{language}.md"


def write_cards(folder: Path, cards: Mapping[str, str]) -> None:
    """Write the model card in each language: `card.md` is the English one, `card.zh.md` the Chinese one."""
    for language, text in cards.items():
        (folder / _card(language)).write_text(text, encoding="utf-8")


def read_cards(tag: str, folder: Path) -> dict[str, str]:
    """The model card by language: a version has those of the languages that there were when it was made.

    Raises
    ------
    ModelDamagedError
        If there is no English one, or one cannot be read.
    """
    languages = [FALLBACK, *sorted(path.name.split(".")[1] for path in folder.glob("card.*.md"))]
    try:
        return {language: (folder / _card(language)).read_text(encoding="utf-8") for language in languages}
    except (OSError, ValueError) as exc:
        raise ModelDamagedError(tag, "a model card is missing or unreadable") from exc
