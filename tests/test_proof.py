"""`slipway verify` and `slipway sign`: a saved answer leads back to its version, and any changed byte is found."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from slipway import store
from slipway.cli.main import main
from slipway.errors import ModelDamagedError, ProofError, SlipwayError
from slipway.publish import provenance
from slipway.service.requests import json_response
from slipway.service.signing import AnswerSigner, read_signing_key
from slipway.store._bentoml import store_folder, use_store
from slipway.store.proof import answers, check, proof_file
from slipway.store.proof.bundle import read_bundle
from slipway.store.proof.keys import read_public_key
from slipway.store.proof.strict import parsed
from slipway.store.proof.version_signature import (
    check_statement,
    digests,
    read_signature,
    sign_version,
    signature_path,
)
from slipway.store.requestlog import RowWriter
from tests.conftest import PATIENT, PERSON, ROOT
from tests.test_start import copied, sealed

RECORDS = [PERSON, PERSON | {"age": 71, "smoker": "yes"}]
REQUEST = json.dumps({"records": RECORDS}).encode()
FIXED = ROOT / "tests" / "data" / "proof"


def new_key(folder: Path, name: str) -> tuple[Path, Path]:
    """The files of a new private key and its public one, as OpenSSL writes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.touch(0o600)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: new_key(folder, name) for name in ("server", "training", "other")}


@pytest.fixture
def verify(capsys):
    """`slipway verify …`: its exit code, what it printed, and its one line of an error."""

    def verify(*arguments: object) -> tuple[int, str, str]:
        code = main(["verify", *map(str, arguments)])
        out, error = capsys.readouterr()
        assert error.count("\n") == (code == 1), error
        return code, out, error

    return verify


def answered(tag: str, records: list[dict]) -> bytes:
    """The body of an answer of /predict."""
    return json_response(store.load_predictor(store.find(tag)).answer(records)).body


def signed(tag: str, key: Path, request: bytes = REQUEST, image: str = "") -> bytes:
    records = json.loads(request)["records"]
    signer = AnswerSigner(store.find(tag), read_signing_key(key), image)
    return signer.sign("/predict", "r1", request, answered(tag, records))


@pytest.fixture
def plain(insurance, tmp_path) -> tuple[Path, Path]:
    """The files of an answer and of its request."""
    answer, request = tmp_path / "answer.json", tmp_path / "request.json"
    answer.write_bytes(answered(insurance, RECORDS))
    request.write_bytes(REQUEST)
    return answer, request


@pytest.fixture(scope="module")
def sealed_version(insurance, keys) -> Iterator[str]:
    """The tag of a version that is signed as long as these tests take."""
    paths = sign_version(store.find(insurance), read_signing_key(keys["training"][0]))
    yield insurance
    for path in paths:
        path.unlink()


@pytest.fixture
def own_store(insurance, tmp_path) -> Iterator[Path]:
    """The folder of the version in a store of its own, which this process uses meanwhile."""
    before = store_folder()
    folder = copied(insurance, tmp_path / "home")
    use_store(tmp_path / "home" / "models")
    yield folder
    use_store(before)


# From an answer to what it came from


def test_an_answer_leads_back_to_version_data_use_case_code_and_packages(verify, plain, insurance):
    answer, request = plain
    version = store.find(insurance)

    code, out, _ = verify(answer, "--request", request)

    sums = digests((version.path / store.SUMS).read_bytes())
    known = version.provenance()
    assert code == 0 and out.endswith("everything holds\n")
    assert "recomputed  2 answers, the same to the last bit" in out
    for expected in (
        insurance,
        sums["model.onnx"],
        sums["usecase.json"],
        version.metrics().data.sha256,
        known.code.sha256,
        known.code.commit or "commit unknown",
        known.lock.sha256,
        f"Python {known.python}",
        "image       unknown",
    ):
        assert expected in out


def test_an_answer_without_its_request_is_traced_and_not_proven(verify, plain):
    code, out, _ = verify(plain[0])

    assert code == 3 and "recomputed  NOT CHECKED: the file has no request; give its body with --request FILE" in out
    assert "388eff679557d08ac19f463d025de5e0b4adc482537c8456d19934d78621fd47" in out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_warnings_of_any_language_belong_to_the_answer(verify, insurance, tmp_path, language):
    records = [PERSON | {"age": 101}]
    answer, request = tmp_path / "a.json", tmp_path / "r.json"
    made = store.load_predictor(store.find(insurance)).answer(records)
    answer.write_bytes(json_response(made, language).body)
    request.write_text(json.dumps({"records": records}))

    assert json.loads(answer.read_bytes())["predictions"][0]["warnings"]
    assert verify(answer, "--request", request)[0] == 0


