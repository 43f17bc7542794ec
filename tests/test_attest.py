"""Attaching, signing and verifying, against a registry in this process; tests/image does it with real ones, cosign and oras."""

import base64
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy import attest, provenance, push, verify
from deploy.engine import ContainerError
from deploy.registry import MANIFEST, Part, Repository, digest_of
from slipway.errors import SlipwayError
from slipway.store.proof.keys import SigningKey, signing_key
from tests.conftest import ROOT

IMAGE = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}).encode()
DIGEST = digest_of(IMAGE)
SBOM = {"bomFormat": "CycloneDX", "components": [{}]}
MADE = {"buildDefinition": {"externalParameters": {"model": "m:1", "revision": "c"}, "resolvedDependencies": []}, "runDetails": {"builder": {"id": "b"}}}  # fmt: skip


@dataclass
class Registry:
    """A registry with one image; `lists` says whether it keeps referrers, `token` which one it wants."""

    lists: bool
    token: str = ""
    manifests: dict[str, bytes] = field(default_factory=lambda: {DIGEST: IMAGE})
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[dict] = field(default_factory=list)
    address: str = ""


def handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def handle_any(self) -> None:
            path, body = urlsplit(self.path).path, self.rfile.read(int(self.headers.get("content-length", 0)))
            if path == "/token":
                registry.asked.append({key: value[0] for key, value in parse_qs(body.decode()).items()})
                return self.answer(200, json.dumps({"access_token": registry.token}).encode())
            if registry.token and self.headers.get("authorization") != f"Bearer {registry.token}":
                realm = f'Bearer realm="http://{registry.address}/token",service="here"'
                return self.answer(401, WWW_Authenticate=realm)
            kind, _, name = path.removeprefix("/v2/team/app/").partition("/")
            kept = registry.blobs if kind == "blobs" else registry.manifests
            if self.command == "POST":
                return self.answer(202, Location="/v2/team/app/blobs/uploads/1?state=x")
            if self.command == "PUT" and kind == "blobs":
                registry.blobs[parse_qs(urlsplit(self.path).query)["digest"][0]] = body
                return self.answer(201)
            if self.command == "PUT":
                registry.manifests |= {name: body, digest_of(body): body}
                listed = registry.lists and "subject" in json.loads(body)
                return self.answer(201, **({"OCI_Subject": DIGEST} if listed else {}))
            return self.answer(200, kept[name]) if name in kept else self.answer(404)

        do_GET = do_PUT = do_POST = do_HEAD = handle_any

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture(params=[True, False], ids=["lists referrers", "has a tag for them"])
def registry(request, tmp_path, monkeypatch) -> Iterator[Registry]:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    made = Registry(lists=request.param)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def new_key() -> SigningKey:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signing_key(ec.generate_private_key(ec.SECP256R1()).private_bytes(*form), "test.pem")


KEY = new_key()


def signed(registry: Registry, key: SigningKey = KEY) -> str:
    where = f"{registry.address}/team/app"
    kinds = ((provenance.PREDICATE_TYPE, MADE), (verify.CYCLONEDX, SBOM))
    with Repository(registry.address, "team/app") as repository:
        attest.sign(repository, DIGEST, key, [attest.statement(where, DIGEST, *one) for one in kinds])
    return f"{where}@{DIGEST}"


def test_what_is_attached_is_found_again_and_once_however_often(registry):
    part = Part(b'{"bomFormat":"CycloneDX"}', "application/vnd.cyclonedx+json", {})
    with Repository(registry.address, "team/app") as repository:
        first = repository.attach(IMAGE, part.media_type, part)
        again = repository.attach(IMAGE, part.media_type, part)
        content = repository.blob(json.loads(repository.manifest(first["digest"]))["layers"][0]["digest"])

    manifest = json.loads(registry.manifests[first["digest"]])
    assert first == again and manifest["artifactType"] == part.media_type
    assert content == part.content
    assert manifest["subject"] == {"mediaType": MANIFEST, "digest": DIGEST, "size": len(IMAGE)}
    listed = json.loads(registry.manifests.get(f"sha256-{DIGEST[7:]}", b'{"manifests": []}'))["manifests"]
    assert listed == ([] if registry.lists else [first])


def test_a_signed_image_is_verified_with_its_provenance_and_sbom(registry):
    reference = signed(registry)

    assert verify.check(reference, KEY.public) == (MADE, SBOM)


def test_the_formats_are_those_of_cosigns_specification(registry):
    signed(registry)

    hexadecimal = DIGEST.removeprefix("sha256:")
    (layer,) = json.loads(registry.manifests[f"sha256-{hexadecimal}.sig"])["layers"]
    payload = registry.blobs[layer["digest"]]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert json.loads(payload)["critical"] == {
        "identity": {"docker-reference": f"{registry.address}/team/app"},
        "image": {"docker-manifest-digest": DIGEST},
        "type": "cosign container image signature",
    }
    assert KEY.public.verifies(base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]), payload)
    for layer in json.loads(registry.manifests[f"sha256-{hexadecimal}.att"])["layers"]:
        envelope = json.loads(registry.blobs[layer["digest"]])
        body = base64.b64decode(envelope["payload"])
        encoded = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(body), body)
        assert layer["mediaType"] == "application/vnd.dsse.envelope.v1+json"
        assert envelope["payloadType"] == "application/vnd.in-toto+json"
        assert KEY.public.verifies(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)
        assert json.loads(body)["subject"] == [{"name": f"{registry.address}/team/app", "digest": {"sha256": hexadecimal}}]  # fmt: skip


