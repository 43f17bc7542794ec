"""The signature of a version: beside its folder, as the history is, so that a version's files are what they were.

It is what Sigstore's model-signing writes: a statement with the SHA-256 of every file, `SHA256SUMS` included. It says of its own which
model and version it is of, which model-signing does not look at.

Source: https://github.com/sigstore/model-transparency (the predicate https://model_signing/signature/v1.0).
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from slipway.errors import ProofError
from slipway.store._bentoml import store_folder
from slipway.store.checksums import SUMS, by_name
from slipway.store.proof.bundle import STATEMENT_TYPE, Bundle, read_bundle, sign
from slipway.store.proof.keys import SigningKey
from slipway.store.proof.strict import keys, parsed
from slipway.store.versions import PIPELINE_SUFFIX, Version

SUFFIX = ".sigstore.json"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
_SERIALIZATION = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}


def signature_path(name: str, version: str) -> Path:
    """Where the signature of a version is, if it has one."""
    return store_folder() / name / f"{version}{SUFFIX}"


def sign_version(version: Version, key: SigningKey) -> list[Path]:
    """Sign a version, and the entry of its pipeline if that is here; a signature that was there is replaced.

    Parameters
    ----------
    version : Version
        Its files checked, as `find` returns it.
    key : SigningKey

    Returns
    -------
    list of Path
        The signatures.

    Raises
    ------
    ProofError
        If one cannot be written.
    """
    folders = {version.name: version.path}
    if version.pipelines is not None:
        folders[version.name + PIPELINE_SUFFIX] = version.pipelines
    paths = []
    for name, folder in folders.items():
        path = signature_path(name, version.version)
        statement = _statement(f"{name}:{version.version}", digests((folder / SUMS).read_bytes()))
        try:
            _replace(path, sign(orjson.dumps(statement), key, key.public.fingerprint))
        except OSError as exc:
            raise ProofError(path, f"the signature cannot be written: {exc.strerror or exc}") from exc
        paths.append(path)
    return paths


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def digests(sums: bytes) -> dict[str, str]:
    """The SHA-256 of every file of a version, by name, from its checked `SHA256SUMS`, which is one of them."""
    return {**by_name(sums.decode("utf-8")), SUMS: hashlib.sha256(sums).hexdigest()}


def _statement(tag: str, files: Mapping[str, str]) -> dict[str, Any]:
    resources = [{"name": name, "algorithm": "sha256", "digest": files[name]} for name in sorted(files)]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": tag.partition(":")[2], "digest": {"sha256": _root(resources)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"serialization": _SERIALIZATION, "resources": resources, "model": tag},
    }


def _root(resources: list[dict[str, Any]]) -> str:
    """model-signing's digest of all: of the digests, one after the other."""
    return hashlib.sha256(b"".join(bytes.fromhex(one["digest"]) for one in resources)).hexdigest()


def read_signature(name: str, version: str) -> Bundle | None:
    """The signature of a version in the store, not yet checked; None if it has none.

    Raises
    ------
    ProofError
        If it cannot be read.
    """
    path = signature_path(name, version)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise ProofError(path, f"the signature cannot be read: {exc.strerror or exc}") from exc
    return read_bundle(parsed(content, path), path)


def check_statement(bundle: Bundle, tag: str, files: Mapping[str, str]) -> None:
    """Check that a signature is that of a version, and of all of its files.

    Parameters
    ----------
    bundle : Bundle
    tag : str
    files : mapping of str to str
        SHA-256 by name, as `digests` returns them.

    Raises
    ------
    ProofError
        With what differs.
    """
    where = bundle.where
    predicate = bundle.statement(PREDICATE_TYPE, where)["predicate"]
    predicate = keys(predicate, ("serialization", "resources"), where, "the predicate", optional=("model",))
    if predicate.get("model", tag) != tag:
        raise ProofError(where, f"is the signature of {str(predicate['model'])[:80]}, and not of {tag}")
    try:
        signed = {one["name"]: one["digest"] for one in predicate["resources"] if one["algorithm"] == "sha256"}
    except (KeyError, TypeError) as exc:
        raise ProofError(where, "has no list of files with their SHA-256") from exc
    # The sums last: they differ wherever a file does that they were made anew for.
    for file in sorted(signed.keys() | files.keys(), key=lambda name: (name == SUMS, name)):
        if signed.get(file) != files.get(file):
            had = (
                "was not signed"
                if file not in signed
                else "is not there"
                if file not in files
                else "is not what was signed"
            )
            raise ProofError(where, f"{file} of {tag} {had}")
