"""``python -m tests.services``: both servers until interrupted, for work by hand."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress

from tests.services import MariaDB, Postgres, ServiceAbsent


def main() -> None:
    """Start what is installed, print how to reach it, wait for Ctrl-C or SIGTERM, stop it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        try:
            print("PostgreSQL:", stack.enter_context(Postgres()).url, flush=True)
        except ServiceAbsent as absent:
            print(absent, flush=True)
        try:
            print("MariaDB:", stack.enter_context(MariaDB()).address, flush=True)
        except ServiceAbsent as absent:
            print(absent, flush=True)
        signal.pause()


main()
