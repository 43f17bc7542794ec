"""Prints every route of the real app, one a line: kind, methods, path. In a process of its own: BentoML has one app in each."""

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.routing import WebSocketRoute


def routes(found: Iterable[Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Routes with those of mounted apps and included routers."""
    for route in found:
        path = before + getattr(route, "path", "")
        if router := getattr(route, "original_router", None):  # of FastAPI, which includes routers as a whole
            yield from routes(router.routes, before + route.include_context.prefix)
            continue
        inner = getattr(route, "app", None) or getattr(route, "endpoint", None)
        below = getattr(route, "routes", None) or getattr(inner, "routes", None)
        if below and not getattr(route, "methods", None):
            yield from routes(below, path)
        else:
            is_socket = isinstance(route, WebSocketRoute) or type(route).__name__ == "APIWebSocketRoute"
            kind = "websocket" if is_socket else "http" if getattr(route, "methods", None) else "mount"
            yield kind, ",".join(sorted(getattr(route, "methods", None) or ())), path


def app() -> Any:
    """BentoML's app, without what is in front of it, and with the page."""
    from slipway.page import server
    from slipway.page.app import mount

    found = server.Slipway.to_asgi()
    while not hasattr(found, "routes"):
        found = found.app
    page = next(route for route in found.routes if getattr(route, "path", "") == "/ui")
    page.app.routes.extend(mount(server._served).routes)
    return found


if __name__ == "__main__":
    for line in routes(app().routes):
        print("\t".join(line))
