"""Keys that sign and that check: elliptic curve P-256 in PEM, as `openssl` makes them and Sigstore's model-signing takes them.

A key's fingerprint is the SHA-256 of its public key in PEM: `sha256sum` of the file that `openssl pkey -pubout` writes.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slipway.errors import ProofError

MAKE = "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE` makes one"
MAKE_PUBLIC = "`openssl pkey -in PRIVATE -pubout -out FILE` makes it of a private key"
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_LARGEST = 64 * 1024
"""Bytes of a file of a public key; a longer one is none."""


@dataclass(frozen=True)
class PublicKey:
    """A key that checks; `name` is its file, for messages."""

    key: ec.EllipticCurvePublicKey
    name: str

    @property
    def pem(self) -> str:
        """The key in PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_bytes(serialization.Encoding.PEM, form).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the key in PEM, in hexadecimal."""
        return hashlib.sha256(self.pem.encode("ascii")).hexdigest()

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Whether a signature is this key's, of this content."""
        try:
            self.key.verify(signature, content, _ALGORITHM)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """A key that signs."""

    key: ec.EllipticCurvePrivateKey
    name: str

    @property
    def public(self) -> PublicKey:
        """The key that checks what this one signs."""
        return PublicKey(self.key.public_key(), self.name)

    def sign(self, content: bytes) -> bytes:
        """The signature of a content, in DER."""
        return self.key.sign(content, _ALGORITHM)


def signing_key(pem: bytes, where: str | Path) -> SigningKey:
    """The private key in a PEM.

    Parameters
    ----------
    pem : bytes
    where : str or Path
        The file, for messages.

    Returns
    -------
    SigningKey

    Raises
    ------
    ProofError
        If it is no private key, or of another kind, or encrypted.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError as exc:
        raise ProofError(
            where, "the private key is encrypted; expected one without a passphrase, in a file of mode 0600"
        ) from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ProofError(where, f"is not a private key in PEM; {MAKE}") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ProofError(where, f"has a key of another kind; expected elliptic curve P-256: {MAKE}")
    return SigningKey(key, str(where))


def public_key(pem: bytes, where: str | Path) -> PublicKey:
    """The public key in a PEM.

    Raises
    ------
    ProofError
        If it is no public key, or of another kind.
    """
    if b"PRIVATE KEY" in pem:
        raise ProofError(where, f"is a private key; give the public one, and the private one to nobody: {MAKE_PUBLIC}")
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ProofError(where, f"is not a public key in PEM; {MAKE_PUBLIC}") from exc
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ProofError(where, f"has a key of another kind; expected elliptic curve P-256: {MAKE}")
    return PublicKey(key, str(where))


def read_public_key(path: Path) -> PublicKey:
    """The public key in a file.

    Raises
    ------
    ProofError
        If it cannot be read, or is none.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(_LARGEST)
    except OSError as exc:
        raise ProofError(path, f"the public key cannot be read ({exc.strerror}); {MAKE_PUBLIC}") from exc
    return public_key(pem, path)
