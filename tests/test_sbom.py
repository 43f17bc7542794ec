"""What an SBOM says of packages, as far as no image is needed; the rest is in tests/image."""

import hashlib

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import inside, licences, sbom
from deploy.engine import ContainerError
from deploy.image import date_of

BSD = "Redistribution and use in source and binary forms, with or without modification, are permitted"
APACHE, OPEN = "License :: OSI Approved :: Apache Software License", "License :: OSI Approved"
STATUS = """Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.16-1)
Version: 3.0.16-1+b1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1"""
RELEASE = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}


def names(found) -> list[str]:
    return [getattr(one, "value", None) or one.id or f"? {one.name}" for one in found]


@pytest.mark.parametrize(
    ("expression", "field", "classifiers", "texts", "expected"),
    [
        ("MPL-2.0 AND MIT", "", [], [], ["MPL-2.0 AND MIT"]),
        (None, "MIT", [], [], ["MIT"]),
        (None, "The MIT License", [], [], ["MIT"]),
        (None, "Apache License 2.0", [], [], ["Apache-2.0"]),
        (None, "", [f"{OPEN} :: MIT License"], [], ["MIT"]),
        (None, "MIT License", [APACHE, f"{OPEN} :: MIT License"], ["Apache License, Version 2.0"], ["Apache-2.0", "MIT"]),
        (None, "", [f"{OPEN} :: BSD License"], [f"{BSD} … Neither the name of"], ["BSD-3-Clause"]),
        (None, "BSD", [f"{OPEN} :: BSD License"], [BSD], ["BSD-2-Clause"]),
        (None, "BSD", [f"{OPEN} :: BSD License"], [], ["? BSD License"]),
        (None, "", [APACHE], [], ["? Apache Software License"]),
        (None, "Apache", [], [], ["? unknown"]),
        (None, "", [], [], ["? unknown"]),
    ],
)  # fmt: skip
def test_the_licence_of_a_python_package_is_what_it_says_and_no_guess(expression, field, classifiers, texts, expected):
    package = {"expression": expression, "license": field, "classifiers": classifiers, "texts": texts}

    assert names(licences.of_python(package)) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["GPL-2+", "Expat"], ["GPL-2.0-or-later", "MIT"]),
        (["GPL-1+ or Artistic"], ["Artistic-1.0", "GPL-1.0-or-later"]),
        (["LGPL-2.1", "BSD-3-clause OR Zlib"], ["BSD-3-Clause", "LGPL-2.1-only", "Zlib"]),
        (["GPL-3+ with Bison exception"], ["? GPL-3+ with Bison exception"]),
        ([], ["? unknown"]),
    ],
)
def test_the_licences_of_a_debian_package_are_those_of_its_files(found, expected):
    assert names(licences.of_debian({"licenses": found})) == expected


def test_a_debian_package_names_its_release_source_and_files(tmp_path, monkeypatch):
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "libssl3:amd64.md5sums").write_text("0" * 32 + "  usr/lib/libssl.so.3\n")
    monkeypatch.setattr(inside, "DPKG", tmp_path)
    installed, gone = (inside.debian(paragraph) for paragraph in STATUS.split("\n\n"))

    (component,) = sbom._debian([installed], RELEASE)

    sums = (tmp_path / "info" / "libssl3:amd64.md5sums").read_bytes()
    assert gone is None
    assert component.purl.to_string().startswith("pkg:deb/debian/libssl3@3.0.16-1")
    assert component.purl.qualifiers == {"arch": "amd64", "distro": "debian-12", "upstream": "openssl@3.0.16-1"}
    assert {one.name: one.value for one in component.properties} == {
        "aquasecurity:trivy:SrcName": "openssl",
        "aquasecurity:trivy:SrcVersion": "3.0.16-1",
        "slipway:list": str(tmp_path / "info" / "libssl3:amd64.md5sums"),
    }
    assert [one.content for one in component.hashes] == [hashlib.sha256(sums).hexdigest()]


def test_a_pushed_image_is_named_by_its_digest_and_valid_by_the_schema(monkeypatch):
    labels = {
        "org.opencontainers.image.title": "m",
        "org.opencontainers.image.version": "1",
        "org.opencontainers.image.created": "2026-11-27T09:59:03+00:00",
        "slipway.engine": "onnx",
    }
    read = '{"python": "3.11.2", "executable": ["/usr/bin/python3.11", "%s"], "release": {}, "distributions": [], "debian": [], "models": {"m/1/SHA256SUMS": "%s  model.onnx\\n"}}'
    monkeypatch.setattr(sbom, "call", lambda *_: read % ("a" * 64, "b" * 64))
    monkeypatch.setattr(sbom, "inspect", lambda *_: {"Id": "c" * 64, "Config": {"Labels": labels}})
    pushed = f"r.example/team/m@sha256:{'d' * 64}"

    local, made, again = (sbom.as_json(sbom.describe("podman", "m:1", where)) for where in (None, pushed, pushed))

    root = sbom.describe("podman", "m:1", pushed).metadata.component
    assert made == again and JsonStrictValidator(SchemaVersion.V1_6).validate_str(made) is None
    assert [one.content for one in root.hashes] == ["d" * 64] and root.purl.type == "oci"
    assert "c" * 64 in local and "c" * 64 not in made


def test_source_date_epoch_replaces_the_commits_date(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert date_of("README.md") == date_of() == 1_700_000_000

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ContainerError, match="SOURCE_DATE_EPOCH is 'yesterday'; expected seconds since 1970"):
        date_of()
