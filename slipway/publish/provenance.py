"""What is known, at training, of the code and the packages that train: `provenance.json` of a version.

Nothing is guessed: where there is no clone, or no git to ask, there is no commit.
"""

import hashlib
import json
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from slipway import __version__
from slipway.schema.provenance import Code, Lock, Provenance

PACKAGE = Path(__file__).parents[1]
ROOT = PACKAGE.parent
LOCK = "requirements/train.txt"
"""The requirements that training needs, locked; requirements/dev.txt has the same and what tests need."""
SECONDS = 30
"""After which git is not waited for any more."""


def collect() -> Provenance:
    """The code and the packages of this process.

    Returns
    -------
    Provenance
    """
    packages = installed()
    commit, changed = _commit()
    return Provenance(
        code=Code(__version__, source_digest(), commit, changed),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        lock=_lock(packages),
        packages=packages,
    )


def source_digest(package: Path = PACKAGE) -> str:
    """The SHA-256 of the sums of a package's files, as a shell computes it in the folder above:

    `find slipway -type f -not -path '*/__pycache__/*' | LC_ALL=C sort | xargs sha256sum | sha256sum`.
    """
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    names = {path.relative_to(package.parent).as_posix(): path for path in files}
    lines = [f"{hashlib.sha256(names[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def installed() -> dict[str, str]:
    """The version of every installed package, by its normalised name."""
    found: dict[str, str] = {}
    for one in metadata.distributions():
        # setuptools puts what it carries along onto the path; of two of a name Python imports the first.
        if (name := one.metadata["Name"]) and "_vendor" not in str(one.locate_file("")):
            found.setdefault(_normalised(name), one.version)
    return dict(sorted(found.items()))


def _normalised(name: str) -> str:
    """A package's name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _commit() -> tuple[str | None, bool]:
    """The commit of the code, and whether files differ from it."""
    if (_git("rev-parse", "--show-toplevel") or "").strip() == str(ROOT.resolve()):
        commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", "slipway", "requirements")
        return (commit or "").strip() or None, bool(changed)
    try:  # PEP 610: what pip was told to install
        told = json.loads(metadata.distribution("slipway-ml").read_text("direct_url.json") or "{}")
        return told.get("vcs_info", {}).get("commit_id"), False
    except (metadata.PackageNotFoundError, ValueError):
        return None, False


def _git(*arguments: str) -> str | None:
    """What git says of the folder above the package; None if it says nothing of it."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 (a list, no shell)
            [git, "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=SECONDS
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _lock(packages: dict[str, str]) -> Lock | None:
    """The locked requirements of a clone, and what is installed otherwise."""
    try:
        content = (ROOT / LOCK).read_bytes()
    except OSError:
        return None
    pinned: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\\n]+)", content.decode("utf-8", "replace"), re.M):
        pinned.setdefault(name, set()).add(version)
    differs = [
        f"{name} {version}" for name, version in packages.items() if name in pinned and version not in pinned[name]
    ]
    return Lock(LOCK, hashlib.sha256(content).hexdigest(), tuple(differs))
