"""Programs of this folder that run beside each other and answer a line with a line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_FOREIGN = ("OTEL_", "VEREIN_", "DD_", "SENTRY_", "ELASTIC_", "LOGFIRE_", "NEW_RELIC_", "SCOUT_", "DJANGO_", "PYTHON")


class WorkerEnded(Exception):
    """A worker ended before it answered; the message says which, and its last line of error."""


class Worker:
    """A program of this folder; a context that ends it. *python* is the interpreter of another environment."""

    def __init__(
        self, program: str, *arguments: str, python: str = sys.executable, environ: Mapping[str, str] | None = None
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        self.name = " ".join([program, *arguments[:1]])
        self._process = subprocess.Popen(
            [python, str(HERE / program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=kept | {"PYTHONHASHSEED": "0"} | dict(environ or {}),
        )

    def read(self) -> Any:
        """The next answer; what the program prints besides, as some agents do, is passed over."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                return json.loads(line)
        raise WorkerEnded(f"{self.name} ended with code {self._process.wait()}; see its message above")

    def ask(self, line: str) -> Any:
        """The answer to *line*."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # read() says what happened
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return self.read()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            try:
                self._process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()


def on_one_processor() -> None:
    """Pin this process and its children: without that, figures of one round differ by a factor of two."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
