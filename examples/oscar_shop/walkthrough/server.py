"""The shop's server as a child process: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHOP = Path(__file__).resolve().parent.parent
START_S = 30.0
STOP_S = 15.0


class ServerError(Exception):
    """The server did not start or did not stop; the message ends with what it last logged."""


@contextmanager
def serving(command: list[str], directory: Path, environment: dict[str, str], folder: Path = SHOP) -> Iterator[int]:
    """The port of a server that answers, started by *command* with ``{port}`` filled in.

    It runs in *folder* and logs into *directory*.  At the end it gets SIGTERM and is waited for;
    a server that stays is killed with all its workers, and that is a :class:`ServerError`.
    """
    port = _free_port()
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            # An own group: Ctrl-C reaches the demo alone, which then stops the server in order.
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield port
    finally:
        _stop(process, log)


def fresh(directory: Path, data: Path) -> dict[str, str]:
    """Empty *directory*, put a copy of the folder *data* into it, and say by which variables the shop finds it."""
    if directory.exists():
        shutil.rmtree(directory)
    copy = directory / "shop"
    shutil.copytree(data, copy)
    return {"SHOP_DATA": str(copy), "VEREIN_EXPORT_DIRECTORY": str(directory / "otlp")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"the server ended with code {process.returncode} before it answered{_tail(log)}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/robots.txt")
            connection.getresponse().read()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise ServerError(f"the server did not answer within {START_S:.0f} s{_tail(log)}")


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise ServerError(f"the server did not stop within {STOP_S:.0f} s of SIGTERM{_tail(log)}") from None


def _tail(log: Path, lines: int = 20) -> str:
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "; its log ends:\n  " + "\n  ".join(last) if last else "; its log is empty"
