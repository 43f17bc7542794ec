"""Which licences a package has, as SPDX names them, from what it says of itself. What it does not say is not guessed.

Sources: the classifiers of https://pypi.org/classifiers/, the short names of
https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name, and https://spdx.org/licenses/.
"""

import re
from collections.abc import Iterable
from typing import Any

from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.spdx import fixup_id, is_expression

UNKNOWN = "unknown"
"""The licence of what names none."""

License = DisjunctiveLicense | LicenseExpression

# What people write into the field `License` of a Python package, without "license" and "the". "Apache" alone names no version.
_WRITTEN = {
    "mit": "MIT",
    "isc": "ISC",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache version 2.0": "Apache-2.0",
    "apache software 2.0": "Apache-2.0",
    "3-clause bsd": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "psf": "PSF-2.0",
    "mpl 2.0": "MPL-2.0",
}

# Classifiers that say which version is meant. "BSD License" and "Apache Software License" do not.
_CLASSIFIED = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "zlib/libpng License": "Zlib",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}

# Debian's short names where SPDX has another one.
_DEBIAN = {
    "Expat": "MIT",
    "Artistic": "Artistic-1.0",
    "ZLIB": "Zlib",
    "BSD-3-clause": "BSD-3-Clause",
    "BSD-2-clause": "BSD-2-Clause",
    "BSD-4-clause": "BSD-4-Clause",
    "Apache-2": "Apache-2.0",
}


_JOINED = re.compile(r"(?i)(?:^|[\s,]+)(?:and/or|or|and)\s+|\s*,\s*")


def of_python(package: dict[str, Any]) -> list[License]:
    """The licences of a Python package, as `deploy.inside` finds it: its SPDX expression, else what its field, classifiers and texts agree on."""
    if package["expression"] and is_expression(package["expression"]):
        return [LicenseExpression(package["expression"])]
    classified = [one.rpartition(" :: ")[2] for one in package["classifiers"] if one.count(" :: ") > 1]
    written = _written(package["license"])
    if len(classified) < 2 and written:
        return _listed([written])
    exact = [_CLASSIFIED[one] for one in classified if one in _CLASSIFIED]
    vague = [one for one in classified if one not in _CLASSIFIED]
    texts = [found for one in (package["license"], *package["texts"]) if (found := _recognized(one))]
    return _listed([*exact, *(texts if vague or not exact else [])] or vague)


def of_debian(package: dict[str, Any]) -> list[License]:
    """All licences of a Debian package's files, one by one: its copyright file says which file has which."""
    names = {part.strip() for one in package["licenses"] for part in _JOINED.split(one)}
    return _listed(_spdx(name) for name in names if name)


def unknown() -> list[License]:
    """What stands for a licence that is not named."""
    return [DisjunctiveLicense(name=UNKNOWN)]


def _listed(names: Iterable[str]) -> list[License]:
    found: list[License] = []
    for name in sorted(set(names)):
        known = fixup_id(name)
        found.append(DisjunctiveLicense(id=known) if known else DisjunctiveLicense(name=name))
    return found or unknown()


def _written(field: str) -> str | None:
    """The licence that the field `License` names, if it names one that can be told."""
    if fixup_id(field.strip()):
        return fixup_id(field.strip())
    first = field.strip().partition("\n")[0].lower()
    words = re.sub(r"\b(the|license|licence|licensed|under)\b|[,.](?=\s|$)", " ", first)
    return _WRITTEN.get(" ".join(words.split()))


def _recognized(text: str) -> str | None:
    """The licence whose text this is, of those that classifiers leave open."""
    words = " ".join(text.split()).lower()
    if "apache license version 2.0" in words.replace(",", ""):
        return "Apache-2.0"
    if "redistribution and use in source and binary forms" in words:
        clauses = "neither the name" in words or "may not be used to endorse" in words
        return "BSD-3-Clause" if clauses else "BSD-2-Clause"
    if "permission is hereby granted, free of charge, to any person obtaining a copy" in words:
        return "MIT"
    return None


def _spdx(name: str) -> str:
    """Debian's short name of a licence as SPDX has it: `GPL-2+` is `GPL-2.0-or-later`.

    >>> _spdx("LGPL-2.1+")
    'LGPL-2.1-or-later'
    """
    if name in _DEBIAN:
        return _DEBIAN[name]
    gnu = re.fullmatch(r"([AL]?GPL|GFDL)-(\d)(?:\.(\d))?(\+?)", name)
    if gnu:
        family, major, minor, later = gnu.groups()
        spdx = f"{family}-{major}.{minor or '0'}-{'or-later' if later else 'only'}"
        return spdx if fixup_id(spdx) else name
    return name
