"""A model version in and out of the BentoML model store, and the layout of its folder.

    <name>:<version>            schema.json, model.onnx, uncertainty.json, golden.json, background.csv,
                                metrics.json, figures.json, profile.json, leaderboard.csv, card.md, card.zh.md,
                                SHA256SUMS
    <name>-pipeline:<version>   pipeline.pkl, the fitted PyCaret pipeline, SHA256SUMS

A version without model.onnx could not be compiled and is served by its pipeline.

`SHA256SUMS` is what `sha256sum -c` reads, and covers BentoML's own model.yaml too. A
version is made in a staging folder of the same disk and renamed into place, so that a
killed training or a full disk leaves the store as it was.
"""

import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from bentoml.exceptions import BentoMLException
from filelock import FileLock

from slipway.errors import ModelDamagedError, ModelIncompatibleError, ModelMissingError, StoreError
from slipway.schema import Schema

SUMS = "SHA256SUMS"
PIPELINE = "pipeline.pkl"
GRAPH = "model.onnx"
_SUFFIX = "-pipeline"
OLDEST = dt.datetime.min.replace(tzinfo=dt.UTC)


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
                self.tag, f"its pipeline {self.name}{_SUFFIX}:{self.version} is missing or unreadable"
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


def _installed(package: str) -> str:
    if package == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def save(
    name: str,
    write: Callable[[str, Path, Path], dict[str, Any]],
    labels: dict[str, str],
    check: Callable[[Path, str], None] = lambda models, tag: None,
) -> str:
    """Make a version of what `write(tag, folder, pipeline_folder)` puts into two folders.

    `write` gives the metadata back. `check(models, tag)` is given a store that has nothing but
    the version, before it becomes one of this store. Either both entries are in the store
    afterwards and `latest` is this version, or, on any error, nothing has changed.

    Returns
    -------
    str
        The tag, `<name>:<version>`.

    Raises
    ------
    StoreError
        If the disk is full or the store cannot be written.
    """
    store = Path(BentoMLContainer.model_store.get()._path)
    work = store.parent / "tmp" / "slipway"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with FileLock(work / "lock"):
            _sweep(store, work, name)
            tag = bentoml.Tag(name).make_new_version()
            staging = ModelStore(work / f"{name}-{tag.version}")
            Path(staging._path).mkdir()
            try:
                folders = {entry: work / f"{entry}-files" for entry in (name, name + _SUFFIX)}
                for folder in folders.values():
                    folder.mkdir()
                metadata = write(str(tag), *folders.values())
                for entry, folder in reversed(folders.items()):
                    _stage(staging, f"{entry}:{tag.version}", folder, labels, metadata)
                check(Path(staging._path), str(tag))
                _publish(staging, store, [name + _SUFFIX, name], str(tag.version))
            finally:
                shutil.rmtree(staging._path, ignore_errors=True)
                for folder in folders.values():
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as exc:
        raise StoreError(
            f"the version could not be saved to {store}: {exc.strerror or exc}; "
            "nothing was changed there: make room or check its permissions, then train again"
        ) from exc
    return str(tag)


def _stage(staging: ModelStore, tag: str, folder: Path, labels: dict[str, str], metadata: dict[str, Any]) -> None:
    with bentoml.models.create(tag, labels=labels, metadata=metadata, _model_store=staging) as model:
        shutil.copytree(folder, model.path, dirs_exist_ok=True)
    path = Path(staging.get(tag).path)
    (path / SUMS).write_text(sums(path), encoding="utf-8")


def _publish(staging: ModelStore, store: Path, entries: list[str], version: str) -> None:
    for entry in entries:
        (store / entry).mkdir(parents=True, exist_ok=True)
        os.replace(Path(staging._path) / entry / version, store / entry / version)
    for entry in entries:
        latest = Path(staging._path) / f"{entry}-latest"
        latest.write_text(version, encoding="utf-8")
        os.replace(latest, store / entry / "latest")


