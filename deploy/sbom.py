"""What is in an image, as a CycloneDX SBOM: the operating system, Debian and Python packages, and the model.

The list is read from the image itself, so it names what is there and not what was asked for. A component's hash is that of the
list of its files, which has a hash of each: Python's RECORD (SHA-256) and Debian's md5sums. The property `slipway:list` names it.
"""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy import licences
from deploy.engine import ContainerError, call, inspect
from slipway.store import GRAPH, PIPELINE, by_name
from slipway.store.versions import PIPELINE_SUFFIX

MEDIA_TYPE = "application/vnd.cyclonedx+json"
_INSIDE = Path(__file__).with_name("inside.py")


def _sha256(content: str) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=content)] if content else []


def _component(
    found: dict[str, Any], purl: PackageURL, named: list[licences.License], *properties: tuple[str, str]
) -> Component:
    """A package, as `deploy.inside` found it."""
    listed = [("slipway:list", found["list"])] if found["sha256"] else []
    return Component(
        name=found["name"],
        version=found["version"],
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=named,
        hashes=_sha256(found["sha256"]),
        properties=[Property(name=name, value=value) for name, value in (*properties, *listed)],
    )


def _python(found: list[dict[str, Any]]) -> Iterator[Component]:
    for package in found:
        purl = PackageURL("pypi", name=package["name"].lower().replace("_", "-"), version=package["version"])
        yield _component(package, purl, licences.of_python(package))


def _debian(found: list[dict[str, Any]], release: dict[str, str]) -> Iterator[Component]:
    """Debian's packages, with the release and the source package: vulnerabilities are listed by those.

    Grype reads both from the package's address (`distro`, `upstream`), Trivy the source from properties.
    """
    for package in found:
        source, _, version = package["source"].partition(" ")
        version = version.strip("()") or package["version"]
        origin = {} if source == package["name"] else {"upstream": source}
        if version != package["version"]:
            origin = {"upstream": f"{source}@{version}"}
        where = {"arch": package["arch"], "distro": f"{release['ID']}-{release['VERSION_ID']}", **origin}
        purl = PackageURL("deb", release["ID"], package["name"], package["version"], qualifiers=where)
        properties = (("aquasecurity:trivy:SrcName", source), ("aquasecurity:trivy:SrcVersion", version))
        yield _component(package, purl, licences.of_debian(package), *properties)


def _system(release: dict[str, str]) -> Component:
    name, version = release["ID"], release["VERSION_ID"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=f"{name}-{version}",
        description=release.get("PRETTY_NAME"),
        licenses=[DisjunctiveLicense(name="those of its packages")],
    )


def _interpreter(version: str, executable: list[str]) -> Component:
    found = {"name": "python", "version": version, "list": executable[0], "sha256": executable[1]}
    return _component(
        found, PackageURL("generic", name="python", version=version), [DisjunctiveLicense(id="Python-2.0")]
    )


def _model(labels: dict[str, str], sums: dict[str, str]) -> Component:
    """The model, with the SHA-256 of what answers."""
    name, version = labels["org.opencontainers.image.title"], labels["org.opencontainers.image.version"]
    suffix, file = ("", GRAPH) if labels["slipway.engine"] == "onnx" else (PIPELINE_SUFFIX, PIPELINE)
    digest = by_name(sums[f"{name}{suffix}/{version}/SHA256SUMS"])[file]
    return Component(
        name=name,
        version=version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"{name}:{version}",
        hashes=_sha256(digest),
        licenses=licences.unknown(),
        properties=[Property(name="slipway:file", value=file)],
    )


def _root(image: str, image_id: str, pushed: str | None) -> Component:
    """The image: by its digest once it has one, which is when it has been pushed; the engine's own id is another."""
    name, _, tag = image.rpartition("/")[2].partition(":")
    if pushed is None:
        properties = [Property(name="slipway:image-id", value=image_id)]
        return Component(name=name, version=tag, type=ComponentType.CONTAINER, bom_ref=image, properties=properties)
    repository, _, digest = pushed.partition("@")
    short = repository.rpartition("/")[2]
    return Component(
        name=repository,
        version=digest,
        type=ComponentType.CONTAINER,
        bom_ref=pushed,
        purl=PackageURL.from_string(
            f"pkg:oci/{short}@{quote(digest, safe='')}?repository_url={quote(repository, safe='')}"
        ),
        hashes=_sha256(digest.removeprefix("sha256:")),
    )


def describe(engine: str, image: str, pushed: str | None = None) -> Bom:
    """The bill of materials of a local image of ours.

    Parameters
    ----------
    engine, image : str
    pushed : str, optional
        `registry/repository@sha256:…`, if it is in a registry.

    Returns
    -------
    Bom
        The same image has the same one.

    Raises
    ------
    ContainerError
        If the image cannot be run, or is none of ours.
    """
    inspected = inspect(engine, image)
    labels = inspected["Config"]["Labels"]
    script = _INSIDE.read_text(encoding="utf-8")
    output = call(engine, "run", "--rm", "--network", "none", "--entrypoint", "python", image, "-c", script)
    read: dict[str, Any] = json.loads(output)
    release = {"ID": "linux", "VERSION_ID": "unknown", **read["release"]}
    image_id = inspected["Id"].removeprefix("sha256:")
    bom = Bom(serial_number=uuid5(UUID(image_id[:32]), pushed or image))
    root = _root(image, image_id, pushed)
    bom.metadata.component = root
    try:
        bom.metadata.timestamp = dt.datetime.fromisoformat(labels["org.opencontainers.image.created"])
        model = _model(labels, read["models"])
    except KeyError as exc:
        raise ContainerError(f"{image} has no {exc}; build it with `make image`") from None
    bom.components.update(
        [
            _system(release),
            model,
            _interpreter(read["python"], read["executable"]),
            *_python(read["distributions"]),
            *_debian(read["debian"], release),
        ]
    )
    bom.register_dependency(root, bom.components)
    return bom


def as_json(bom: Bom) -> str:
    """A bill of materials as CycloneDX 1.6 JSON."""
    return str(JsonV1Dot6(bom).output_as_string(indent=1)) + "\n"


def write(engine: str, image: str, path: Path) -> Path:
    """Write the bill of materials of an image as CycloneDX 1.6 JSON, and give its path back."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(as_json(describe(engine, image)), encoding="utf-8")
    return path
