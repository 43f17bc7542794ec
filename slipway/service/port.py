"""Whether the port of a server is free."""

import os
import socket

import click

from slipway.errors import SlipwayError
from slipway.store._bentoml import default_address


def listening() -> tuple[str | None, int | None]:
    """Host and port on which `bentoml serve` is asked to listen; None where it is another command.

    They are options of its command line, which knows them. Without them, as in an image, it takes those of its configuration.
    """
    context = click.get_current_context(silent=True)
    if context is None or not {"host", "port"} <= context.params.keys():
        return None, None
    host, port = default_address()
    asked_host, asked_port = context.params["host"], context.params["port"]
    return (host if asked_host is None else asked_host), (port if asked_port is None else asked_port)


def check_port() -> None:
    """Check that the port can be listened on, before workers are started for it.

    BentoML would fail with some fifty lines.

    Raises
    ------
    SlipwayError
        With what is in the way.
    """
    host, port = listening()
    if host is None or port is None:
        return
    _try(
        host,
        port,
        f"stop what does (`lsof -i :{port}`), or take another port (`make serve PORT=3001`, `slipway serve MODEL --port 3001`)",
    )


def check_metrics_port(host: str, port: int) -> None:
    """Check that SLIPWAY_METRICS_PORT can be listened on.

    Raises
    ------
    SlipwayError
        With what is in the way.
    """
    _try(host, port, f"stop what does (`lsof -i :{port}`), or set SLIPWAY_METRICS_PORT to a free one")


def _try(host: str, port: int, remedy: str) -> None:
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(address[0], address[1]) as probe:
            if os.name == "posix":  # elsewhere it would let two listen
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address[4])
            probe.listen()  # binding alone succeeds where another has bound and listens later
    except (OSError, OverflowError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise SlipwayError(f"nobody can listen on port {port} of {host}: {reason}; {remedy}") from exc
