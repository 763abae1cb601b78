"""A response that works while it is sent is one operation to its last byte, also when nobody takes it that far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.e2e.launch import Server
from tests.e2e.web_client import (
    KEEP_ALL,
    Seen,
    ask,
    ask_and_leave,
    complaints,
    duration_s,
    gunicorn,
    operations,
    roots,
    unattributed,
    uvicorn,
)
from tests.services.process import wait_until

Command = Callable[[int], Sequence[str]]
SERVERS = {
    "flask, gunicorn sync": (gunicorn("web_flask:app"), "/endless"),
    "flask, gunicorn gthread": (gunicorn("web_flask:app", "--threads", "3"), "/endless"),
    "flask, request context": (gunicorn("web_flask:app"), "/endless-context"),
    "django, gunicorn sync": (gunicorn("web_django:application"), "/endless"),
    "django, uvicorn": (uvicorn("web_django:asgi"), "/async-endless"),
    "starlette, uvicorn": (uvicorn("web_starlette:app"), "/endless"),
    "starlette, asynchronous": (uvicorn("web_starlette:app"), "/async-endless"),
    "fastapi, uvicorn": (uvicorn("web_fastapi:app"), "/endless"),
}
LEFT = 3


@pytest.mark.parametrize(("command", "path"), SERVERS.values(), ids=SERVERS.keys())
def test_stream_is_one_operation_however_it_ends(command: Command, path: str, tmp_path: Path) -> None:
    """A stream the client leaves ends with all its queries, those of its closing too where the server closes it.

    Nothing of it stays attached to the thread or task: what is asked afterwards is counted for itself. And a stream
    that waits half a second between its parts takes that long.
    """
    with Server(command, tmp_path, KEEP_ALL) as server:
        for _ in range(LEFT):
            ask_and_leave(server, path, after=10_000)
        counts = [0, 0]

        def settled() -> bool:
            counts.append(int(ask(server, "/done")[1]))
            return 0 < counts[-1] == counts[-2] == counts[-3]

        assert wait_until(settled, 10), server.output
        for _ in range(20):
            ask(server, "/orders/2")
        waited = ask(server, "/waiting")
        server.terminate()

    found = operations(tmp_path)
    (slow,) = roots(tmp_path, "GET /waiting")
    assert Seen(LEFT, counts[-1]) == found[f"GET {path}"], server.output
    assert [Seen(20, 40)] == [seen for name, seen in found.items() if "orders" in name], server.output
    assert (200, b"part\npart\n") == waited
    assert 0.5 <= duration_s(slow) < 5
    assert (0, []) == (unattributed(tmp_path), complaints(server.output))
