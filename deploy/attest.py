"""Signatures and attestations of images, in cosign's format: `cosign verify --key` and `cosign verify-attestation --key` accept them.

A signature is of a payload that names the image's digest ("simple signing"); an attestation is an in-toto statement in a DSSE
envelope. Both lie beside the image as layers of tags named after its digest. Nothing is written to a transparency log.

Sources: https://github.com/sigstore/cosign/blob/v2.5.0/specs/SIGNATURE_SPEC.md, …/ATTESTATION_SPEC.md,
https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md and https://github.com/in-toto/attestation/tree/main/spec/v1.
"""

import base64
import binascii
import json
from typing import Any

from deploy.registry import Part, Repository, fallback_tag
from slipway.errors import ProofError
from slipway.store.proof import bundle
from slipway.store.proof.keys import PublicKey, SigningKey

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
_KIND = "cosign container image signature"


def statement(repository: str, digest: str, predicate_type: str, predicate: dict[str, Any]) -> dict[str, Any]:
    """An in-toto statement of an image."""
    return {
        "_type": bundle.STATEMENT_TYPE,
        "subject": [{"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def signed_payload(repository: str, digest: str, key: SigningKey) -> Part:
    """The signature of an image."""
    payload = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": _KIND,
        },
        "optional": None,
    }
    content = _json(payload)
    return Part(content, PAYLOAD, {SIGNATURE: base64.b64encode(key.sign(content)).decode("ascii")})


def signed_statement(made: dict[str, Any], key: SigningKey) -> Part:
    """A statement with its signature."""
    envelope = json.loads(bundle.sign(_json(made), key, key.public.fingerprint))["dsseEnvelope"]
    # cosign writes an empty signature here: the envelope has its own.
    annotations = {SIGNATURE: "", "predicateType": made["predicateType"]}
    return Part(_json(envelope), ENVELOPE, annotations)


def signs(part: Part, key: PublicKey, digest: str) -> bool:
    """Whether this is a signature of an image with this digest, by this key."""
    try:
        if not key.verifies(base64.b64decode(part.annotations.get(SIGNATURE, "")), part.content):
            return False
        critical = json.loads(part.content)["critical"]
        return bool(critical["type"] == _KIND and critical["image"]["docker-manifest-digest"] == digest)
    except (ValueError, KeyError, TypeError, binascii.Error):
        return False


def stated(part: Part, key: PublicKey, digest: str) -> dict[str, Any] | None:
    """The statement in an envelope, if this key signed it and it is of an image with this digest."""
    try:
        envelope = json.loads(part.content)
        payload = base64.b64decode(envelope["payload"])
        if envelope["payloadType"] != bundle.PAYLOAD_TYPE:
            return None
        for one in envelope["signatures"]:
            bundle.Bundle(payload, base64.b64decode(one["sig"]), key.fingerprint, digest).signed_by((key,))
        found: dict[str, Any] = json.loads(payload)
        wanted = digest.removeprefix("sha256:")
        subjects = [one["digest"].get("sha256") for one in found["subject"]]
        return (
            found if envelope["signatures"] and found["_type"] == bundle.STATEMENT_TYPE and wanted in subjects else None
        )
    except (ProofError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


def tag(digest: str, suffix: str) -> str:
    """Where cosign looks for what belongs to an image: `sig` for signatures, `att` for attestations.

    >>> tag("sha256:ab12", "sig")
    'sha256-ab12.sig'
    """
    return f"{fallback_tag(digest)}.{suffix}"


def parts(repository: Repository, digest: str, suffix: str) -> list[Part]:
    """The signatures or attestations of an image in a registry, none of them checked."""
    manifest = repository.manifest(tag(digest, suffix))
    layers = json.loads(manifest)["layers"] if manifest else []
    return [Part(repository.blob(one["digest"]), one["mediaType"], one.get("annotations", {})) for one in layers]


def sign(repository: Repository, digest: str, key: SigningKey, statements: list[dict[str, Any]]) -> None:
    """Sign an image in a registry, and attest statements of it. What other keys signed stays; what this one did is replaced.

    Raises
    ------
    ContainerError
        If the registry does not take it.
    """
    image, public = f"{repository.registry}/{repository.name}", key.public
    others = [one for one in parts(repository, digest, "sig") if not signs(one, public, digest)]
    repository.put_image(tag(digest, "sig"), [*others, signed_payload(image, digest, key)])
    others = [one for one in parts(repository, digest, "att") if stated(one, public, digest) is None]
    repository.put_image(tag(digest, "att"), [*others, *(signed_statement(one, key) for one in statements)])


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
