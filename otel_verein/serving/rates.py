"""How many requests one client may send: a bucket of tokens for each (RFC 6585 gives the answer its number)."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_NETWORK: Final = 64
"""Leading bits of an IPv6 address that one client has; it may choose the others."""


class Rates:
    """Buckets of *burst* tokens that fill by *per_s*, for at most *most* clients; the one longest silent is forgotten.

    Not thread-safe: it belongs to one event loop.
    """

    def __init__(self, per_s: float, burst: int, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """How many clients are told apart now."""
        return len(self._buckets)

    def take(self, client: str) -> float:
        """Take a token of *client*: 0 if there was one, else the seconds until there is one."""
        now = self._clock()
        tokens, at = self._buckets.pop(client, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._per_s)
        taken = tokens >= 1.0
        self._buckets[client] = (tokens - 1.0 if taken else tokens, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1.0 - tokens) / self._per_s


def client_of(address: str) -> str:
    """Who an address is: itself, or its network where one client has many."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _NETWORK), strict=False))
    return str(found)
