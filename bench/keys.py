"""What an API key costs a call: the check in process, beside the same middleware that asks nobody.

python -m bench.keys
"""

import asyncio
import tempfile
import time
from pathlib import Path

from starlette.types import Receive, Scope, Send

from slipway.service.access.callers import Scope as KeyScope
from slipway.service.access.key_file import add_key
from slipway.service.access.keys import ApiKeys
from slipway.service.access.middleware import Access

CALLS = 100_000


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that costs nothing."""


async def microseconds(app: Access, headers: list[tuple[bytes, bytes]], calls: int) -> float:
    """The mean time of a call."""
    started = time.perf_counter()
    for _ in range(calls):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "headers": headers,
            "state": {},
            "query_string": b"",
        }
        await app(scope, None, None)  # type: ignore[arg-type]
    return 1e6 * (time.perf_counter() - started) / calls


async def main() -> None:
    """Print the costs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys.json"
        made = [add_key(file, f"key-{number}", frozenset(KeyScope)) for number in range(20)]
        headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {made[7]}".encode())]
        asking, open_to_all = Access(nothing, [ApiKeys(file)]), Access(nothing, [])
        print(f"nobody asked      {await microseconds(open_to_all, headers, CALLS):8.1f} µs a call")
        print(f"first call of key {await microseconds(asking, headers, 1):8.1f} µs, once in each worker")
        print(f"key               {await microseconds(asking, headers, CALLS):8.1f} µs a call")


if __name__ == "__main__":
    asyncio.run(main())
