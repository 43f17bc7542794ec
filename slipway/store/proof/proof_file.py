"""A proof: one file with an answer, its request, the version that gave it, and all signatures, for somebody who has nothing of ours.

docs/proof.md says what is in it and how to check it without Slipway. Of the version's files it has those that predict and those that say
where the version is from; `SHA256SUMS` names all. A version without a graph has none of what predicts: nobody should load a stranger's pickle.
"""

import base64
import datetime as dt
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from slipway.errors import ModelDamagedError, ModelFormatError, ProofError
from slipway.store import artifacts
from slipway.store.background import BACKGROUND
from slipway.store.checksums import SUMS, by_name
from slipway.store.proof.answers import SavedAnswer, of_bundle, of_exchange
from slipway.store.proof.bundle import is_bundle, read_bundle
from slipway.store.proof.check import Evidence
from slipway.store.proof.keys import PublicKey, public_key
from slipway.store.proof.strict import decoded, keys, text
from slipway.store.summary import Summary
from slipway.store.versions import Version

FORMAT = "slipway proof 1"
FILES = (
    *(SUMS, "model.yaml", artifacts.GRAPH, artifacts.USECASE),
    *(file.name for file in (artifacts.SCHEMA, artifacts.INTERVAL, artifacts.SUPPORT)),
    *(file.name for file in (artifacts.METRICS, artifacts.PROVENANCE)),
)
"""What a proof has of a version, as far as the version has it; of one that explains also `background.csv`."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def is_proof(content: Any) -> bool:
    """Whether a JSON value is meant to be a proof."""
    return isinstance(content, dict) and "format" in content


def write_proof(path: Path, saved: SavedAnswer, evidence: Evidence, trusted: Iterable[PublicKey]) -> None:
    """Write what was checked into one file, as a whole or not at all.

    Parameters
    ----------
    path : Path
        Must not be there.
    saved : SavedAnswer
    evidence : Evidence
    trusted : iterable of PublicKey
        Are put in, for convenience: whoever checks has to know from elsewhere whose they are.

    Raises
    ------
    ProofError
        If the file is there, or cannot be written.
    """
    version = evidence.version
    wanted = [*FILES, *([BACKGROUND] if saved.call == "/explain" else [])]
    files = {name: (version.path / name).read_bytes() for name in wanted if (version.path / name).exists()}
    bundle, signature = saved.bundle, evidence.signatures.get(version.tag)
    proof = {
        "format": FORMAT,
        "answer": bundle.to_json() if bundle else saved.to_json(),
        "version": version.tag,
        "signature": signature.to_json() if signature else None,
        "public_keys": [key.pem for key in trusted],
        "files": {name: base64.b64encode(content).decode("ascii") for name, content in sorted(files.items())},
    }
    proof["sha256"] = _sum(proof)
    try:
        # Readable for its owner alone: it has the inputs of somebody's request.
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent) as file:
            file.write(json.dumps(proof, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)  # which does not replace another file
    except FileExistsError as exc:
        raise ProofError(path, "is there already; remove it, or give another name with --proof") from exc
    except OSError as exc:
        raise ProofError(path, f"cannot be written: {exc.strerror or exc}") from exc


def read_proof(content: Any, where: Path, folder: Path) -> tuple[SavedAnswer, Evidence]:
    """The answer of a proof, and its version, whose files are unpacked into a folder.

    Parameters
    ----------
    content : JSON value
        Of the file.
    where : Path
        The file, for messages.
    folder : Path
        Empty; needed as long as the version is.

    Returns
    -------
    SavedAnswer, Evidence
        Every file is what `SHA256SUMS` says; signatures are not checked.

    Raises
    ------
    ProofError
        With what is not as it should be.
    """
    names = ("format", "answer", "version", "signature", "public_keys", "files", "sha256")
    proof = keys(content, names, where, "the proof")
    if proof["format"] != FORMAT:
        raise ProofError(where, f"format is {str(proof['format'])[:40]!r}; expected {FORMAT!r}")
    if proof["sha256"] != _sum(proof):
        raise ProofError(where, "was changed: `sha256` is not that of all the rest")
    answer = proof["answer"]
    saved = of_bundle(read_bundle(answer, where)) if is_bundle(answer) else of_exchange(answer, where)
    if proof["version"] != saved.tag:
        raise ProofError(where, f"has the version {str(proof['version'])[:80]}, and an answer of {saved.tag}")
    _check_public_keys(proof["public_keys"], where)
    files = _unpack(proof["files"], where, folder)
    version = _version(saved.tag, files, folder, where)
    signature = proof["signature"]
    signatures = {} if signature is None else {saved.tag: read_bundle(signature, where)}
    return saved, Evidence(version, {saved.tag: files[SUMS]}, signatures)


def _check_public_keys(pems: Any, where: Path) -> None:
    """They count for nothing, and yet have to be what they are: a changed byte is found."""
    if not isinstance(pems, list):
        raise ProofError(where, "public_keys are no list")
    for pem in pems:
        if public_key(text(pem, where, "a public key").encode(), where).pem != pem:
            raise ProofError(where, "a public key is not as it is written")


def _sum(proof: dict[str, Any]) -> str:
    """The SHA-256 of a proof without its own, which finds what was changed by accident."""
    rest = {name: value for name, value in proof.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _unpack(packed: Any, where: Path, folder: Path) -> dict[str, bytes]:
    """The files of a version, written to a folder, each what `SHA256SUMS` says."""
    if not isinstance(packed, dict) or SUMS not in packed:
        raise ProofError(where, f"has no {SUMS}")
    files = {str(name): decoded(one, where, str(name)[:60]) for name, one in packed.items()}
    try:
        known = by_name(files[SUMS].decode("utf-8"))
    except ValueError as exc:
        raise ProofError(where, f"{SUMS} is no text") from exc
    for name, file in files.items():
        if not _NAME.fullmatch(name):
            raise ProofError(where, f"{name[:60]!r} is no name of a file of a version")
        if name != SUMS and hashlib.sha256(file).hexdigest() != known.get(name):
            raise ProofError(where, f"{name} is not what {SUMS} says")
        (folder / name).write_bytes(file)
    if artifacts.GRAPH in known and artifacts.GRAPH not in files:
        raise ProofError(where, f"has no {artifacts.GRAPH}, which {SUMS} names")
    return files


def _version(tag: str, files: dict[str, bytes], folder: Path, where: Path) -> Version:
    name, _, version = tag.partition(":")
    try:
        stored = yaml.safe_load(files["model.yaml"])
        found, created = (stored["name"], stored["version"]), dt.datetime.fromisoformat(stored["creation_time"])
        summary = Summary.read(tag, stored["labels"], stored["metadata"])
    except (KeyError, TypeError, ValueError, yaml.YAMLError, ModelDamagedError) as exc:
        raise ProofError(where, f"its model.yaml cannot be used: {exc}") from exc
    if found != (name, version):
        raise ProofError(where, f"its model.yaml is that of {':'.join(map(str, found))}, and the answer of {tag}")
    if summary.format > artifacts.FORMAT:
        raise ModelFormatError(tag, summary.format, artifacts.FORMAT)
    return Version(name, version, folder, created, summary, "onnx" if artifacts.GRAPH in files else "native", None)
