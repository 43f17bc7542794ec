"""How often somebody may try to log in: a bounded number of tries, which come back with time."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil


class Attempts:
    """Counts tries by key; each is forgotten after a while, and the oldest keys when there are too many.

    Parameters
    ----------
    most : int
        Tries at once.
    seconds : float
        After which as many have come back.
    keys : int, default=10_000
        Of which something is remembered.
    clock : callable, optional
    """

    def __init__(
        self, most: int, seconds: float, keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._each = seconds / most
        self._keys = keys
        self._clock = clock
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Seconds until the key may try again; 0 if it may now, which is then counted."""
        now = self._clock()
        used = self._now(key, now)
        if used + 1 > self._most:
            return ceil((used + 1 - self._most) * self._each)
        self._used[key] = (used + 1, now)
        self._used.move_to_end(key)
        if len(self._used) > self._keys:
            self._used.popitem(last=False)
        return 0

    def give_back(self, key: str, tries: float = 1) -> None:
        """Forget tries of a key that has succeeded."""
        now = self._clock()
        left = self._now(key, now) - tries
        if left > 0:
            self._used[key] = (left, now)
        else:
            self._used.pop(key, None)

    def _now(self, key: str, now: float) -> float:
        used, at = self._used.get(key, (0.0, now))
        return max(0.0, used - (now - at) / self._each)


def address_key(address: str) -> str:
    """What an address is counted as: of IPv6, the network that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
