"""A script that queries elsewhere: ``elsewhere.py WHERE`` runs 3 queries before, 5 there, 2 after.

WHERE is ``thread``, ``pool``, ``task``, ``fork``, ``process``, ``subprocess`` (of command.py) or ``one-liner``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import command


async def _task() -> None:
    await asyncio.create_task(asyncio.to_thread(lambda: None))
    command.query(5)


def _forked() -> None:
    child = os.fork()
    if child == 0:
        command.query(5)
        from opentelemetry import trace

        trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
        os._exit(0)
    os.waitpid(child, 0)


def _in_process() -> None:
    process = multiprocessing.get_context("fork").Process(target=command.query, args=(5,))
    process.start()
    process.join()


def _in_thread() -> None:
    thread = threading.Thread(target=command.query, args=(5,))
    thread.start()
    thread.join()


def _in_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(command.query, 5).result()


WHERE = {
    "thread": _in_thread,
    "pool": _in_pool,
    "task": lambda: asyncio.run(_task()),
    "fork": _forked,
    "process": _in_process,
    "subprocess": lambda: subprocess.run([sys.executable, Path(command.__file__), "5"], check=True),
    "one-liner": lambda: subprocess.run([sys.executable, "-c", "import command; command.query(5)"], check=True),
}


if __name__ == "__main__":
    command.query(3)
    WHERE[sys.argv[1]]()
    command.query(2)
