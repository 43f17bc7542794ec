"""A model version in the BentoML model store, and the layout of its folder.

    <name>:<version>            schema.json, model.onnx, uncertainty.json, golden.json, background.csv,
                                metrics.json, figures.json, profile.json, leaderboard.csv, card.md, card.zh.md,
                                SHA256SUMS
    <name>-pipeline:<version>   pipeline.pkl, the fitted PyCaret pipeline, SHA256SUMS

A version without model.onnx could not be compiled and is served by its pipeline.
"""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bentoml
from bentoml.exceptions import BentoMLException

from slipway.errors import ModelDamagedError, ModelMissingError
from slipway.schema.schema import Schema
from slipway.store._bentoml import store_folder
from slipway.store.checksums import check_files

PIPELINE = "pipeline.pkl"
GRAPH = "model.onnx"
PIPELINE_SUFFIX = "-pipeline"


@dataclass(frozen=True)
class Version:
    """One version in the store, its files checked against their SHA-256."""

    name: str
    version: str
    path: Path
    created: dt.datetime
    metadata: dict[str, Any]
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

    def read_json(self, file: str) -> Any:
        """One of the version's JSON files."""
        return json.loads((self.path / file).read_text(encoding="utf-8"))

    def find_json(self, file: str) -> Any | None:
        """One of the files that not every version has; None if it is not there."""
        return self.read_json(file) if (self.path / file).exists() else None

    def schema(self) -> Schema:
        """The schema the version learnt."""
        return Schema.from_json(self.read_json("schema.json"))


def names() -> list[str]:
    """The names that have a version in the store."""
    return sorted(
        path.name
        for path in store_folder().iterdir()
        if path.is_dir() and not path.name.endswith(PIPELINE_SUFFIX) and any(path.iterdir())
    )


def find(tag: str) -> Version:
    """The version under a tag (`name`, `name:latest` or `name:version`), its files checked.

    Raises
    ------
    ModelMissingError, ModelDamagedError
        Both say what to do.
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
    version = str(model.tag.version)
    check_files(str(model.tag), Path(model.path))
    engine: Literal["onnx", "native"] = "onnx" if (Path(model.path) / GRAPH).exists() else "native"
    pipelines = _pipelines(f"{name}{PIPELINE_SUFFIX}:{version}")
    found = Version(name, version, Path(model.path), model.creation_time, dict(model.info.metadata), engine, pipelines)
    if pipelines is not None or engine == "native":
        check_files(found.tag, found.pipeline.parent)
    return found


def _pipelines(tag: str) -> Path | None:
    try:
        return Path(bentoml.models.get(tag).path)
    except bentoml.exceptions.NotFound:
        return None
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        raise ModelDamagedError(
            tag.replace(f"{PIPELINE_SUFFIX}:", ":"), f"the model.yaml of {tag} cannot be read"
        ) from exc
