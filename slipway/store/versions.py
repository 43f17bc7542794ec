"""A model version in the BentoML model store, and the layout of its folder.

    <name>:<version>            schema.json, model.onnx, uncertainty.json, support.json, golden.json, background.csv,
                                metrics.json, figures.json, profile.json, errors.json, reading.json,
                                usecase.json, provenance.json, leaderboard.csv, card.md, card.zh.md, SHA256SUMS
    <name>-pipeline:<version>   pipeline.pkl, the fitted PyCaret pipeline, SHA256SUMS

A version without model.onnx could not be compiled and is served by its pipeline.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import bentoml
from bentoml.exceptions import BentoMLException

from slipway.errors import (
    ModelDamagedError,
    ModelFormatError,
    ModelMissingError,
    RetiredError,
    StoreError,
    VersionMissingError,
)
from slipway.inference.golden import Golden
from slipway.inference.interval import Interval
from slipway.inference.support import Support
from slipway.schema.arrays import Columns
from slipway.schema.expected_errors import ExpectedErrors
from slipway.schema.figures import Figures
from slipway.schema.metrics import Leaderboard, Metrics
from slipway.schema.profile import Profile
from slipway.schema.provenance import Provenance
from slipway.schema.report import TableReport
from slipway.schema.schema import Schema
from slipway.store import artifacts
from slipway.store._bentoml import store_folder
from slipway.store.artifacts import FORMAT, GRAPH, PIPELINE
from slipway.store.background import read_background
from slipway.store.checksums import check_files
from slipway.store.history import read_history
from slipway.store.summary import Summary, format_of

PIPELINE_SUFFIX = "-pipeline"
T = TypeVar("T")


def _once(read: Callable[["Version"], T]) -> Callable[["Version"], T]:
    """A method that reads files the first time that it is called."""

    @wraps(read)
    def remembered(version: "Version") -> T:
        if read.__name__ not in version.contents:
            version.contents[read.__name__] = read(version)
        return cast(T, version.contents[read.__name__])

    return remembered


@dataclass(frozen=True)
class Version:
    """One version in the store, its files checked against their SHA-256.

    What its files hold is read, and checked, when it is asked for the first time; all raise `ModelDamagedError`.
    """

    name: str
    version: str
    path: Path
    created: dt.datetime
    summary: Summary
    engine: Literal["onnx", "native"]
    pipelines: Path | None
    contents: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What has been read of its files, by the method that read it."""

    def read(self) -> None:
        """Read all that a server answers and shows: from now on it does not matter what happens to the files."""
        readers: tuple[Callable[[], object], ...] = (
            *(self.schema, self.interval, self.support, self.metrics, self.figures, self.profile, self.reading),
            *(self.provenance, self.background, self.leaderboard, self.cards),
        )
        for reader in readers:
            reader()

    @property
    def tag(self) -> str:
        """`<name>:<version>`, as BentoML writes it."""
        return f"{self.name}:{self.version}"

    @property
    def graph(self) -> Path:
        """The compiled graph; there if `engine` is "onnx"."""
        return self.path / GRAPH

    @property
    def pipeline(self) -> Path:
        """The pickled pipeline, which a bento of a compiled version does not take along."""
        if self.pipelines is None:
            raise ModelDamagedError(
                self.tag, f"its pipeline {self.name}{PIPELINE_SUFFIX}:{self.version} is missing or unreadable"
            )
        return self.pipelines / PIPELINE

    @_once
    def schema(self) -> Schema:
        """The schema the version learnt."""
        return artifacts.SCHEMA.read(self.tag, self.path, self.summary.format)

    @_once
    def interval(self) -> Interval | None:
        """The interval around predicted numbers; none for classes and where there were too few rows."""
        return artifacts.INTERVAL.find(self.tag, self.path, self.summary.format)

    @_once
    def support(self) -> Support | None:
        """What its answers rest on; None for versions of before format 3, and of a notebook."""
        return artifacts.SUPPORT.find(self.tag, self.path, self.summary.format)

    @_once
    def golden(self) -> Golden:
        """Records, and what was answered when the version was saved."""
        return artifacts.GOLDEN.read(self.tag, self.path, self.summary.format)

    @_once
    def metrics(self) -> Metrics:
        """What was measured of the model."""
        return artifacts.METRICS.read(self.tag, self.path, self.summary.format)

    @_once
    def figures(self) -> Figures | None:
        """What the Model tab draws; None for versions from before there were figures."""
        return artifacts.FIGURES.find(self.tag, self.path, self.summary.format)

    @_once
    def profile(self) -> Profile | None:
        """What the training table looks like; None for versions from before there were profiles."""
        return artifacts.PROFILE.find(self.tag, self.path, self.summary.format)

    @_once
    def expected_errors(self) -> ExpectedErrors | None:
        """The errors by prediction; None for classes, too few rows, and versions from before they were kept."""
        return artifacts.ERRORS.find(self.tag, self.path, self.summary.format)

    @_once
    def usecase(self) -> dict[str, Any] | None:
        """What it was trained with, as a use case file would have it; None for older versions and of a notebook."""
        return artifacts.read_usecase(self.tag, self.path)

    @_once
    def reading(self) -> TableReport | None:
        """How each column of the training table was read; None for versions of before format 3, and of a notebook."""
        return artifacts.READING.find(self.tag, self.path, self.summary.format)

    @_once
    def provenance(self) -> Provenance | None:
        """The code and the packages that trained it; None for versions from before this was kept."""
        return artifacts.PROVENANCE.find(self.tag, self.path, self.summary.format)

    @_once
    def background(self) -> Columns:
        """The rows that explanations compare a record with."""
        return read_background(self.tag, self.path, self.schema().fields)

    @_once
    def leaderboard(self) -> Leaderboard:
        """The models that were tried, best first."""
        return artifacts.read_leaderboard(self.tag, self.path)

    @_once
    def cards(self) -> dict[str, str]:
        """The model card by language."""
        return artifacts.read_cards(self.tag, self.path)


