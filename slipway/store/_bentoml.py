"""All that Slipway takes from BentoML without its documentation promising it. Seen in BentoML 1.4.39 and 1.4.40.

Each function says why there is no public way. What it relies on has a test in tests/test_adapters.py, which says what
an upgrade has changed. Store, service and smoke test use it; nothing else imports a private module of BentoML.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from starlette.types import ASGIApp, Receive, Scope, Send

SERVER = "_bentoml_impl.server.app"
"""The module of BentoML's ASGI app, which it imports when a service becomes one."""
BUILD_STAGE = "base-container"
VIRTUAL_ENV = "/app/.venv"
"""What the Dockerfile of a bento calls its only stage, and where it installs packages: neither can be chosen."""
IMAGE_USER = ("bentoml", 1034)
"""The user, and its id, that the Dockerfile ends with."""
_ORIGINAL = "slipway.scope"


def store_folder() -> Path:
    """The folder of the model store; `bentoml.models` gives the models in it, not where it is."""
    return Path(BentoMLContainer.model_store.get()._path)


def use_store(folder: Path) -> None:
    """From now on this process has its models in `folder`; BENTOML_HOME is read once, when BentoML is imported."""
    BentoMLContainer.model_store.set(ModelStore(folder))


@contextmanager
def create_in(folder: Path, tag: str, labels: dict[str, str], metadata: dict[str, Any]) -> Iterator[Path]:
    """The folder of a new model of the store in `folder`; BentoML writes its model.yaml afterwards.

    `bentoml.models.create` documents no other store than the process's own, in which a model would be seen before
    it is complete.
    """
    with bentoml.models.create(tag, labels=labels, metadata=metadata, _model_store=ModelStore(folder)) as model:
        yield Path(model.path)


def read_do_not_track() -> None:
    """Have BENTOML_DO_NOT_TRACK read again: `bentoml serve` asks for it before a service can say so, and keeps the answer."""
    from bentoml._internal.utils.analytics import usage_stats

    usage_stats.do_not_track.cache_clear()


def traces_are_exported() -> bool:
    """Whether somebody has configured an exporter for traces; BentoML says nowhere what its configuration came to."""
    return bool(BentoMLContainer.tracing.exporter_type.get())


def label_paths(label: Callable[[str], str]) -> None:
    """Measure services of this process with `label(path)` where BentoML's HTTP metrics have the path as it came.

    There is no setting for it, its metrics lie outside of the middleware that a service may add, and without them
    there is no /metrics either: so another class takes the place of its middleware, which BentoML looks up when a
    service becomes an app.
    """
    from bentoml._internal.server.http import instruments

    instruments.RunnerTrafficMetricsMiddleware = partial(LabelledMetrics, middleware=_metrics(), label=label)


@cache
def _metrics() -> Any:
    """BentoML's own middleware, as it was before `label_paths` was called for the first time."""
    from bentoml._internal.server.http import instruments

    return instruments.RunnerTrafficMetricsMiddleware


class LabelledMetrics:
    """An ASGI middleware: BentoML's metrics are told another path, the service gets the one that came."""

    def __init__(
        self, app: ASGIApp, *arguments: Any, middleware: Any, label: Callable[[str], str], **keywords: Any
    ) -> None:
        async def unchanged(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope.get(_ORIGINAL, scope), receive, send)

        self._label = label
        self._measured = middleware(unchanged, *arguments, **keywords)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "path" in scope:
            scope = {**scope, "path": self._label(scope["path"]), _ORIGINAL: scope}
        await self._measured(scope, receive, send)


def import_server() -> None:
    """Import now what BentoML imports when a service starts."""
    import_module(SERVER)
