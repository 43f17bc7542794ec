"""A model version in the BentoML model store, and the layout of its folder.

    <name>:<version>            schema.json, model.onnx, uncertainty.json, golden.json, background.csv,
                                metrics.json, figures.json, profile.json, reading.json, leaderboard.csv,
                                card.md, card.zh.md, SHA256SUMS
    <name>-pipeline:<version>   pipeline.pkl, the fitted PyCaret pipeline, SHA256SUMS

A version without model.onnx could not be compiled and is served by its pipeline.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bentoml
from bentoml.exceptions import BentoMLException

from slipway.errors import ModelDamagedError, ModelFormatError, ModelMissingError
from slipway.inference.golden import Golden
from slipway.inference.interval import Interval
from slipway.schema.arrays import Columns
from slipway.schema.figures import Figures
from slipway.schema.metrics import Leaderboard, Metrics
from slipway.schema.profile import Profile
from slipway.schema.report import TableReport
from slipway.schema.schema import Schema
from slipway.store import artifacts
from slipway.store._bentoml import store_folder
from slipway.store.artifacts import FORMAT, GRAPH, PIPELINE
from slipway.store.background import read_background
from slipway.store.checksums import check_files
from slipway.store.summary import Summary, format_of

PIPELINE_SUFFIX = "-pipeline"


@dataclass(frozen=True)
class Version:
    """One version in the store, its files checked against their SHA-256.

    What its files hold is read, and checked, each time it is asked for; all raise `ModelDamagedError`.
    """

    name: str
    version: str
    path: Path
    created: dt.datetime
    summary: Summary
    engine: Literal["onnx", "native"]
    pipelines: Path | None

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

    def schema(self) -> Schema:
        """The schema the version learnt."""
        return artifacts.SCHEMA.read(self.tag, self.path, self.summary.format)

    def interval(self) -> Interval | None:
        """The interval around predicted numbers; none for classes and where there were too few rows."""
        return artifacts.INTERVAL.find(self.tag, self.path, self.summary.format)

    def golden(self) -> Golden:
        """Records, and what was answered when the version was saved."""
        return artifacts.GOLDEN.read(self.tag, self.path, self.summary.format)

    def metrics(self) -> Metrics:
        """What was measured of the model."""
        return artifacts.METRICS.read(self.tag, self.path, self.summary.format)

    def figures(self) -> Figures | None:
        """What the Model tab draws; None for versions from before there were figures."""
        return artifacts.FIGURES.find(self.tag, self.path, self.summary.format)

    def profile(self) -> Profile | None:
        """What the training table looks like; None for versions from before there were profiles."""
        return artifacts.PROFILE.find(self.tag, self.path, self.summary.format)

    def reading(self) -> TableReport | None:
        """How each column of the training table was read; None for versions of before format 3, and of a notebook."""
        return artifacts.READING.find(self.tag, self.path, self.summary.format)

    def background(self) -> Columns:
        """The rows that explanations compare a record with."""
        return read_background(self.tag, self.path, self.schema().fields)

    def leaderboard(self) -> Leaderboard:
        """The models that were tried, best first."""
        return artifacts.read_leaderboard(self.tag, self.path)

    def cards(self) -> dict[str, str]:
        """The model card by language."""
        return artifacts.read_cards(self.tag, self.path)


def names() -> list[str]:
    """The names that have a version in the store."""
    return sorted(
        path.name
        for path in store_folder().iterdir()
        if path.is_dir() and not path.name.endswith(PIPELINE_SUFFIX) and any(path.iterdir())
    )


def find(tag: str) -> Version:
    """The version under a tag, its files checked.

    Parameters
    ----------
    tag : str
        `name`, `name:latest` or `name:version`.

    Returns
    -------
    Version

    Raises
    ------
    ModelMissingError, ModelFormatError, ModelDamagedError
        Each says what to do.
    """
    store = store_folder()
    name, _, wanted = tag.partition(":")
    try:
        model = bentoml.models.get(tag)
    except bentoml.exceptions.NotFound as exc:
        raise ModelMissingError(tag, names()) from exc
    except BentoMLException as exc:
        raise ModelDamagedError(tag, str(exc)) from exc
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        latest = store / name / "latest"
        version = (
            wanted if wanted not in ("", "latest") else latest.read_text().strip() if latest.exists() else "latest"
        )
        raise ModelDamagedError(f"{name}:{version}", "its model.yaml cannot be read") from exc
    version, path = str(model.tag.version), Path(model.path)
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


def _pipelines(tag: str) -> Path | None:
    try:
        return Path(bentoml.models.get(tag).path)
    except bentoml.exceptions.NotFound:
        return None
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        raise ModelDamagedError(
            tag.replace(f"{PIPELINE_SUFFIX}:", ":"), f"the model.yaml of {tag} cannot be read"
        ) from exc