def _sweep(store: Path, work: Path, name: str) -> None:
    """Remove what a killed run left: whoever holds the lock is the only one at work."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    pipelines = store / (name + _SUFFIX)
    for path in pipelines.iterdir() if pipelines.is_dir() else ():
        if path.is_dir() and not (store / name / path.name).exists():
            shutil.rmtree(path, ignore_errors=True)


def sums(path: Path) -> str:
    """What `SHA256SUMS` says of the files in a folder."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file != path / SUMS)
    return "".join(f"{_sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_files(tag: str, path: Path) -> None:
    """Every file is byte for byte what was saved, none is missing and none was added."""
    try:
        saved = (path / SUMS).read_bytes().decode("utf-8")
    except (OSError, ValueError) as exc:
        raise ModelDamagedError(tag, f"{SUMS} is missing or unreadable") from exc
    found = sums(path)
    if found == saved:
        return
    was, now = by_name(saved), by_name(found)
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            raise ModelDamagedError(tag, f"{name} is missing")
        if name not in was:
            raise ModelDamagedError(tag, f"{name} was not there when it was saved")
        if was[name] != now[name]:
            raise ModelDamagedError(tag, f"{name} is not what was saved (its SHA-256 differs)")
    raise ModelDamagedError(tag, f"{SUMS} is not what was saved")


def by_name(sums: str) -> dict[str, str]:
    """File → SHA-256, of what `sums` gave."""
    lines = (line.partition("  ") for line in sums.split("\n") if line)
    return {name: digest for digest, _, name in lines}


def _names(store: Path) -> list[str]:
    return sorted(
        path.name
        for path in store.iterdir()
        if path.is_dir() and not path.name.endswith(_SUFFIX) and any(path.iterdir())
    )


def find(tag: str) -> Version:
    """The version under a tag (`name`, `name:latest` or `name:version`), its files checked.

    Raises
    ------
    ModelMissingError, ModelDamagedError
        Both say what to do.
    """
    store = Path(BentoMLContainer.model_store.get()._path)
    name, _, wanted = tag.partition(":")
    try:
        model = bentoml.models.get(tag)
    except bentoml.exceptions.NotFound as exc:
        raise ModelMissingError(tag, _names(store)) from exc
    except BentoMLException as exc:
        raise ModelDamagedError(tag, str(exc)) from exc
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        latest = store / name / "latest"
        version = (
            wanted if wanted not in ("", "latest") else latest.read_text().strip() if latest.exists() else "latest"
        )
        raise ModelDamagedError(f"{name}:{version}", "its model.yaml cannot be read") from exc
    version = str(model.tag.version)
    _check_files(str(model.tag), Path(model.path))
    engine: Literal["onnx", "native"] = "onnx" if (Path(model.path) / GRAPH).exists() else "native"
    pipelines = _pipelines(f"{name}{_SUFFIX}:{version}")
    found = Version(name, version, Path(model.path), model.creation_time, dict(model.info.metadata), engine, pipelines)
    if pipelines is not None or engine == "native":
        _check_files(found.tag, found.pipeline.parent)
    return found


def _pipelines(tag: str) -> Path | None:
    try:
        return Path(bentoml.models.get(tag).path)
    except bentoml.exceptions.NotFound:
        return None
    except Exception as exc:  # a damaged model.yaml raises whatever its reader raises
        raise ModelDamagedError(tag.replace(f"{_SUFFIX}:", ":"), f"the model.yaml of {tag} cannot be read") from exc


def check_compatible(version: Version) -> None:
    """Refuse a natively served version that was pickled with other packages than are installed.

    Pickles of scikit-learn promise nothing across versions; a bug-fix release (the third
    number) is let through, and the golden rows then show whether it still answers the same.
    """
    differences = [
        f"{package} {made} (here {_installed(package)})"
        for package, made in version.metadata["packages"].items()
        if made.split(".")[:2] != _installed(package).split(".")[:2]
    ]
    if version.engine == "native" and differences:
        raise ModelIncompatibleError(version.tag, differences)


def listing() -> list[str]:
    """One line for each version in the store, newest first, under a heading."""
    rows = [("MODEL", "TASK", "TARGET", "ESTIMATOR", "METRIC", "ENGINE", "AGE")]
    store = Path(BentoMLContainer.model_store.get()._path)
    listed = [(f"{name}:{item.version}", item) for name in _names(store) for item in versions(name)[0]]
    damaged = [f"{tag}  its model.yaml cannot be read" for tag, item in listed if item.damaged]
    models = [item.model for _, item in listed if item.model]
    for model in sorted(models, key=lambda model: model.creation_time, reverse=True):
        labels, metadata = model.info.labels, model.info.metadata
        rows.append(
            (
                str(model.tag),
                labels["task"],
                str(metadata["target"]),
                labels["estimator"],
                f"{metadata['metric']} {metadata['score']:.4g}",
                labels["engine"],
                _age(dt.datetime.now(dt.UTC) - model.creation_time),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return lines + damaged


@dataclass(frozen=True)
class Listed:
    """A version as it stands in the store, its files not checked.

    `model` is None if it is damaged, or none that this project saved.
    """

    version: str
    model: bentoml.Model | None
    damaged: bool = False


def versions(name: str, most: int | None = None) -> tuple[list[Listed], int]:
    """The newest versions of a name, at most `most`, newest first, and how many there are besides.

    A damaged one is among them: this is for looking, and nothing is served from it.
    """
    folder = Path(BentoMLContainer.model_store.get()._path) / name
    paths = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    newest = sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[:most]
    found = [_listed(name, path.name) for path in newest]
    found.sort(key=lambda item: item.model.creation_time if item.model else OLDEST, reverse=True)
    return found, len(paths) - len(newest)


def _listed(name: str, version: str) -> Listed:
    try:
        model = bentoml.models.get(f"{name}:{version}")
    except Exception:  # a damaged model.yaml raises whatever its reader raises
        return Listed(version, None, damaged=True)
    return Listed(version, model if "estimator" in model.info.labels else None)


def _age(age: dt.timedelta) -> str:
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if age.total_seconds() >= seconds:
            return f"{int(age.total_seconds() // seconds)} {unit}"
    return f"{max(0, int(age.total_seconds()))} s"
