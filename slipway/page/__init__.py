"""The page: a folder for each tab and one for what is around them.

`app.py` puts them together, `server.py` mounts them on the service.
"""

from typing import Any

from slipway.page.gradio_import import without_stubs

without_stubs()  # before any module of this folder imports Gradio

# Unqueued, so that any worker can answer any event. `always_last`: while one answer is under
# way, only the newest change waits for the next, so an older answer never comes after a newer.
LIVE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
}
