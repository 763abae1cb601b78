"""One process writes to a store at a time; the kernel lets go of the lock of one that dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone

from otel_verein.errors import StoreBusyError
from otel_verein.store.layout import Store

_PAUSE_S = 0.01


@contextmanager
def held(store: Store, job: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of *store*, which is made if there is none; raises StoreBusyError when *wait_s* do not suffice."""
    try:
        store.root.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor = os.open(store.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as fault:
        raise store.unwritable(fault) from fault
    try:
        _acquire(store, descriptor, fcntl.LOCK_EX, wait_s)
        with suppress(OSError):  # a full disk, which this job may be about to free
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"job": job, "pid": os.getpid(), "since_s": time.time()}).encode(), 0)
        yield
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def quiet(store: Store, wait_s: float) -> Iterator[None]:
    """Keep writers away, where that can be had within *wait_s*; for who only reads, and has the right to no more."""
    try:
        descriptor = os.open(store.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        with suppress(StoreBusyError):
            _acquire(store, descriptor, fcntl.LOCK_SH, wait_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(store: Store, descriptor: int, kind: int, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreBusyError(f"{store.root}: {_holder(descriptor)}; wait for it with --wait SECONDS") from None
            time.sleep(_PAUSE_S)
        else:
            return


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 1024, 0))
        since = datetime.fromtimestamp(found["since_s"], timezone.utc)
        return f"{found['job']} of process {found['pid']} is writing to it since {since:%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, KeyError, TypeError):
        return "another process is at it"
