"""ClickHouse's engine in a process of its own: its libraries keep those of other drivers from being loaded after it."""

from __future__ import annotations

import base64
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from threading import Lock
from typing import Any

from tests.services.process import ServiceAbsent

_ENGINE = """
import base64, json, sys
from chdb.session import Session
session = Session()
for line in sys.stdin:
    query, form, parameters = json.loads(line)
    try:
        said = session.query(query, form, params=parameters)
        answer = [True, base64.b64encode(said.bytes() or b"").decode()]
    except Exception as fault:
        answer = [False, base64.b64encode(str(fault).encode()).decode()]
    print(json.dumps(answer), flush=True)
session.close()
"""


class ClickHouse:
    """A database of its own, which ends with the process; a context manager that ends it. Threads may share it."""

    def __init__(self) -> None:
        if importlib.util.find_spec("chdb") is None:
            raise ServiceAbsent("chdb is not installed: pip install chdb-core-lite")
        self._lock = Lock()  # held from a question to its answer
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> ClickHouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, statement: str) -> None:
        """Run one statement; raises RuntimeError with what the engine says."""
        self.answer(statement, "CSV")

    def rows(self, query: str) -> list[list[Any]]:
        """What a query gives; raises as :meth:`run` does."""
        return [json.loads(line) for line in self.answer(query, "JSONCompactEachRow").splitlines()]

    def answer(self, query: str, form: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """What the engine answers, in one of its formats; *parameters* are bound, in the text form of its HTTP.

        Raises as :meth:`run` does.
        """
        sending, receiving = self._process.stdin, self._process.stdout
        assert sending is not None
        assert receiving is not None
        with self._lock:
            print(json.dumps([query, form, parameters or None]), file=sending, flush=True)
            line = receiving.readline()
        if not line:
            raise RuntimeError(f"the engine has ended, with {self._process.wait(10)}")
        done, text = json.loads(line)
        said = base64.b64decode(text)
        if not done:
            raise RuntimeError(said.decode())
        return said

    def close(self) -> None:
        """End it; safe to call twice."""
        self._process.communicate(timeout=30)
