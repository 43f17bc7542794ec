"""What is in an image, as a CycloneDX SBOM: Python and Debian packages, and the model.

The list is read from the image itself, so it names what is there and not what was asked for.
"""

import email
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.engine import call, inspect
from slipway.store import GRAPH, PIPELINE, SUMS, Version, by_name

# Runs inside of the image, where nothing of ours can be relied on but Python.
_READ = """
import importlib.metadata as m, json, platform
found = [(d.metadata["Name"], d.version, d.metadata.get("License-Expression")) for d in m.distributions()]
try:
    status = open("/var/lib/dpkg/status", encoding="utf-8").read()
except OSError:
    status = ""
print(json.dumps({"interpreter": platform.python_version(), "python": found, "debian": status}))
"""


def _component(name: str, version: str, purl: PackageURL, licence: str | None = None) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
        licenses=[LicenseExpression(licence)] if licence else None,
    )


def _python(found: list[list[str]]) -> Iterator[Component]:
    for name, version, licence in found:
        yield _component(
            name, version, PackageURL("pypi", name=name.lower().replace("_", "-"), version=version), licence
        )


def _debian(status: str) -> Iterator[Component]:
    for paragraph in status.split("\n\n"):
        package = email.message_from_string(paragraph.lstrip())
        if "installed" in (package["Status"] or "").split():
            name, version, arch = package["Package"], package["Version"], {"arch": package["Architecture"]}
            yield _component(name, version, PackageURL("deb", "debian", name, version, qualifiers=arch))


def _model(version: Version) -> Component:
    """The model, with the SHA-256 of what answers."""
    folder, file = (version.path, GRAPH) if version.engine == "onnx" else (version.pipeline.parent, PIPELINE)
    digest = by_name((folder / SUMS).read_text(encoding="utf-8"))[file]
    return Component(
        name=version.name,
        version=version.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=version.tag,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        properties=[Property(name="slipway:file", value=file)],
    )


def describe(engine: str, image: str, version: Version) -> Bom:
    """The bill of materials of a local image.

    Raises
    ------
    ContainerError
        If the image cannot be run.
    """
    read: dict[str, Any] = json.loads(
        call(engine, "run", "--rm", "--network", "none", "--entrypoint", "python", image, "-c", _READ)
    )
    digest = inspect(engine, image)["Id"].removeprefix("sha256:")
    name, _, tag = image.partition(":")
    # The same image has the same serial number.
    bom = Bom(serial_number=uuid5(UUID(digest[:32]), image))
    root = Component(
        name=name,
        version=tag,
        type=ComponentType.CONTAINER,
        bom_ref=image,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    bom.metadata.component = root
    interpreter = read["interpreter"]
    cpython = _component("python", interpreter, PackageURL("generic", name="python", version=interpreter))
    bom.components.update([_model(version), cpython, *_python(read["python"]), *_debian(read["debian"])])
    bom.register_dependency(root, bom.components)
    return bom


def write(engine: str, image: str, version: Version, path: Path) -> Path:
    """Write the bill of materials of an image as CycloneDX 1.6 JSON, and give its path back."""
    path.parent.mkdir(exist_ok=True)
    bom = describe(engine, image, version)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8")
    return path
