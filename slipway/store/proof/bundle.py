"""Signatures: Sigstore bundles with an in-toto statement in a DSSE envelope, made and checked with a local key, offline.

`model_signing verify key` checks those of versions, and any tool for DSSE all of them. Those that Sigstore's keyless signing makes, with
a certificate instead of a key, are for `model_signing verify sigstore`.

Sources: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md,
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and https://docs.sigstore.dev/about/bundle/.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from slipway.errors import ProofError
from slipway.store.proof.strict import decoded, keys, parsed, text

if TYPE_CHECKING:  # a server without a signing key does without cryptography
    from slipway.store.proof.keys import PublicKey, SigningKey

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True)
class Bundle:
    """A statement and its signature, not yet checked. `hint` is the fingerprint of the key that is said to have signed it."""

    payload: bytes
    signature: bytes
    hint: str
    where: str

    def to_json(self) -> dict[str, Any]:
        """The bundle, as it is written."""
        signature = {"sig": base64.b64encode(self.signature).decode("ascii"), "keyid": ""}
        payload = base64.b64encode(self.payload).decode("ascii")
        return {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.hint}, "tlogEntries": []},
            "dsseEnvelope": {"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [signature]},
        }

    def signed_by(self, known: "tuple[PublicKey, ...]") -> "PublicKey | None":
        """The key of these that has signed it.

        Parameters
        ----------
        known : tuple of PublicKey

        Returns
        -------
        PublicKey or None
            None if it is said to be signed with another key, which then cannot be checked.

        Raises
        ------
        ProofError
            If it is said to be signed with one of them and is not: the statement or the signature was changed.
        """
        content = _encoded(self.payload)
        key = next((key for key in known if key.fingerprint == self.hint), None)
        if key is None:
            if another := next((key for key in known if key.verifies(self.signature, content)), None):
                raise ProofError(self.where, f"`hint` is not the fingerprint of {another.name}, which has signed it")
        elif not key.verifies(self.signature, content):
            raise ProofError(
                self.where, f"the signature does not hold: the statement or the signature is not what {key.name} signed"
            )
        return key

    def statement(self, predicate_type: str, where: str | Path) -> dict[str, Any]:
        """What it says, which holds only as far as its signature.

        Parameters
        ----------
        predicate_type : str
            What it has to be a statement of.
        where : str or Path

        Returns
        -------
        dict
            With `subject` and `predicate`.

        Raises
        ------
        ProofError
            If it is a statement of anything else.
        """
        statement = keys(
            parsed(self.payload, where), ("_type", "subject", "predicateType", "predicate"), where, "the statement"
        )
        if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != predicate_type:
            raise ProofError(
                where,
                f"states something else ({str(statement['predicateType'])[:100]}); expected {predicate_type}",
            )
        return statement


def _encoded(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def sign(payload: bytes, key: "SigningKey", fingerprint: str) -> bytes:
    """A bundle as JSON.

    Parameters
    ----------
    payload : bytes
        An in-toto statement, as JSON.
    key : SigningKey
    fingerprint : str
        Of the key, which whoever signs often computes once.

    Returns
    -------
    bytes
    """
    return orjson.dumps(Bundle(payload, key.sign(_encoded(payload)), fingerprint, "").to_json())


def is_bundle(content: Any) -> bool:
    """Whether a JSON value is meant to be a bundle."""
    return isinstance(content, dict) and ("mediaType" in content or "dsseEnvelope" in content)


def read_bundle(content: Any, where: str | Path) -> Bundle:
    """A bundle of which every part is what it may be; its signature is not checked.

    Parameters
    ----------
    content : JSON value
    where : str or Path
        The file, for messages.

    Returns
    -------
    Bundle

    Raises
    ------
    ProofError
        With what is not as it should be.
    """
    bundle = keys(content, ("mediaType", "verificationMaterial", "dsseEnvelope"), where, "the signature")
    if bundle["mediaType"] != MEDIA_TYPE:
        raise ProofError(where, f"mediaType is {str(bundle['mediaType'])[:80]!r}; expected {MEDIA_TYPE}")
    material = bundle["verificationMaterial"]
    if isinstance(material, dict) and {"certificate", "x509CertificateChain"} & material.keys():
        raise ProofError(
            where, "is signed with a certificate, as Sigstore's keyless signing does; `model_signing verify` checks it"
        )
    material = keys(material, ("publicKey",), where, "verificationMaterial", optional=("tlogEntries",))
    if material.get("tlogEntries", []) != []:
        raise ProofError(where, "tlogEntries has entries, which a signature with a local key does not have")
    hint = text(keys(material["publicKey"], ("hint",), where, "publicKey")["hint"], where, "hint")
    envelope = keys(bundle["dsseEnvelope"], ("payload", "payloadType", "signatures"), where, "dsseEnvelope")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise ProofError(where, f"payloadType is {str(envelope['payloadType'])[:80]!r}; expected {PAYLOAD_TYPE}")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise ProofError(where, "signatures are not one, which a bundle has")
    signature = keys(signatures[0], ("sig",), where, "the signature", optional=("keyid",))
    if signature.get("keyid", "") != "":
        raise ProofError(where, "keyid is not empty; the key is named by `hint`")
    payload = decoded(envelope["payload"], where, "payload")
    return Bundle(payload, decoded(signature["sig"], where, "sig"), hint, str(where))
