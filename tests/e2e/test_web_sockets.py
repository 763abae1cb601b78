"""A websocket connection is cut into slices: one operation for each message."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.launch import Server
from tests.e2e.web_client import KEEP_ALL, Seen, complaints, operations, roots, unattributed, uvicorn
from tests.services.ports import LOOPBACK

APPLICATIONS = ["web_starlette:app", "web_fastapi:app"]


@pytest.mark.parametrize("application", APPLICATIONS)
def test_each_message_is_an_operation_linked_to_the_handshake(application: str, tmp_path: Path) -> None:
    """Queries belong to the message before them; those before the first message to the handshake."""
    with Server(uvicorn(application), tmp_path, KEEP_ALL) as server:
        for room in ("red", "blue"):
            with connect(f"ws://{LOOPBACK}:{server.port}/talk/{room}") as socket:
                for number in (1, 0, 5):
                    socket.send(str(number))
                    assert "done" == socket.recv(timeout=5)
        server.terminate()

    handshakes = {span["spanId"] for span in roots(tmp_path, "WS /talk/{room} (handshake)")}
    links = [link["spanId"] for span in roots(tmp_path, "WS /talk/{room}") for link in span["links"]]
    assert {"WS /talk/{room}": Seen(6, 12), "WS /talk/{room} (handshake)": Seen(2, 4)} == operations(tmp_path), (
        server.output
    )
    assert (6, handshakes) == (len(links), set(links))
    assert (0, []) == (unattributed(tmp_path), complaints(server.output))


@pytest.mark.parametrize("application", APPLICATIONS)
def test_message_that_raises_is_a_failed_operation(application: str, tmp_path: Path) -> None:
    """The slice of the message fails; the ones before and the handshake do not."""
    with Server(uvicorn(application), tmp_path, KEEP_ALL) as server:
        with connect(f"ws://{LOOPBACK}:{server.port}/talk/red") as socket:
            socket.send("2")
            socket.recv(timeout=5)
            socket.send("word")
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=5)
        server.terminate()

    assert {
        "WS /talk/{room}": Seen(2, 2, 1),
        "WS /talk/{room} (handshake)": Seen(1, 2),
    } == operations(tmp_path), server.output


@pytest.mark.parametrize("application", APPLICATIONS)
def test_connection_that_only_sends_is_an_operation_per_sending(application: str, tmp_path: Path) -> None:
    """Without any message the connection does not become one endless operation."""
    with Server(uvicorn(application), tmp_path, KEEP_ALL) as server:
        with connect(f"ws://{LOOPBACK}:{server.port}/push") as socket:
            assert ["hello", "news", "news", "news"] == [socket.recv(timeout=5) for _ in range(4)]
        server.terminate()

    assert {"WS /push": Seen(3, 6), "WS /push (handshake)": Seen(1, 0)} == operations(tmp_path), server.output


def test_refused_connection_is_a_handshake_without_route(tmp_path: Path) -> None:
    """An address nobody serves has a name that is not the address."""
    with Server(uvicorn("web_starlette:app"), tmp_path, KEEP_ALL) as server:
        with pytest.raises(Exception, match="403"):
            connect(f"ws://{LOOPBACK}:{server.port}/nothing/here")
        server.terminate()

    assert {"WS (no route) (handshake)": Seen(1, 0)} == operations(tmp_path), server.output
