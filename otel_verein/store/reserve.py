"""A little room on the disk, kept for the day on which there is no other.

Even what deletes has to enter it in the journal first, and for that SQLite needs some room: without a reserve a full
disk could not get free by itself.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Final

from otel_verein.store.layout import Store

BYTES: Final = 1_000_000
"""More than a transaction over a batch of files takes in the journal and in what SQLite keeps for a roll-back."""

_FULL: Final = ("No space left on device", "Disk quota exceeded", "database or disk is full")


def keep(store: Store) -> None:
    """Have the reserve, as far as there is room for it; the caller holds the lock of *store*."""
    with suppress(OSError):  # without room there is none until there is some
        if store.reserve.is_file() and store.reserve.stat().st_size >= BYTES:
            return
        descriptor = os.open(store.reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        try:
            os.posix_fallocate(descriptor, 0, BYTES)
        except OSError:
            store.reserve.unlink()
        finally:
            os.close(descriptor)


def give_up(store: Store) -> bool:
    """Make room of the reserve; whether there was one. The caller holds the lock of *store*."""
    try:
        store.reserve.unlink()
    except OSError:
        return False
    return True


def is_full(fault: BaseException | None) -> bool:
    """Whether *fault*, or what caused it, is a disk without room."""
    while fault is not None:
        if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(words in str(fault) for words in _FULL):
            return True
        fault = fault.__cause__
    return False
