"""All that Slipway takes from BentoML without its documentation promising it. Seen in BentoML 1.4.39 and 1.4.40.

Each function says why there is no public way. What it relies on has a test in tests/test_adapters.py, which says what
an upgrade has changed. Store, service and smoke test use it; nothing else imports a private module of BentoML.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import bentoml
from _bentoml_sdk import Service
from bentoml._internal import log as server_log
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from starlette.middleware import Middleware
from starlette.types import ASGIApp

SERVER = "_bentoml_impl.server.app"
"""The module of BentoML's ASGI app, which it imports when a service becomes one."""
BUILD_STAGE = "base-container"
VIRTUAL_ENV = "/app/.venv"
"""What the Dockerfile of a bento calls its only stage, and where it installs packages: neither can be chosen."""
IMAGE_USER = ("bentoml", 1034)
"""The user, and its id, that the Dockerfile ends with."""


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


def tracer_provider() -> Any:
    """What makes spans as BentoML's configuration says, and sends them; made once in a process."""
    return BentoMLContainer.tracer_provider.get()


def use_log_formatter(formatter: type) -> None:
    """Have the log of a server written by another formatter, also in its workers.

    BentoML sets its log up anew in each of them, from a dictionary, and has no setting for it. Its filter, which finds out for
    each line what its own formatter writes, is left out.
    """
    server_log.SERVER_LOGGING_CONFIG["formatters"]["traced"] = {"()": formatter}
    server_log.SERVER_LOGGING_CONFIG["handlers"]["tracehandler"]["filters"] = []
    if any(handler.name == "tracehandler" for handler in logging.getLogger().handlers):
        server_log.configure_server_logging()


def default_address() -> tuple[str, int]:
    """Host and port on which `bentoml serve` listens without `--host` and `--port`: nowhere but in its configuration."""
    return str(BentoMLContainer.http.host.get()), int(BentoMLContainer.http.port.get())


def component_name() -> str:
    """What BentoML calls this process in its log: `entry_service:insurance:1`; found once in a process."""
    return str(server_log._component_name())


def http_metrics() -> tuple[str, tuple[float, ...]]:
    """What BentoML's configuration says of its HTTP metrics: how their names begin, and the buckets of durations.

    BentoML's own middleware is not used: it labels them with the path as it came, and counts nothing that is answered in
    front of it.
    """
    namespace: str = BentoMLContainer.api_server_config.metrics.namespace.get()
    buckets: tuple[float, ...] = BentoMLContainer.duration_buckets.get()
    return namespace, buckets


def _without_time_limit(app: Any) -> Any:
    """BentoML's app without its time limit, which cannot be left out: ours (`slipway.service.deadline`) is in front of it.

    Where an app fails before it answers, as after a client has hung up, BentoML's waits for the whole time, and so does a stop.
    """
    kept = [middleware for middleware in app.user_middleware if middleware.cls is not TimeoutMiddleware]
    if len(kept) == len(app.user_middleware):
        raise RuntimeError("BentoML has no time limit to leave out")
    app.user_middleware = kept
    return app


def put_in_front(service: Any, chain: Sequence[Middleware], begin: Callable[[], None]) -> None:
    """Let requests pass a chain of middlewares, the outermost first, before BentoML's own app of the service.

    `begin` is called in the process that is about to serve it, which may have made the services of other versions, too.

    `add_asgi_middleware` puts one inside of BentoML's metrics, traces and time limit, which cost more than a prediction.
    """

    class InFront(type(service)):  # type: ignore[misc]
        __slots__ = ()

        def to_asgi(self, is_main: bool = True) -> ASGIApp:
            begin()
            app: ASGIApp = _without_time_limit(super().to_asgi(is_main))
            for cls, arguments, keywords in reversed(chain):
                app = cls(app, *arguments, **keywords)
            return app

    service.__class__ = InFront


def use_supervisor(make: Callable[..., Any]) -> None:
    """Have `bentoml serve` of this process look after its workers with `make(watchers, sockets)`.

    BentoML has no setting for it: it makes circus's arbiter, of which it uses `exit_stack`, `start(cb)` and `stop()`.
    With `--reload` and `--development`, which need circus, nothing changes.
    """
    from bentoml._internal.utils import circus

    original = circus.Arbiter

    def arbiter(watchers: list[Any], *, sockets: list[Any], **options: Any) -> Any:
        if options.get("plugins") or options.get("debug"):
            return original(watchers, sockets=sockets, **options)
        return make(watchers, sockets)

    circus.Arbiter = arbiter


def run_worker(arguments: list[str]) -> None:
    """In a fork of the supervisor: be the worker that `python ARGUMENTS` would be; they are `-m MODULE …`.

    What BentoML has set up for the logs of the supervisor is no matter of the worker's.
    """
    server_log._component_name.cache_clear()
    server_log.SERVER_LOGGING_CONFIG["disable_existing_loggers"] = False
    _, module, *rest = arguments
    import_module(module).main.main(rest, standalone_mode=False)


def import_server() -> None:
    """Import now what BentoML imports when a service starts."""
    import_module(SERVER)


def replace_service(service: Any) -> None:
    """From now on this process, a fork of the supervisor, serves another service than the one that was imported.

    BentoML finds it as an attribute of a module, by the name of its class.
    """
    name = service.inner.__name__
    for module in list(sys.modules.values()):
        if isinstance(vars(module).get(name), Service):
            setattr(module, name, service)
