"""How soon a server is there and what it weighs: `python -m bench.start`, with a version of insurance in the store."""

import statistics
import time

from bench.servers import SLIPWAY, get, serve

ROUNDS = 3


def measure() -> dict[str, float]:
    """Seconds from the start to the API and to the page, MB of all processes then."""
    with serve(SLIPWAY) as server:
        while get(server.port, "/readyz")[0] != 200:
            time.sleep(0.02)
        api = time.perf_counter() - server.started
        while get(server.port, "/ui/")[0] != 200:
            time.sleep(0.1)
        page = time.perf_counter() - server.started
        time.sleep(1)
        return {"API, s": api, "page, s": page, **server.memory()}


if __name__ == "__main__":
    rounds = [measure() for _ in range(ROUNDS)]
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        print(f"{name:10} {statistics.median(values):7.1f}  ({min(values):.1f} to {max(values):.1f})")
