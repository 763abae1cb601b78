"""Operations of five equal queries, one after the other, until the process is told to end."""

from __future__ import annotations

from threading import Event

import config_work

from otel_verein import operation

PAUSE_S = 0.02


def main() -> None:
    """Go on until SIGTERM ends the process."""
    never = Event()
    while not never.wait(PAUSE_S):
        with operation("loop"):
            config_work.queries(5)


if __name__ == "__main__":
    main()
