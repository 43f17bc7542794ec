"""What a version's model.yaml says of it, in BentoML's labels and metadata: enough to list versions without their files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import bentoml
from pydantic import TypeAdapter, ValidationError

from slipway.errors import ModelDamagedError

LABELS = ("task", "estimator", "engine")
"""What `bentoml models list` can be asked by."""


@dataclass(frozen=True)
class Summary:
    """A version in a few words. `packages` are those that its pipeline was fitted with, by name.

    `format` is the format of its files, see `slipway.store.artifacts`; 1 where none is named.
    """

    task: str
    estimator: str
    engine: str
    target: str
    metric: str
    score: float
    packages: dict[str, str]
    data_sha256: str = ""
    format: int = field(default=1, kw_only=True)

    @property
    def labels(self) -> dict[str, str]:
        """BentoML's labels of the version."""
        return {name: getattr(self, name) for name in LABELS}

    @property
    def metadata(self) -> dict[str, Any]:
        """BentoML's metadata of the version."""
        return {name: value for name, value in asdict(self).items() if name not in LABELS}

    @classmethod
    def of(cls, model: bentoml.Model) -> "Summary":
        """What the model.yaml of a version says.

        Raises
        ------
        ModelDamagedError
            With the first key that is missing or holds something else.
        """
        return cls.read(str(model.tag), model.info.labels, model.info.metadata)

    @classmethod
    def read(cls, tag: str, labels: Mapping[str, Any], metadata: Mapping[str, Any]) -> "Summary":
        """As `of`, of what BentoML has read of the model.yaml of a version, or somebody else."""
        try:
            return _adapter().validate_python({**labels, **metadata})
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ModelDamagedError(tag, f"model.yaml: {where}: {first['msg']}") from exc


@cache
def _adapter() -> TypeAdapter[Summary]:
    """Built once: a list of versions checks as many summaries."""
    return TypeAdapter(Summary)


def format_of(model: bentoml.Model) -> int:
    """The format of a version's files.

    Raises
    ------
    ModelDamagedError
        If what stands there is no number.
    """
    format = model.info.metadata.get("format", 1)
    if isinstance(format, bool) or not isinstance(format, int) or format < 1:
        raise ModelDamagedError(str(model.tag), f"model.yaml: format: {format!r} is not a whole number of at least 1")
    return format
