"""Segments that were left open by a process that is no more."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def abandoned(path: Path, now_s: float, quiet_s: float) -> bool:
    """Whether nobody will write to the open segment *path* again.

    Its writer holds a lock for as long as it lives. So it is abandoned when the lock is free and nothing was written
    for *quiet_s* seconds before *now_s* (of the clock of files). False as well where that cannot be told: on a file
    system without locks, or for a file that is gone or not ours to read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # The lock last: while it is held here, a writer that has just made its segment could not take it.
        if now_s - os.fstat(file).st_mtime < quiet_s:
            return False
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True