def test_an_unsigned_image_and_one_of_another_key_are_refused(registry):
    with pytest.raises(ContainerError, match=r"is not signed with test\.pem: it has no signature"):
        verify.check(f"{registry.address}/team/app@{DIGEST}", KEY.public)

    reference = signed(registry)
    with pytest.raises(ContainerError, match="its signatures are of other keys or other images"):
        verify.check(reference, new_key().public)


def test_a_signature_of_another_image_does_not_count(registry):
    signed(registry)
    another = IMAGE + b" "
    digest = digest_of(another)
    registry.manifests[digest] = another
    for suffix in ("sig", "att"):
        registry.manifests[attest.tag(digest, suffix)] = registry.manifests[attest.tag(DIGEST, suffix)]

    with pytest.raises(ContainerError, match="is not signed with"):
        verify.check(f"{registry.address}/team/app@{digest}", KEY.public)


def test_a_changed_attestation_does_not_count(registry):
    reference = signed(registry)
    tag = attest.tag(DIGEST, "att")
    manifest = json.loads(registry.manifests[tag])
    envelope = json.loads(registry.blobs[manifest["layers"][0]["digest"]])
    body = base64.b64decode(envelope["payload"]).replace(b'"m:1"', b'"m:2"')
    changed = json.dumps(envelope | {"payload": base64.b64encode(body).decode()}).encode()
    registry.blobs[digest_of(changed)] = changed
    manifest["layers"][0]["digest"] = digest_of(changed)
    registry.manifests[tag] = json.dumps(manifest).encode()

    with pytest.raises(ContainerError, match="has no provenance that is signed with"):
        verify.check(reference, KEY.public)


def test_a_content_with_another_digest_is_refused(registry):
    registry.manifests[DIGEST] = IMAGE + b" "

    with pytest.raises(ContainerError, match="gave another content for sha256"):
        verify.check(f"{registry.address}/team/app@{DIGEST}", KEY.public)


def test_two_keys_sign_beside_each_other_and_one_key_once(registry):
    other = new_key()
    for key in (KEY, other, KEY):
        reference = signed(registry, key)

    assert verify.check(reference, KEY.public) == verify.check(reference, other.public) == (MADE, SBOM)
    assert len(json.loads(registry.manifests[attest.tag(DIGEST, "sig")])["layers"]) == 2
    assert len(json.loads(registry.manifests[attest.tag(DIGEST, "att")])["layers"]) == 4


def test_the_token_that_az_has_kept_is_exchanged_for_one_of_the_registry(registry, tmp_path):
    registry.token = "short-lived"
    entry = {"auth": base64.b64encode(b"00000000-0000-0000-0000-000000000000:").decode(), "identitytoken": "kept"}
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {registry.address: entry}}))

    reference = signed(registry)

    assert verify.check(reference, KEY.public) == (MADE, SBOM)
    assert registry.asked[0]["grant_type"] == "refresh_token" and registry.asked[0]["refresh_token"] == "kept"
    assert registry.asked[0]["scope"] == "repository:team/app:pull,push"


@pytest.mark.parametrize("image", ["a/b:tag", "a/b@sha256:12", "a@sha256:" + "0" * 64, ""])
def test_an_image_without_a_digest_is_not_verified(image, tmp_path):
    (tmp_path / "key.pub").write_text(KEY.public.pem)
    command = [sys.executable, "-m", "deploy.verify", image, "--key", tmp_path / "key.pub"]

    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "expected registry/repository@sha256:…" in run.stderr


def test_a_key_comes_from_a_file_or_from_the_environment(tmp_path):
    pem = KEY.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())  # fmt: skip
    file = tmp_path / "key.pem"
    file.write_bytes(pem)
    file.chmod(0o600)

    found = [push.key_of(file, None), push.key_of(None, pem.decode()), push.key_of(None, str(file))]

    assert {key.public.fingerprint for key in found} == {KEY.public.fingerprint}
    assert push.key_of(None, None) is None
    with pytest.raises(SlipwayError, match="SLIPWAY_COSIGN_KEY"):
        push.key_of(
            None, "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----"
        )


@pytest.mark.parametrize(
    ("environment", "builder", "invocation"),
    [
        ({}, provenance.BY_HAND, ""),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b",
             "GITHUB_WORKFLOW_REF": "a/b/.github/workflows/deploy.yml@refs/heads/main", "GITHUB_RUN_ID": "7"},
            "https://github.com/a/b/.github/workflows/deploy.yml@refs/heads/main", "https://github.com/a/b/actions/runs/7",
        ),
        (
            {"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/o/", "SYSTEM_TEAMPROJECT": "p",
             "SYSTEM_DEFINITIONID": "3", "BUILD_BUILDID": "9"},
            "https://dev.azure.com/o/p/_build?definitionId=3", "https://dev.azure.com/o/p/_build/results?buildId=9",
        ),
    ],
)  # fmt: skip
def test_provenance_says_which_pipeline_built(environment, builder, invocation):
    assert provenance.builder_of(environment) == (builder, invocation)


def test_a_digest_is_of_the_content():
    assert digest_of(b"x") == "sha256:" + hashlib.sha256(b"x").hexdigest()
