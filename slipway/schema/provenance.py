"""Where a version is from: the type of `provenance.json`.

The SHA-256 of the training table is in `metrics.json`, the use case in `usecase.json`. What is not known is None.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Code:
    """The code that trained.

    `sha256` identifies the files of the package, see `slipway.publish.provenance.source_digest`. `commit` is that of git, of a
    clone or of `pip install git+…`; None for any other installation. `changed` says that a clone had other files than its commit.
    """

    version: str
    sha256: str
    commit: str | None = None
    changed: bool = False


@dataclass(frozen=True)
class Lock:
    """The locked requirements of training; `differs` has what was installed otherwise, as `numpy 1.26.3`."""

    file: str
    sha256: str
    differs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """What trained a version: code, Python, system and packages. `lock` is None where there is no clone of the repository."""

    code: Code
    python: str
    platform: str
    lock: Lock | None = None
    packages: dict[str, str] = field(default_factory=dict)
