"""A script that turns out to serve is no operation around its requests: the rule that makes a command safe."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests import segments
from tests.e2e.launch import APPS, Server, gunicorn
from tests.services.process import wait_until

ALL = {"VEREIN_SAMPLING_RATIO": "1.0"}
REQUESTS = 30
SERVER = 2
SETTLE_S = 10.0


def _served(how: str, start_up: int, directory: Path) -> tuple[Counter[tuple[str, int, int]], str]:
    """Name, kind and queries of every operation after some requests of 2 queries each; and what the server wrote."""

    def command(port: int) -> list[str]:
        return [
            "otel-verein",
            "run",
            "--quiet",
            "--",
            "python",
            str(APPS / "serving.py"),
            how,
            str(port),
            str(start_up),
        ]

    with Server(command, directory, ALL) as server:
        answers = server.get_all(["/run/2"] * REQUESTS)
        assert {200} == {answer.status for answer in answers}, server.output
        # A visitor has the answer a moment before the thread that gave it ends its operation.
        wait_until(lambda: _roots(directory).total() >= REQUESTS, SETTLE_S, every=0.1)
        server.terminate()
        output = server.output
    return _roots(directory), output


def _roots(directory: Path) -> Counter[tuple[str, int, int]]:
    return Counter(
        (span["name"], span["kind"], segments.attributes(span)["verein.db.query_count"])
        for _, span in segments.spans(directory / ".verein/otlp")
        if not span.get("parentSpanId")
    )


@pytest.mark.parametrize("start_up", [0, 3])
@pytest.mark.parametrize("how", ["flask", "uvicorn"])
def test_script_that_serves_ends_when_it_does(how: str, start_up: int, tmp_path: Path) -> None:
    """Requests are roots of kind server; what was queried before them is the start-up, nothing queried is nothing."""
    found, output = _served(how, start_up, tmp_path)

    requests = {item: count for item, count in found.items() if item[1] == SERVER}
    others = {item[::2]: count for item, count in found.items() if item[1] != SERVER}
    assert (REQUESTS, {2}) == (sum(requests.values()), {item[2] for item in requests}), output
    assert ({("serving.py (start-up)", 3): 1} if start_up else {}) == others, output


def test_parent_of_a_child_that_serves_is_no_script(tmp_path: Path) -> None:
    """A supervisor that forks its server sees no request itself, and is none the less no operation of its own."""
    found, output = _served("forking", 0, tmp_path)

    assert {SERVER} == {kind for _, kind, _ in found}, output


def test_known_server_is_no_operation_without_any_request(tmp_path: Path) -> None:
    """gunicorn that was asked nothing exports no operation at all."""
    with Server(gunicorn("-w", "1", "--preload"), tmp_path, ALL) as server:
        server.terminate()

    assert 0 == segments.sums(tmp_path / ".verein/otlp").operations
