"""Runs inside an image, as `python -c`, where nothing of ours can be relied on: prints what it finds there as JSON.

Only the standard library, and nothing is imported from the packages that it lists.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

DPKG = Path("/var/lib/dpkg")
MODELS = Path(os.environ.get("BENTO_PATH", "/home/bentoml/bento"), "models")
_WITH_TEXT = 20_000
"""Characters of a licence's text, in which its name is."""


def sha256(path: Path) -> str:
    """A file's SHA-256, or nothing if there is no such file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def text(path: Path) -> str:
    """A file's text, or nothing if there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def distribution(found: importlib.metadata.Distribution) -> dict[str, Any]:
    """A Python package: what it says of itself, and the SHA-256 of the list of its files."""
    meta = found.metadata
    own = [one for one in found.files or [] if one.parts[0].endswith(".dist-info")]
    record = next((Path(str(one.locate())) for one in own if one.name == "RECORD"), Path("RECORD"))
    named = sorted(str(one.locate()) for one in own if re.match(r"(?i)(.*licen[cs]e|copying)", one.name))
    texts = [text(Path(one)) for one in named]
    return {
        "name": meta["Name"],
        "version": found.version,
        "expression": meta["License-Expression"] if "License-Expression" in meta else None,
        "license": meta["License"] if "License" in meta else "",
        "classifiers": [one for one in meta.get_all("Classifier") or [] if one.startswith("License ::")],
        "texts": [one[:_WITH_TEXT] for one in texts],
        "list": str(record),
        "sha256": sha256(record),
    }


def debian(paragraph: str) -> dict[str, Any] | None:
    """A Debian package, from its paragraph in dpkg's status; None if it is not installed."""
    fields = dict(re.findall(r"(?m)^(Package|Status|Version|Architecture|Source): *(.+)$", paragraph))
    if "installed" not in fields.get("Status", "").split():
        return None
    name, arch = fields["Package"], fields["Architecture"]
    lists = [DPKG / "info" / f"{one}.md5sums" for one in (name, f"{name}:{arch}")]
    found = next((path for path in lists if path.exists()), lists[0])
    copyright = text(Path("/usr/share/doc", name, "copyright"))
    return {
        "name": name,
        "version": fields["Version"],
        "arch": arch,
        "source": fields.get("Source", name),
        # Machine-readable only, see https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
        "licenses": re.findall(r"(?m)^License:[ \t]*(\S.*)$", copyright) if copyright.startswith("Format") else [],
        "list": str(found),
        "sha256": sha256(found),
    }


def main() -> None:
    """Print it."""
    packages = [debian(paragraph) for paragraph in text(DPKG / "status").split("\n\n")]
    found = {
        "python": platform.python_version(),
        "executable": [os.path.realpath(sys.executable), sha256(Path(os.path.realpath(sys.executable)))],
        "release": dict(re.findall(r'(?m)^(\w+)="?([^"\n]*)"?$', text(Path("/etc/os-release")))),
        "distributions": [distribution(one) for one in importlib.metadata.distributions()],
        "debian": [one for one in packages if one],
        "models": {str(path.relative_to(MODELS)): text(path) for path in sorted(MODELS.glob("*/*/SHA256SUMS"))},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
