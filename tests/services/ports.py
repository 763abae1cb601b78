"""Free TCP ports and a poll for one that answers."""

from __future__ import annotations

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback port that was free a moment ago; whoever binds it must cope with losing the race."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """As many of them, all different."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


def accepts(port: int) -> bool:
    """Whether something accepts connections on the loopback *port* now; sends nothing to it."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5):
            return True
    except OSError:
        return False
