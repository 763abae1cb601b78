"""ClickHouse's engine in a process of its own: its libraries keep those of other drivers from being loaded after it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

from tests.services.process import ServiceAbsent

_ENGINE = """
import json, sys
from chdb.session import Session
session = Session()
for line in sys.stdin:
    query, form = json.loads(line)
    try:
        answer = [True, str(session.query(query, form))]
    except Exception as fault:
        answer = [False, str(fault)]
    print(json.dumps(answer), flush=True)
session.close()
"""


class ClickHouse:
    """A database of its own, which ends with the process; a context manager that ends it."""

    def __init__(self) -> None:
        if importlib.util.find_spec("chdb") is None:
            raise ServiceAbsent("chdb is not installed: pip install chdb-core-lite")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> ClickHouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, statement: str) -> None:
        """Run one statement; raises RuntimeError with what the engine says."""
        self._answer(statement, "CSV")

    def rows(self, query: str) -> list[list[Any]]:
        """What a query gives; raises as :meth:`run` does."""
        return [json.loads(line) for line in self._answer(query, "JSONCompactEachRow").splitlines()]

    def close(self) -> None:
        """End it; safe to call twice."""
        self._process.communicate(timeout=30)

    def _answer(self, query: str, form: str) -> str:
        sending, receiving = self._process.stdin, self._process.stdout
        assert sending is not None
        assert receiving is not None
        print(json.dumps([query, form]), file=sending, flush=True)
        line = receiving.readline()
        if not line:
            raise RuntimeError(f"the engine has ended, with {self._process.wait(10)}")
        done, said = json.loads(line)
        if not done:
            raise RuntimeError(said)
        return str(said)
