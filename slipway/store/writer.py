"""Saving a version: made in a staging folder of the same disk and renamed into place.

So a training that is killed, or a full disk, leaves the store as it was.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bentoml
from filelock import FileLock

from slipway.errors import StoreError
from slipway.store._bentoml import create_in, store_folder
from slipway.store.artifacts import FORMAT
from slipway.store.checksums import SUMS, sums
from slipway.store.summary import Summary
from slipway.store.versions import PIPELINE_SUFFIX


def save(
    name: str,
    write: Callable[[str, Path, Path], Summary],
    check: Callable[[Path, str], None] = lambda models, tag: None,
) -> str:
    """Make a version of what `write(tag, folder, pipeline_folder)` puts into two folders.

    `write` gives the version's summary back. `check(models, tag)` is given a store that has nothing but
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
    store = store_folder()
    work = store.parent / "tmp" / "slipway"
    try:
        work.mkdir(parents=True, exist_ok=True)
        with FileLock(work / "lock"):
            _sweep(store, work, name)
            tag = bentoml.Tag(name).make_new_version()
            staging = work / f"{name}-{tag.version}"
            staging.mkdir()
            try:
                folders = {entry: work / f"{entry}-files" for entry in (name, name + PIPELINE_SUFFIX)}
                for folder in folders.values():
                    folder.mkdir()
                summary = replace(write(str(tag), *folders.values()), format=FORMAT)
                for entry, folder in reversed(folders.items()):
                    _stage(staging, f"{entry}:{tag.version}", folder, summary)
                check(staging, str(tag))
                _publish(staging, store, [name + PIPELINE_SUFFIX, name], str(tag.version))
            finally:
                shutil.rmtree(staging, ignore_errors=True)
                for folder in folders.values():
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as exc:
        raise StoreError(
            f"the version could not be saved to {store}: {exc.strerror or exc}; "
            "nothing was changed there: make room or check its permissions, then train again"
        ) from exc
    return str(tag)


def _stage(staging: Path, tag: str, folder: Path, summary: Summary) -> None:
    with create_in(staging, tag, summary.labels, summary.metadata) as path:
        shutil.copytree(folder, path, dirs_exist_ok=True)
    path = staging / tag.replace(":", "/")
    (path / SUMS).write_text(sums(path), encoding="utf-8")


def _publish(staging: Path, store: Path, entries: list[str], version: str) -> None:
    for entry in entries:
        (store / entry).mkdir(parents=True, exist_ok=True)
        os.replace(staging / entry / version, store / entry / version)
    for entry in entries:
        latest = staging / f"{entry}-latest"
        latest.write_text(version, encoding="utf-8")
        os.replace(latest, store / entry / "latest")


def _sweep(store: Path, work: Path, name: str) -> None:
    """Remove what a killed run left: whoever holds the lock is the only one at work."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    pipelines = store / (name + PIPELINE_SUFFIX)
    for path in pipelines.iterdir() if pipelines.is_dir() else ():
        if path.is_dir() and not (store / name / path.name).exists():
            shutil.rmtree(path, ignore_errors=True)
