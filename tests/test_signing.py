"""A server with a signing key signs answers for whoever accepts signed ones, and for nobody else."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.middleware import Middleware

from slipway import store
from slipway.cli.main import main
from slipway.service.settings import Settings
from slipway.service.signing import signed_answers
from slipway.store.proof.bundle import MEDIA_TYPE
from slipway.store.proof.keys import read_public_key
from tests.conftest import PERSON, ROOT, Server, helpers_of, serve
from tests.test_proof import new_key
from tests.test_start import prepared

IMAGE = "registry.example.org/insurance@sha256:0123"


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> tuple[Path, Path]:
    return new_key(tmp_path_factory.mktemp("key"), "server")


@pytest.fixture(scope="module")
def signing(insurance, key) -> Iterator[Server]:
    """A server that signs."""
    settings = {"SLIPWAY_SIGNING_KEY_FILE": str(key[0]), "SLIPWAY_IMAGE": IMAGE}
    with serve("--arg", f"model={insurance}", **settings) as server:
        yield server


def ask(server: Server, path: str, body: object, accept: str = MEDIA_TYPE, request_id: str = "r1"):
    headers = {"accept": accept, "x-request-id": request_id, "content-type": "application/json"}
    return server.post(path, content=json.dumps(body).encode(), headers=headers)


def statement(response) -> dict:
    assert response.status_code == 200 and response.headers["content-type"] == MEDIA_TYPE, response.text
    return json.loads(base64.b64decode(response.json()["dsseEnvelope"]["payload"]))


@pytest.mark.parametrize("records", [1, 400], ids=["a worker answers", "a helper answers"])
def test_a_signed_answer_has_the_plain_one_with_its_request(signing, insurance, key, tmp_path, capsys, records):
    body = {"records": [PERSON | {"age": 20 + i % 60} for i in range(records)]}
    plain = ask(signing, "/predict", body, "application/json")

    response = ask(signing, "/predict", body)

    said = statement(response)
    predicate = said["predicate"]
    assert helpers_of(signing) and (len(plain.request.content) > 32 * 1024) == (records == 400)
    assert predicate["request"] == body and predicate["answer"] == plain.json()
    assert {one["name"]: one["digest"]["sha256"] for one in said["subject"]} == {
        "request": hashlib.sha256(plain.request.content).hexdigest(),
        "answer": hashlib.sha256(plain.content).hexdigest(),
    }
    assert (predicate["call"], predicate["request_id"]) == ("/predict", "r1")
    assert predicate["server"]["image"] == IMAGE and predicate["model"]["name"] == insurance
    path = tmp_path / "signed.json"
    path.write_bytes(response.content)
    assert main(["verify", str(path), "--public-key", str(key[1])]) == 3  # the version is not signed
    out = capsys.readouterr().out
    assert f"answer      signed with {key[1]} ({read_public_key(key[1]).fingerprint})" in out
    assert f"recomputed  {records} answer" in out and "to the last bit" in out and IMAGE in out


def test_an_explanation_is_signed_too(signing, key, tmp_path, capsys):
    response = ask(signing, "/explain?lang=zh", {"record": PERSON})

    assert statement(response)["predicate"]["call"] == "/explain"
    path = tmp_path / "signed.json"
    path.write_bytes(response.content)
    assert main(["verify", str(path), "--public-key", str(key[1])]) == 3
    assert "recomputed  1 answer, the same to the last bit" in capsys.readouterr().out


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*", ""])
def test_who_does_not_name_the_type_gets_the_plain_answer(signing, accept):
    response = ask(signing, "/predict", {"records": [PERSON]}, accept)

    assert response.headers["content-type"] == "application/json" and response.json()["predictions"]


def test_the_type_may_be_one_of_several(signing):
    assert statement(ask(signing, "/predict", {"records": [PERSON]}, f"application/json;q=0.5, {MEDIA_TYPE.upper()}"))


def test_a_refusal_stays_what_it_is(signing):
    response = ask(signing, "/predict", {"records": [PERSON | {"age": "x"}]})

    assert response.status_code == 400 and response.headers["content-type"] == "application/json"
    assert response.json()["code"] == "invalid_records"


def test_files_are_not_signed(signing):
    files = {"file": ("a.csv", ",".join(PERSON) + "\n" + ",".join(map(str, PERSON.values())) + "\n", "text/csv")}

    response = signing.post("/predict_csv", files=files, headers={"accept": MEDIA_TYPE})

    assert response.status_code == 200 and response.headers["content-type"].startswith("text/csv")


def test_a_server_says_what_it_knows_of_its_origin(signing, insurance, key):
    described = signing.get("/model").json()

    known = store.find(insurance).provenance()
    assert described["image"] == IMAGE and described["provenance"]["code"]["sha256"] == known.code.sha256
    assert "packages" not in described["provenance"]
    assert f"with the key {read_public_key(key[1]).fingerprint}" in signing.log.read_text()


def test_without_a_key_nothing_signs(insurance_server, insurance):
    response = ask(insurance_server, "/predict", {"records": [PERSON]})

    assert response.headers["content-type"] == "application/json"
    assert signed_answers(store.find(insurance), Settings()) == []
    assert "image" not in insurance_server.get("/model").json()


def test_without_a_key_a_server_does_without_cryptography():
    ask = "import slipway.service.app, sys; print([name for name in sys.modules if name.startswith('cryptography')])"

    found = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip().splitlines()[-1] == "[]"


def test_with_a_key_a_version_that_was_not_compiled_names_its_pipeline(uncompiled, key):
    version = store.find(uncompiled)

    (middleware,) = signed_answers(version, Settings(signing_key_file=str(key[0])))

    assert isinstance(middleware, Middleware)
    signed = json.loads(middleware.kwargs["signer"].sign("/predict", "r", b"{}", b"{}"))
    model = json.loads(base64.b64decode(signed["dsseEnvelope"]["payload"]))["predicate"]["model"]
    sums = (version.pipeline.parent / store.SUMS).read_bytes()
    assert model["pipeline"] == {"sha256": hashlib.sha256(sums).hexdigest()}


def test_a_key_that_others_may_read_ends_the_start_with_one_line(insurance, key, tmp_path):
    path = tmp_path / "open.pem"
    path.write_bytes(key[0].read_bytes())
    path.chmod(0o644)
    home = Path(store.find(insurance).path).parents[2]

    start = prepared(
        tmp_path, "--arg", f"model={insurance}", SLIPWAY_SIGNING_KEY_FILE=str(path), BENTOML_HOME=str(home)
    )

    assert start.code == 1 and start.output.count("\n") == 1, start.output
    assert f"{path}, which SLIPWAY_SIGNING_KEY_FILE names, has mode 0644" in start.output
