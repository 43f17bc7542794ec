"""Sign a version with a key of your own, offline: whoever has the public key finds any byte that is changed later.

    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing.pem
    openssl pkey -in signing.pem -pubout -out signing.pub
    slipway sign insurance --key signing.pem

The signature lies beside the version, as Sigstore's model-signing writes it. `slipway verify` checks it.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `slipway sign` takes."""
    parser.add_argument("model", help="NAME:VERSION, or NAME for the version in use")
    parser.add_argument(
        "--key", metavar="FILE", required=True, type=Path, help="a private key, elliptic curve P-256, in PEM"
    )


def run(args: argparse.Namespace) -> int:
    """Sign, and say where the signature is."""
    from slipway import store
    from slipway.service.signing import read_signing_key
    from slipway.store.proof.version_signature import sign_version

    key = read_signing_key(args.key, "--key")
    version = store.find_any(args.model)
    for path in sign_version(version, key):
        print(f"signed {version.tag} with the key {key.public.fingerprint}: {path}")
    return 0