def test_a_changed_value_of_an_answer_is_named(verify, plain, insurance):
    answer, request = plain
    found = json.loads(answer.read_bytes())
    was = found["predictions"][1]["interval"]["low"]
    found["predictions"][1]["interval"]["low"] = was * (1 + 2e-9)
    answer.write_text(json.dumps(found))

    code, _, error = verify(answer, "--request", request)

    assert code == 1 and f"predictions[1].interval.low is {was * (1 + 2e-9)!r} in the file and {was!r} now" in error
    assert "`--tolerance 1e-5` allows" in error
    assert verify(answer, "--request", request, "--tolerance", "1e-5")[0] == 0


def test_the_request_of_another_answer_is_refused(verify, plain, tmp_path):
    other = tmp_path / "other.json"
    for records, expected in (
        ([PERSON], "the request has 1 records, and the answer 2 predictions"),
        ([PERSON, PERSON], "does not give this answer to the request: predictions[1]."),
        ([PATIENT, PATIENT], "refuses the request"),
    ):
        other.write_text(json.dumps({"records": records}))

        code, _, error = verify(plain[0], "--request", other)

        assert code == 1 and expected in error


def test_an_answer_of_another_model_is_refused(verify, insurance, diabetes, tmp_path):
    answer, request = tmp_path / "a.json", tmp_path / "r.json"
    found = json.loads(answered(diabetes, [PATIENT]))
    answer.write_text(json.dumps(found | {"model": insurance}))
    request.write_text(json.dumps({"records": [PATIENT]}))

    code, _, error = verify(answer, "--request", request)

    assert code == 1 and f"{insurance} refuses the request" in error


@pytest.mark.parametrize("wanted", [None, 0])
def test_an_explanation_has_its_record_with_it(verify, diabetes, tmp_path, wanted):
    version = store.find(diabetes)
    explainer = store.load_explainer(version, store.load_predictor(version))
    answer = tmp_path / "a.json"
    found = explainer.explain(PATIENT) if wanted is None else explainer.explain(PATIENT, wanted)
    answer.write_bytes(json_response(found).body)

    assert verify(answer)[0] == 0
    changed = json.loads(answer.read_bytes())
    changed["contributions"][0]["contribution"] += 1e-9
    answer.write_text(json.dumps(changed))
    assert "contributions[0].contribution is" in verify(answer)[2]


def test_rows_of_a_request_log_are_made_again(verify, insurance, diabetes, tmp_path):
    rows = b""
    for tag, record in ((insurance, PERSON), (diabetes, PATIENT)):
        version = store.find(tag)
        predictions = store.load_predictor(version).answer([record, record])["predictions"]
        rows += RowWriter(tag, version.schema()).rows("r", [record, record], predictions)
    log = tmp_path / "requests-1.jsonl"
    log.write_bytes(rows)

    code, out, _ = verify(log)

    assert code == 0 and out.count("recomputed  2 answers, the same to the last bit") == 2
    lines = rows.splitlines()
    one = json.loads(lines[0])
    one["answer"]["prediction"] += 1
    log.write_bytes(b"\n".join([json.dumps(one).encode(), *lines[1:]]))
    assert "does not give this answer to the request: row r/0.prediction is" in verify(log)[2]


def test_rows_without_private_fields_cannot_be_made_again(verify, insurance, tmp_path):
    version = store.find(insurance)
    schema = version.schema()
    schema = replace(schema, fields=tuple(replace(one, private=one.name == "age") for one in schema.fields))
    predictions = store.load_predictor(version).answer([PERSON])["predictions"]
    log = tmp_path / "requests-1.jsonl"
    log.write_bytes(RowWriter(insurance, schema).rows("r", [PERSON], predictions))

    code, out, _ = verify(log)

    assert code == 3 and "without private fields or free text" in out


def test_a_version_that_was_not_compiled_is_proven_by_its_pipeline(verify, uncompiled, keys, tmp_path):
    record = store.find(uncompiled).schema().example()
    answer, proof = tmp_path / "a.json", tmp_path / "p.json"
    request = json.dumps({"records": [record]}).encode()
    answer.write_bytes(signed(uncompiled, keys["server"][0], request))
    public = keys["server"][1]

    code, out, _ = verify(answer, "--proof", proof)

    assert code == 3 and "recomputed  1 answer, the same" in out and "graph       none; pipeline.pkl " in out
    code, out, _ = verify(proof, "--public-key", public)
    assert code == 3 and "served by its pipeline, which is not here" in out


