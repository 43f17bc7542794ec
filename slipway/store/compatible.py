"""Whether a pickled pipeline can be read with the packages that are installed."""

import importlib.metadata
import platform

from slipway.errors import ModelIncompatibleError
from slipway.store.versions import Version


def _installed(package: str) -> str:
    if package == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def check_compatible(version: Version) -> None:
    """Refuse a natively served version that was pickled with other packages than are installed.

    Pickles of scikit-learn promise nothing across versions; a bug-fix release (the third
    number) is let through, and the golden rows then show whether it still answers the same.
    """
    differences = [
        f"{package} {made} (here {_installed(package)})"
        for package, made in version.summary.packages.items()
        if made.split(".")[:2] != _installed(package).split(".")[:2]
    ]
    if version.engine == "native" and differences:
        raise ModelIncompatibleError(version.tag, differences)
