"""Operations of five equal queries, one after the other, until the process is told to end.

The file ``begun`` says that the first has ended.
"""

from __future__ import annotations

from pathlib import Path
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
        Path("begun").touch()


if __name__ == "__main__":
    main()