def test_a_version_of_before_says_that_its_code_is_unknown(verify, tmp_path):
    before = store_folder()
    source = ROOT / "tests" / "data" / "versions" / "format-2"
    for name in ("insurance", "insurance-pipeline"):
        shutil.copytree(source / name, tmp_path / "models" / name)
    use_store(tmp_path / "models")
    try:
        code, out, _ = verify("insurance:6bifumxjg6draax4")
    finally:
        use_store(before)

    assert code == 0 and "code        unknown: the version is from before versions kept it" in out
    assert "use case    not kept" in out and "32 golden predictions, the same" in out


# Signatures


def test_all_holds_once_answer_and_version_are_signed(verify, sealed_version, keys, tmp_path):
    answer = tmp_path / "signed.json"
    answer.write_bytes(signed(sealed_version, keys["server"][0], image="registry.example.org/insurance@sha256:12"))
    both = ("--public-key", keys["server"][1], "--public-key", keys["training"][1])

    code, out, _ = verify(answer, *both)

    assert code == 0 and out.count(" signed with ") == 3  # the pipeline's entry, too
    assert "image       registry.example.org/insurance@sha256:12" in out
    code, out, _ = verify(answer, "--public-key", keys["server"][1])
    assert code == 3 and "version     NOT CHECKED: signed with the key" in out
    code, _, error = verify(answer, *both, "--public-key", keys["other"][1])
    assert code == 1 and "other.pub: nothing here is signed with this key" in error


def test_with_a_key_an_unsigned_answer_is_not_proven(verify, sealed_version, keys, plain):
    code, out, _ = verify(plain[0], "--request", plain[1], "--public-key", keys["training"][1])

    assert code == 3 and "answer      NOT CHECKED: it has no signature" in out


def test_a_signature_that_is_claimed_to_be_anothers_is_refused(sealed_version, keys):
    found = json.loads(signed(sealed_version, keys["other"][0]))
    found["verificationMaterial"]["publicKey"]["hint"] = read_public_key(keys["server"][1]).fingerprint

    with pytest.raises(ProofError, match="the signature does not hold"):
        read_bundle(found, "x").signed_by((read_public_key(keys["server"][1]),))


def test_a_signed_answer_is_of_this_very_version(verify, insurance, keys, own_store, tmp_path):
    answer = tmp_path / "signed.json"
    answer.write_bytes(signed(insurance, keys["server"][0]))
    sealed(own_store, "card.md", lambda text: text + "\n")

    code, _, error = verify(answer, "--public-key", keys["server"][1])

    assert code == 1 and f"was given by another {insurance} than the one here" in error


def test_model_signing_and_slipway_sign_the_same():
    folder = ROOT / "tests" / "data" / "versions" / "format-2" / "insurance" / "6bifumxjg6draax4"
    path = FIXED / "model-signing.sigstore.json"
    theirs = read_bundle(parsed(path.read_bytes(), path), path)
    files = digests((folder / store.SUMS).read_bytes())

    assert theirs.signed_by((read_public_key(FIXED / "model-signing.pub"),))
    check_statement(theirs, "insurance:6bifumxjg6draax4", files)
    from slipway.store.proof.version_signature import _statement

    assert _statement("insurance:6bifumxjg6draax4", files)["subject"] == json.loads(theirs.payload)["subject"]
    with pytest.raises(ProofError, match="model.onnx of x:y is not what was signed"):
        check_statement(theirs, "x:y", files | {"model.onnx": "0" * 64})


# Any changed byte is found


def flipped(content: bytes, positions) -> Iterator[tuple[int, bytes]]:
    """The content with one byte changed, in two ways, at each position."""
    for position in positions:
        for bits in (1, 32):
            changed = bytearray(content)
            changed[position] ^= bits
            yield position, bytes(changed)


def test_any_changed_byte_of_a_signed_answer_is_found(sealed_version, keys):
    content = signed(sealed_version, keys["server"][0])
    trusted = (read_public_key(keys["server"][1]), read_public_key(keys["training"][1]))
    evidence = check.find_evidence(sealed_version)

    for position, changed in flipped(content, range(len(content))):
        with pytest.raises(SlipwayError):
            (saved,) = answers.read_answers(changed, "x")
            report = check.Report()
            check.check_answer(saved, evidence, trusted, 0.0, report)
            pytest.fail(f"byte {position}: {content[position - 20 : position + 20]!r}: {report.lines}")


