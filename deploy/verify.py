"""Who signed an image in a registry, and what is said of it: for whoever receives it.

    python -m deploy.verify IMAGE@DIGEST --key PUBLIC [--sbom FILE]

Checks the signature, the provenance and the SBOM against the digest, with one public key. `cosign verify --key PUBLIC
--insecure-ignore-tlog IMAGE@DIGEST` checks the same signature.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from deploy import attest, provenance
from deploy.engine import ContainerError
from deploy.registry import Repository
from slipway.cli.deploy.config import REPOSITORY
from slipway.errors import SlipwayError
from slipway.store.proof.keys import PublicKey, read_public_key

CYCLONEDX = "https://cyclonedx.org/bom"
"""The type of a statement whose predicate is an SBOM."""


def split(reference: str) -> tuple[str, str, str]:
    """Registry, repository and digest of an image.

    Raises
    ------
    ContainerError
        If it is not such an address, with a digest: a tag could be another image tomorrow.
    """
    registry, slash, rest = reference.partition("/")
    name, _, digest = rest.partition("@")
    if not (slash and re.fullmatch(REPOSITORY, name) and re.fullmatch(r"sha256:[0-9a-f]{64}", digest)):
        raise ContainerError(
            f"IMAGE is {reference[:200]!r}; expected registry/repository@sha256:…, as `make push` prints it"
        )
    return registry, name, digest


def check(reference: str, key: PublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """The provenance and the SBOM of an image in a registry, all signed by this key.

    Parameters
    ----------
    reference : str
        `registry/repository@sha256:…`
    key : PublicKey

    Returns
    -------
    provenance, sbom : dict

    Raises
    ------
    ContainerError
        If there is no such image, or what belongs to it is missing or was not signed by this key.
    """
    registry, name, digest = split(reference)
    with Repository(registry, name) as repository:
        if repository.manifest(digest) is None:
            raise ContainerError(
                f"{registry}/{name} has no image {digest}; look at what was pushed, and into which repository"
            )
        signatures = attest.parts(repository, digest, "sig")
        attestations = attest.parts(repository, digest, "att")
    if not any(attest.signs(one, key, digest) for one in signatures):
        found = "its signatures are of other keys or other images" if signatures else "it has no signature"
        raise ContainerError(f"{reference} is not signed with {key.name}: {found}; do not run it")
    stated = [said for one in attestations if (said := attest.stated(one, key, digest))]
    by_type = {said["predicateType"]: said["predicate"] for said in stated}
    for kind, what in ((provenance.PREDICATE_TYPE, "provenance"), (CYCLONEDX, "SBOM")):
        if kind not in by_type:
            raise ContainerError(f"{reference} has no {what} that is signed with {key.name}; push it again with --key")
    return by_type[provenance.PREDICATE_TYPE], by_type[CYCLONEDX]


def main() -> None:
    """Check, and say what is known."""
    parser = argparse.ArgumentParser(prog="python -m deploy.verify", description=__doc__.splitlines()[0])
    parser.add_argument("image", metavar="IMAGE@DIGEST")
    parser.add_argument("--key", required=True, type=Path, help="the public key in PEM")
    parser.add_argument("--sbom", type=Path, metavar="FILE", help="write the SBOM into this file")
    arguments = parser.parse_args()
    try:
        key = read_public_key(arguments.key)
        found, bill = check(arguments.image, key)
        if arguments.sbom:
            arguments.sbom.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    except (SlipwayError, OSError) as exc:
        sys.exit(f"slipway: {exc}")
    definition, run = found["buildDefinition"], found["runDetails"]
    print(f"signed with {key.name} ({key.fingerprint[:16]}…): {arguments.image}")
    print(f"model       {definition['externalParameters']['model']}")
    print(f"code        {definition['externalParameters']['revision']}")
    for one in definition["resolvedDependencies"]:
        for algorithm, value in one.get("digest", {}).items():
            print(f"made from   {one['name']}  {algorithm}:{value}")
    print(f"built by    {run['builder']['id']}  {run.get('metadata', {}).get('invocationId', '')}".rstrip())
    print(f"SBOM        {len(bill['components'])} components, read from the image")


if __name__ == "__main__":
    main()