def names() -> list[str]:
    """The names that have a version in the store."""
    store = store_folder()
    found = [path.name for path in store.iterdir() if path.is_dir() and not path.name.endswith(PIPELINE_SUFFIX)]
    return sorted(name for name in found if version_names(name))


def version_names(name: str) -> list[str]:
    """The versions of a name, newest first; none is looked into."""
    folder = store_folder() / name
    paths = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return [path.name for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)]


def find(tag: str) -> Version:
    """The version that a tag means, its files checked.

    Parameters
    ----------
    tag : str
        `name` (the promoted version; without any promotion, the newest), `name:latest` (the newest) or `name:version`.

    Returns
    -------
    Version

    Raises
    ------
    ModelMissingError, ModelFormatError, ModelDamagedError, RetiredError, HistoryError
        Each says what to do.
    """
    version = find_any(tag)
    if entry := read_history(version.name).retired.get(version.version):
        raise RetiredError(version.tag, f"{entry.time:%Y-%m-%d}", entry.who, entry.why)
    return version


def find_any(tag: str) -> Version:
    """As `find`, and retired versions too: to look at, not to serve."""
    name, _, wanted = tag.lower().partition(":")  # as BentoML does
    promoted = read_history(name).promoted
    if wanted or not promoted:
        return open_version(tag)
    if promoted not in version_names(name):
        raise StoreError(
            f"{name}:{promoted}, the promoted version of {name}, is not in the BentoML model store any more; "
            f"take another into use: `slipway promote {name}:VERSION --why REASON` (`slipway models` lists them)"
        )
    return open_version(f"{name}:{promoted}")


def open_version(tag: str) -> Version:
    """A version, its files checked, whether it is in use or retired; `name` alone is the newest.

    Raises
    ------
    ModelMissingError, ModelFormatError, ModelDamagedError
        Each says what to do.
    """
    model = _model(tag)
    name, version, path = str(model.tag.name), str(model.tag.version), Path(model.path)
    format = format_of(model)
    if format > FORMAT:
        raise ModelFormatError(str(model.tag), format, FORMAT)
    check_files(str(model.tag), path)
    engine: Literal["onnx", "native"] = "onnx" if (path / GRAPH).exists() else "native"
    pipelines = _pipelines(f"{name}{PIPELINE_SUFFIX}:{version}")
    known = Version(name, version, path, model.creation_time, Summary.of(model), engine, pipelines)
    if pipelines is not None or engine == "native":
        check_files(known.tag, known.pipeline.parent)
    return known


def newest_version(name: str) -> str | None:
    """The newest version of a name, as BentoML's `latest` has it; None if there is none."""
    try:
        return resolve(name)[1]
    except ModelMissingError:
        return None


def resolve(tag: str) -> tuple[str, str]:
    """The name and the whole version of a tag, of which BentoML takes the beginning too; its files are not looked at.

    Raises
    ------
    ModelMissingError
        With the nearest, if there is no such version.
    """
    try:
        found = _model(tag).tag
    except ModelDamagedError as exc:
        name, _, version = exc.tag.partition(":")
        if version not in version_names(name):
            raise
        return name, version
    return str(found.name), str(found.version)


def _model(tag: str) -> bentoml.Model:
    name, _, wanted = tag.partition(":")
    try:
        return bentoml.models.get(tag)
    except bentoml.exceptions.NotFound as exc:
        if wanted not in ("", "latest") and (known := version_names(name)):
            raise VersionMissingError(name, wanted, known) from exc
        raise ModelMissingError(tag, names()) from exc
    except BentoMLException as exc:
        raise ModelDamagedError(tag, str(exc)) from exc
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        latest = store_folder() / name / "latest"
        version = (
            wanted if wanted not in ("", "latest") else latest.read_text().strip() if latest.exists() else "latest"
        )
        raise ModelDamagedError(f"{name}:{version}", "its model.yaml cannot be read") from exc


def _pipelines(tag: str) -> Path | None:
    try:
        return Path(bentoml.models.get(tag).path)
    except bentoml.exceptions.NotFound:
        return None
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        raise ModelDamagedError(
            tag.replace(f"{PIPELINE_SUFFIX}:", ":"), f"the model.yaml of {tag} cannot be read"
        ) from exc
