"""`slipway verify`: from a saved answer back to its version and to all that the version came from.

What is wrong is a `ProofError` or a `StoreError`. What could not be checked, as a key was not given or a request is not known, is said
and counted: then nothing is wrong, and not everything is proven.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import ModelIncompatibleError, ProofError
from slipway.schema.metrics import Parity
from slipway.store.artifacts import GRAPH, PIPELINE, USECASE
from slipway.store.checksums import SUMS
from slipway.store.compatible import check_compatible
from slipway.store.loading import load_predictor
from slipway.store.proof.answers import LOG, SavedAnswer
from slipway.store.proof.bundle import Bundle
from slipway.store.proof.keys import PublicKey
from slipway.store.proof.recompute import CannotRecomputeError, recompute
from slipway.store.proof.version_signature import check_statement, digests, read_signature
from slipway.store.versions import PIPELINE_SUFFIX, Version, open_version


@dataclass(frozen=True)
class Evidence:
    """A version as it is here: its checked files, `SHA256SUMS` of its entries, and their signatures, both by tag."""

    version: Version
    sums: Mapping[str, bytes]
    signatures: Mapping[str, Bundle]


@dataclass
class Report:
    """What was found. `lines` are a heading and a text each; `unchecked` is what could not be checked."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """Fingerprints of the keys that have signed something."""

    def add(self, heading: str, text: str) -> None:
        """Add a line."""
        self.lines.append((heading, text))

    def add_unchecked(self, heading: str, text: str) -> None:
        """Add a line on what could not be checked."""
        self.lines.append((heading, f"NOT CHECKED: {text}"))
        self.unchecked.append(heading)


def evidence_of(version: Version) -> Evidence:
    """What the store has of a version.

    Raises
    ------
    ProofError
        If a signature cannot be read.
    """
    folders = {version.name: version.path}
    if version.pipelines is not None:
        folders[version.name + PIPELINE_SUFFIX] = version.pipelines
    sums = {f"{name}:{version.version}": (folder / SUMS).read_bytes() for name, folder in folders.items()}
    found = {f"{name}:{version.version}": read_signature(name, version.version) for name in folders}
    return Evidence(version, sums, {tag: bundle for tag, bundle in found.items() if bundle})


def find_evidence(tag: str) -> Evidence:
    """As `evidence_of`, of the version with a tag, whether it is in use or retired.

    Raises
    ------
    StoreError
        If there is no such version, or its files are not what was saved.
    """
    return evidence_of(open_version(tag))


def check_answer(
    saved: SavedAnswer, evidence: Evidence, keys: tuple[PublicKey, ...], tolerance: float, report: Report
) -> None:
    """Check an answer and its version.

    Parameters
    ----------
    saved : SavedAnswer
    evidence : Evidence
        Of the version that it names.
    keys : tuple of PublicKey
        That are trusted.
    tolerance : float
        See `recompute`.
    report : Report
        Is added to.

    Raises
    ------
    ProofError, StoreError
        With what does not hold.
    """
    _check_answer_signature(saved, keys, report)
    if saved.signed:
        _check_model(saved, evidence)
    check_version(evidence, keys, report)
    _recompute(saved, evidence.version, tolerance, report)
    server = saved.signed["server"] if saved.signed else {}
    describe(evidence, report, server)


def check_version(evidence: Evidence, keys: tuple[PublicKey, ...], report: Report) -> None:
    """Check the signatures of a version, whose files have been compared with their SHA-256 already."""
    version = evidence.version
    names = digests(evidence.sums[version.tag])
    here = sum((version.path / name).exists() for name in names)
    files = f"{len(names)} files" if here == len(names) else f"{here} of its {len(names)} files"
    report.add("version", f"{version.tag}, {files} as they were saved, {SUMS} {names[SUMS]}")
    for tag, sums in evidence.sums.items():
        what = "version" if tag == version.tag else "pipeline"
        bundle = evidence.signatures.get(tag)
        if bundle is None:
            _unsigned(what, keys, report)
            continue
        check_statement(bundle, tag, digests(sums))
        _signed(what, bundle, keys, report)


def check_keys_used(keys: tuple[PublicKey, ...], report: Report) -> None:
    """Refuse where a key was given that has signed nothing: what it was to prove is not proven.

    Raises
    ------
    ProofError
    """
    for key in keys:
        if key.fingerprint not in report.used:
            raise ProofError(key.name, f"nothing here is signed with this key ({key.fingerprint})")


def _check_answer_signature(saved: SavedAnswer, keys: tuple[PublicKey, ...], report: Report) -> None:
    if saved.bundle is None or saved.signed is None:
        what = f"{saved.rows:,} rows of a request log" if saved.call == LOG else f"{saved.call}, unsigned"
        report.add("answer", what)
        if keys:
            report.add_unchecked("answer", "it has no signature, which the keys could check")
        return
    signed = saved.signed
    report.add("answer", f"{saved.call}, {signed['time']}, request {signed['request_id']}")
    _signed("answer", saved.bundle, keys, report)


def _signed(what: str, bundle: Bundle, keys: tuple[PublicKey, ...], report: Report) -> None:
    key = bundle.signed_by(keys)
    if key is None:
        report.add_unchecked(
            what, f"signed with the key {bundle.hint[:64]}; give its public key with --public-key FILE"
        )
        return
    report.used.add(key.fingerprint)
    report.add(what, f"signed with {key.name} ({key.fingerprint})")


def _unsigned(what: str, keys: tuple[PublicKey, ...], report: Report) -> None:
    if keys:
        report.add_unchecked(what, "it has no signature, which the keys could check")
    else:
        report.add(what, "not signed")


def _check_model(saved: SavedAnswer, evidence: Evidence) -> None:
    """Check that a signed answer is of this very version, by the digests of its files."""
    signed = saved.signed or {}
    version = evidence.version
    named = {version.tag: signed["model"]["digest"]}
    if "pipeline" in signed["model"]:
        named[f"{version.name}{PIPELINE_SUFFIX}:{version.version}"] = signed["model"]["pipeline"]
    for tag, digest in named.items():
        if tag in evidence.sums and digest != {"sha256": hashlib.sha256(evidence.sums[tag]).hexdigest()}:
            raise ProofError(saved.where, f"was given by another {tag} than the one here: their SHA256SUMS differ")


def _recompute(saved: SavedAnswer, version: Version, tolerance: float, report: Report) -> None:
    try:
        if version.engine == "native" and version.pipelines is None:
            raise CannotRecomputeError("the version is served by its pipeline, which is not here")
        check_compatible(version)
        made = recompute(saved, version, load_predictor(version), tolerance)
    except (CannotRecomputeError, ModelIncompatibleError) as exc:
        report.add_unchecked("recomputed", str(exc))
        return
    rows = "1 answer" if made == 1 else f"{made:,} answers"
    how = f"within {tolerance:g}" if tolerance else "to the last bit"
    report.add("recomputed", f"{rows}, the same {how}")
    if made < saved.rows:
        report.add_unchecked("recomputed", f"{saved.rows - made:,} rows without private fields or free text")


def check_golden(version: Version, report: Report) -> None:
    """Have a version repeat its golden predictions."""
    check_compatible(version)
    golden = version.golden()
    load_predictor(version).check_golden(golden)
    report.add("recomputed", f"{len(golden.records)} golden predictions, the same")


def describe(evidence: Evidence, report: Report, server: Mapping[str, Any]) -> None:
    """Say what the version came from.

    Parameters
    ----------
    evidence : Evidence
    report : Report
        Is added to.
    server : mapping
        What a signed answer says of its server.
    """
    version = evidence.version
    files, metrics, known = digests(evidence.sums[version.tag]), version.metrics(), version.provenance()
    if GRAPH in files:
        parity = metrics.compiled
        equal = f", equal to the pipeline on {parity.rows:,} rows" if isinstance(parity, Parity) else ""
        report.add("graph", f"{GRAPH} {files[GRAPH]}{equal}")
    else:
        pipeline = evidence.sums.get(f"{version.name}{PIPELINE_SUFFIX}:{version.version}")
        report.add("graph", f"none; {PIPELINE} {digests(pipeline)[PIPELINE] if pipeline else 'unknown'}")
    data = metrics.data
    report.add("data", f"{data.sha256 or 'SHA-256 unknown'}, {metrics.rows.all:,} rows ({data.source})")
    report.add("use case", f"{USECASE} {files[USECASE]}" if USECASE in files else "not kept")
    if known is None:
        report.add("code", "unknown: the version is from before versions kept it")
    else:
        code, lock = known.code, known.lock
        commit = f"commit {code.commit}{', with changes' if code.changed else ''}" if code.commit else "commit unknown"
        report.add("code", f"Slipway {code.version}, {commit}, files {code.sha256}")
        differs = f", installed otherwise: {', '.join(lock.differs)}" if lock and lock.differs else ", as installed"
        report.add("lock file", f"{lock.file} {lock.sha256}{differs}" if lock else "none: not trained in a clone")
        report.add("packages", f"Python {known.python}, {len(known.packages):,} packages (provenance.json)")
    report.add("image", str(server.get("image") or "unknown: no signed answer of a server with SLIPWAY_IMAGE says so"))
