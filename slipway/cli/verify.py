"""Check a saved answer, and say which version, data, code and packages it came from; or check a version.

    slipway verify answer.json --request request.json     the body of an answer of /predict or /explain, and of its request
    slipway verify answer.json --public-key server.pub    a signed answer
    slipway verify answer.json --proof proof.json         … and write all that a stranger needs into one file
    slipway verify proof.json --public-key server.pub     such a file; no store is needed
    slipway verify requests-2026….jsonl                   a file of a request log
    slipway verify insurance:5o5t7exg                     a version, without an answer

The exit code is 0 if everything holds, 1 if something does not, and 3 if nothing is wrong and not everything could be checked.
"""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import ProofError

if TYPE_CHECKING:
    from slipway.store.proof.answers import SavedAnswer
    from slipway.store.proof.check import Evidence, Report
    from slipway.store.proof.keys import PublicKey

    Checked = list[tuple[SavedAnswer, Evidence]]

INCOMPLETE = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway verify` takes."""
    parser.add_argument(
        "what", metavar="FILE", help="a saved answer, a proof, or rows of a request log; or NAME[:VERSION]"
    )
    parser.add_argument(
        "--request", metavar="FILE", type=Path, help="the body of the request, if FILE has the answer alone"
    )
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        type=Path,
        action="append",
        help="a key that is trusted; may be given repeatedly. Each must have signed something of it",
    )
    parser.add_argument(
        "--proof", metavar="OUT", type=Path, help="write the answer with its version and signatures to one file"
    )
    parser.add_argument(
        "--tolerance",
        metavar="X",
        type=_tolerance,
        default=0.0,
        help="let numbers differ by this, relative to their size, where the answer is from another processor (default: 0)",
    )


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 0.01:
        raise argparse.ArgumentTypeError(f"{text!r} is no tolerance; expected a number from 0 to 0.01, such as 1e-5")
    return value


def run(args: argparse.Namespace) -> int:
    """Check, and print a line for each thing that was checked."""
    from slipway.store.proof.check import Report, check_keys_used
    from slipway.store.proof.keys import read_public_key

    keys = tuple(read_public_key(path) for path in args.public_key or ())
    report = Report()
    path = Path(args.what)
    with tempfile.TemporaryDirectory(prefix="slipway-proof-") as folder:
        if path.exists() or path.suffix in (".json", ".jsonl") or len(path.parts) > 1:
            checked = _check_file(args, path, keys, report, Path(folder))
        else:
            checked = _check_version(args, keys, report)
        check_keys_used(keys, report)
        for heading, text in report.lines:
            print(f"{heading:11} {text}")
        if args.proof:
            _write_proof(args.proof, checked, keys)
    if report.unchecked:
        print(
            f"nothing is wrong, and not everything is proven: not checked: {', '.join(dict.fromkeys(report.unchecked))}"
        )
        return INCOMPLETE
    print("everything holds")
    return 0


def _check_file(
    args: argparse.Namespace, path: Path, keys: "tuple[PublicKey, ...]", report: "Report", folder: Path
) -> "Checked":
    from slipway.store.proof import answers, check, proof_file
    from slipway.store.proof.strict import parsed

    content = _read(path, "FILE")
    request = _read(args.request, "--request") if args.request else None
    if not answers.has_rows(content) and proof_file.is_proof(found := parsed(content, path)):
        if request is not None:
            raise ProofError(path, "has its request; leave out --request")
        pairs = [proof_file.read_proof(found, path, folder)]
    else:
        saved = answers.read_answers(content, path, request)
        pairs = [(one, check.find_evidence(one.tag)) for one in saved]
    for one, evidence in pairs:
        check.check_answer(one, evidence, keys, args.tolerance, report)
    return pairs


def _check_version(args: argparse.Namespace, keys: "tuple[PublicKey, ...]", report: "Report") -> "Checked":
    from slipway import store
    from slipway.store.proof import check

    for option in ("request", "proof"):
        if getattr(args, option):
            raise ProofError(f"--{option}", f"belongs to an answer; there is no file {args.what}")
    evidence = check.evidence_of(store.find_any(args.what))
    check.check_version(evidence, keys, report)
    check.check_golden(evidence.version, report)
    check.describe(evidence, report, {})
    return []


def _write_proof(path: Path, checked: "Checked", keys: "tuple[PublicKey, ...]") -> None:
    from slipway.store.proof.proof_file import write_proof

    if len(checked) != 1:
        raise ProofError("--proof", f"takes answers of one version; FILE has those of {len(checked)}")
    write_proof(path, *checked[0], keys)
    print(f"{path}: all of it in one file, {path.stat().st_size:,} bytes")


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ProofError(path, f"{what} cannot be read: {exc.strerror or exc}") from exc