def test_any_changed_byte_of_a_signature_of_a_version_is_found(sealed_version, keys):
    version = store.find(sealed_version)
    content = signature_path(version.name, version.version).read_bytes()
    trusted = (read_public_key(keys["training"][1]),)
    files = digests((version.path / store.SUMS).read_bytes())

    for position, changed in flipped(content, range(len(content))):
        with pytest.raises(ProofError):
            bundle = read_bundle(parsed(changed, "x"), "x")
            check_statement(bundle, sealed_version, files)
            bundle.signed_by(trusted)
            pytest.fail(f"byte {position}")


def test_any_changed_byte_of_a_version_is_found(insurance, keys, own_store):
    version = store.find(insurance)
    sign_version(version, read_signing_key(keys["training"][0]))
    names = sorted(path.name for path in own_store.iterdir())

    assert {"model.onnx", "provenance.json", "schema.json", "metrics.json", "usecase.json", "SHA256SUMS"} <= set(names)
    for name in names:
        content = (own_store / name).read_bytes()
        for _, changed in flipped(content, (0, len(content) // 3, len(content) - 1)):
            (own_store / name).write_bytes(changed)
            with pytest.raises(SlipwayError):
                check.find_evidence(insurance)
            if name != store.SUMS and name != "model.yaml":  # and by whoever can write the sums, too
                sums = store.sums(own_store).encode()
                with pytest.raises(ProofError, match=f"{re.escape(name)} of .* is not what was signed"):
                    check_statement(read_signature(version.name, version.version), insurance, digests(sums))
        (own_store / name).write_bytes(content)
    check.find_evidence(insurance)


def test_an_added_and_a_missing_file_of_a_version_are_found(insurance, keys, own_store):
    version = store.find(insurance)
    sign_version(version, read_signing_key(keys["training"][0]))
    bundle = read_signature(version.name, version.version)
    (own_store / "more.json").write_text("{}")

    with pytest.raises(ModelDamagedError, match="more.json was not there"):
        check.find_evidence(insurance)
    with pytest.raises(ProofError, match="more.json of .* was not signed"):
        check_statement(bundle, insurance, digests(store.sums(own_store).encode()))
    (own_store / "more.json").unlink()
    (own_store / "card.md").unlink()
    with pytest.raises(ProofError, match="card.md of .* is not there"):
        check_statement(bundle, insurance, digests(store.sums(own_store).encode()))


def test_a_signature_of_another_version_is_refused(sealed_version, diabetes):
    version = store.find(sealed_version)
    bundle = read_signature(version.name, version.version)

    with pytest.raises(ProofError, match=f"is the signature of {sealed_version}, and not of {diabetes}"):
        check_statement(bundle, diabetes, digests((store.find(diabetes).path / store.SUMS).read_bytes()))


@pytest.mark.parametrize("with_signature", [True, False])
def test_any_changed_byte_of_a_proof_is_found(verify, sealed_version, keys, plain, tmp_path, with_signature):
    answer, proof = tmp_path / "signed.json", tmp_path / "proof.json"
    if with_signature:
        answer.write_bytes(signed(sealed_version, keys["server"][0]))
        public = ("--public-key", keys["server"][1], "--public-key", keys["training"][1])
        assert verify(answer, *public, "--proof", proof)[0] == 0
    else:
        assert verify(plain[0], "--request", plain[1], "--proof", proof)[0] == 3
    content = proof.read_bytes()
    start = content.index(b'"files"')
    places = [*range(start), *range(start, len(content) - 100, 211), *range(len(content) - 100, len(content) - 1)]

    for position, changed in flipped(content, places[::5]):
        folder = tmp_path / "unpacked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            found = parsed(changed, "x")
            if proof_file.is_proof(found):
                proof_file.read_proof(found, Path("x"), folder)
            else:
                answers.read_answers(changed, "x")
        except SlipwayError:
            continue
        # A number with a digit more than it needs has neighbours that are the same number.
        assert found == json.loads(content), f"byte {position}: {content[position - 20 : position + 20]!r}"


# One file for somebody who has nothing of ours


@pytest.fixture
def proof(verify, sealed_version, keys, tmp_path) -> Path:
    """A proof of a signed answer."""
    answer, proof = tmp_path / "signed.json", tmp_path / "proof.json"
    answer.write_bytes(signed(sealed_version, keys["server"][0]))
    keys_given = ("--public-key", keys["server"][1], "--public-key", keys["training"][1])
    assert verify(answer, *keys_given, "--proof", proof)[0] == 0
    return proof


def test_a_proof_needs_no_store(verify, proof, keys, tmp_path):
    before = store_folder()
    (tmp_path / "empty").mkdir()
    use_store(tmp_path / "empty")
    try:
        code, out, _ = verify(proof, "--public-key", keys["server"][1], "--public-key", keys["training"][1])
    finally:
        use_store(before)

    assert code == 0 and "recomputed  2 answers, the same to the last bit" in out
    held = json.loads(proof.read_bytes())["files"]
    assert "background.csv" not in held and "model.onnx" in held


def test_the_proof_of_an_explanation_can_be_made_again(verify, insurance, keys, tmp_path):
    version = store.find(insurance)
    explained = store.load_explainer(version, store.load_predictor(version)).explain(PERSON)
    answer, proof = tmp_path / "a.json", tmp_path / "p.json"
    answer.write_bytes(json_response(explained).body)

    verify(answer, "--proof", proof)
    code, out, _ = verify(proof)

    assert code in (0, 3) and "recomputed  1 answer, the same to the last bit" in out


def test_a_proof_replaces_no_file(verify, proof, plain):
    content = proof.read_bytes()

    code, _, error = verify(plain[0], "--proof", proof)

    assert code == 1 and "proof.json: is there already" in error and proof.read_bytes() == content


def documented_script() -> str:
    text = (ROOT / "docs" / "proof.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return script


@pytest.mark.parametrize("model", ["insurance", "diabetes"])
def test_the_script_of_the_documentation_checks_a_proof(verify, model, keys, request, tmp_path):
    tag = request.getfixturevalue(model)
    records = RECORDS if model == "insurance" else [PATIENT]
    answer, proof, script = tmp_path / "signed.json", tmp_path / "proof.json", tmp_path / "check.py"
    answer.write_bytes(signed(tag, keys["server"][0], json.dumps({"records": records}).encode()))
    verify(answer, "--proof", proof)
    script.write_text(documented_script())

    def run(path: Path, key: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", str(script), str(path), str(key)], capture_output=True, text=True, cwd=tmp_path
        )

    done = run(proof, keys["server"][1])
    assert done.returncode == 0 and done.stdout.startswith(f"{tag} gave these {len(records)} predictions"), done.stderr
    assert store.find(tag).metrics().data.sha256 in done.stdout
    assert "InvalidSignature" in run(proof, keys["other"][1]).stderr
    changed = json.loads(proof.read_bytes())
    changed["files"]["model.onnx"] = base64.b64encode(base64.b64decode(changed["files"]["model.onnx"]) + b"\0").decode()
    proof.write_text(json.dumps(changed))
    assert "AssertionError: model.onnx" in run(proof, keys["server"][1]).stderr


# Bad input


def test_files_that_are_no_answer_are_one_line(verify, insurance, tmp_path):
    path = tmp_path / "a.json"
    good = json.loads(answered(insurance, RECORDS))
    for content, expected in (
        ("{", "is not valid JSON"),
        ('{"a": 1, "a": 2}', "is not valid JSON: duplicate key"),
        ('{"predictions": [NaN]}', "NaN is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "is no answer of a model: expected a JSON object"),
        ('{"error": "x", "code": "y"}', "it has 'error', 'code', and neither predictions nor contributions"),
        (json.dumps(good | {"model": "insurance"}), "`model` of the answer is 'insurance'; expected NAME:VERSION"),
        (json.dumps(good | {"model": "insurance:xyz"}), "no model 'insurance:xyz'"),
        (json.dumps(good | {"model": "nobody:xyz"}), "no model 'nobody:xyz'"),
        ('{"format": "slipway proof 2"}', "the proof has no 'answer'"),
        ('{"mediaType": "x"}', "the signature has no 'verificationMaterial'"),
        ('{"call": "/x", "request": null, "answer": {}}', "call is '/x'; expected one of /predict, /explain"),
        ('{"request_id": "r", "inputs": {}}', "line 1: the row has no 'record'"),
    ):
        path.write_text(content)

        code, _, error = verify(path)

        assert code == 1 and expected in error, error


def test_files_and_models_that_are_not_there_are_one_line(verify, plain, tmp_path):
    for arguments, expected in (
        ((tmp_path / "none.json",), "FILE cannot be read: No such file or directory"),
        ((tmp_path,), "FILE cannot be read: Is a directory"),
        (("insurence",), "no model 'insurence' in the BentoML model store; did you mean 'insurance'?"),
        (("insurance", "--request", plain[1]), "--request: belongs to an answer"),
        ((plain[0], "--request", tmp_path / "none.json"), "--request cannot be read: No such file"),
        (
            (plain[0], "--public-key", tmp_path / "none.pub"),
            "the public key cannot be read (No such file or directory)",
        ),
        ((plain[0], "--proof", tmp_path / "no" / "p.json"), "cannot be written: No such file or directory"),
    ):
        code, _, error = verify(*arguments)

        assert code == 1 and expected in error, error


def test_keys_that_cannot_be_used_are_one_line(verify, plain, keys, insurance, tmp_path, capsys):
    pem = serialization.Encoding.PEM
    rsa_key = rsa.generate_private_key(65537, 2048)
    bad = tmp_path / "bad.pem"
    encrypted = serialization.BestAvailableEncryption(b"x")
    own = ec.generate_private_key(ec.SECP256R1())
    pkcs8 = serialization.PrivateFormat.PKCS8
    bad.touch(0o600)
    for content, expected in (
        (b"x", "is not a private key in PEM; `openssl genpkey"),
        (keys["server"][1].read_bytes(), "is not a private key in PEM"),
        (
            rsa_key.private_bytes(pem, pkcs8, serialization.NoEncryption()),
            "another kind; expected elliptic curve P-256",
        ),
        (own.private_bytes(pem, pkcs8, encrypted), "the private key is encrypted"),
        (None, "has mode 0644, so that others may read or change it"),
    ):
        bad.write_bytes(content or keys["server"][0].read_bytes())
        bad.chmod(0o600 if content else 0o644)

        code = main(["sign", insurance, "--key", str(bad)])

        error = capsys.readouterr().err
        assert code == 1 and error.count("\n") == 1 and expected in error, error
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    for content, expected in (
        (b"x", "is not a public key in PEM"),
        (keys["server"][0].read_bytes(), "is a private key; give the public one"),
        (rsa_key.public_key().public_bytes(pem, spki), "another kind"),
    ):
        bad.write_bytes(content)
        code, _, error = verify(plain[0], "--public-key", bad)
        assert code == 1 and expected in error, error


def test_a_certificate_is_for_model_signing(sealed_version, keys):
    found = json.loads(signed(sealed_version, keys["server"][0]))
    found["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}, "tlogEntries": [{}]}

    with pytest.raises(ProofError, match="signed with a certificate.*`model_signing verify` checks it"):
        read_bundle(found, "x")


def test_slipway_sign_says_where_the_signature_is(insurance, keys, own_store, capsys):
    assert main(["sign", insurance, "--key", str(keys["server"][0])]) == 0

    out = capsys.readouterr().out
    fingerprint = read_public_key(keys["server"][1]).fingerprint
    assert out.count(fingerprint) == 2 and f"{own_store}.sigstore.json" in out
    assert [path.name for path in own_store.parent.iterdir() if path.is_dir()] == [own_store.name]
    assert store.find(insurance).tag == insurance  # which is served as before


# What a version keeps


def test_a_version_keeps_the_code_and_the_packages_that_trained_it(insurance):
    known = store.find(insurance).provenance()
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    assert known.code.commit == (head or None)
    assert known.packages["pycaret-core"] == "3.5.0" and known.packages["slipway-ml"] == known.code.version
    assert known.lock.file == "requirements/train.txt" and known.python == sys.version.split()[0]


def test_the_digest_of_the_code_is_what_a_shell_computes():
    command = "find slipway -type f -not -path '*/__pycache__/*' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    found = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert found.split()[0] == provenance.source_digest()
    assert command in (ROOT / "docs" / "proof.md").read_text(encoding="utf-8").replace("\\|", "|")


def test_without_a_clone_what_is_unknown_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)

    known = provenance.collect()

    assert known.code.commit is None and not known.code.changed and known.lock is None and known.code.sha256


def test_an_installed_package_that_differs_from_the_lock_is_named(monkeypatch, tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "train.txt").write_text("numpy==0.0.1 \\\n    --hash=sha256:00\nnothing==1\n")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)

    known = provenance.collect()

    assert known.lock.differs == (f"numpy {known.packages['numpy']}",)


def test_git_is_not_needed(monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)

    assert provenance.collect().code.commit is None
