"""Taking files that no longer count from the disk."""

from __future__ import annotations

import contextlib

from otel_verein.errors import StoreError
from otel_verein.store.layout import Store


def remove(store: Store, relative: str) -> None:
    """Delete a file that the journal has as replaced or expired, and the directories that it leaves empty.

    One that is gone already is no fault. Raises StoreError when it may not be deleted.
    """
    path = store.path(relative)
    try:
        path.unlink(missing_ok=True)
    except OSError as fault:
        raise StoreError(f"{path}: cannot be deleted: {fault.strerror or fault}") from fault
    for folder in path.parents:
        if folder.parent.parent == store.root:
            break
        with contextlib.suppress(OSError):  # something else is in it
            folder.rmdir()
