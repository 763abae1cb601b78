"""What becomes of questions that fail, take too long or are too many: the application, asked as a server asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from otel_verein.config.schema import Config
from otel_verein.errors import SourceError
from otel_verein.serving.app import application
from otel_verein.serving.gate import Gate
from otel_verein.serving.guard import Rules
from otel_verein.serving.limits import Limits
from otel_verein.serving.questions import World
from otel_verein.serving.rates import Rates
from otel_verein.serving.work import Work
from otel_verein.sources.base import ALL, Ask, Tables
from otel_verein.sources.remembered import Remembered
from tests.services.process import wait_until
from tests.unit.fixed_source import Silent

BUSY = {"title": "Service Unavailable", "status": 503, "detail": "too many questions are waiting; try again"}


@dataclass
class Place(Silent):
    """A source without telemetry; reading it does *act* first."""

    act: Callable[[], object]
    reads: int = 0
    name: str = "place"

    def read(self, ask: Ask = ALL) -> Tables:
        """Nothing."""
        self.reads += 1
        self.act()
        return Tables()

    def state(self) -> Hashable | None:
        """Always the same."""
        return 1


@dataclass
class Asked:
    """The service of one source, within *limits*, and what it said of requests."""

    place: Place
    limits: Limits = Limits(workers=1, waiting=0, answer_s=30.0, body_bytes=1000)  # noqa: RUF009 - frozen
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The gate and what is behind it."""
        self.work = Work(self.limits.workers, self.limits.waiting)
        world = World(Remembered(self.place, 60.0), Config, Path("nowhere"))
        app = application(world, self.work, self.limits, token=False, allow_changes=False)
        rules, rates = Rules(frozenset(("localhost",))), Rates(100.0, 100, 10)
        self.gate = Gate(app, rules, rates, self.lines.append)

    async def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of one answer; whoever asks stays until it is there."""
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in asked:
                return message
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        name, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": name,
            "raw_path": name.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        await self.gate(scope, receive, send)
        headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
        return sent[0]["status"], headers, json.loads(b"".join(each.get("body", b"") for each in sent[1:]))


@pytest.fixture
def held() -> Iterator[Event]:
    """What reading waits for; set at the end, so that no thread stays."""
    event = Event()
    yield event
    event.set()


def _raising(fault: Exception) -> Callable[[], object]:
    def act() -> object:
        raise fault

    return act


def test_an_answer_that_takes_too_long_is_504(held: Event) -> None:
    """It says what to ask for instead; until the thread is free again, the next is 503, and says when to come."""
    service = Asked(Place(held.wait), Limits(workers=1, waiting=0, answer_s=0.05, body_bytes=1000))

    late = asyncio.run(service.get("/api/v1/health"))
    busy = asyncio.run(service.get("/api/v1/health?service=a"))

    assert (late[0], late[2]["detail"]) == (
        504,
        "the answer was not there after 0.05 s; ask for less: a shorter window, one service",
    )
    assert (busy[1]["retry-after"], busy[2]) == ("1", {"type": "about:blank", **BUSY})
    held.set()
    assert wait_until(lambda: service.work.open == 0, 10)


def test_a_source_that_cannot_be_read_is_502() -> None:
    """With what it says, which is made for users; nothing is logged as a fault."""
    service = Asked(Place(_raising(SourceError("place: refused; check its token"))))

    status, _, body = asyncio.run(service.get("/api/v1/health"))

    assert (status, body["detail"]) == (502, "place: refused; check its token")


def test_a_fault_is_500_and_logged_once_of_its_kind(caplog: pytest.LogCaptureFixture) -> None:
    """What it was stays in the log."""
    service = Asked(Place(_raising(ZeroDivisionError("a secret"))))

    answers = [asyncio.run(service.get("/api/v1/health")) for _ in range(3)]

    assert {(status, body["detail"]) for status, _, body in answers} == {
        (500, "a fault of the service; its log says more")
    }
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert answers[0][1]["x-content-type-options"] == "nosniff"


def test_an_answer_is_made_once_while_the_source_stands() -> None:
    """Also as JSON; a question that differs is another one."""
    place = Place(lambda: None)
    service = Asked(place)

    same = [asyncio.run(service.get("/api/v1/health"))[2] for _ in range(3)]
    asyncio.run(service.get("/api/v1/health?service=a"))

    assert (same[0] == same[1] == same[2], place.reads) == (True, 2)


def test_what_is_logged_of_a_request_cannot_move_a_terminal() -> None:
    """Path without query, printable and bounded."""
    service = Asked(Place(lambda: None))

    asyncio.run(service.get("/a\x1b[2J\n" + "b" * 500 + "?member=somebody"))

    line = service.lines[0]
    assert line.startswith("127.0.0.1 GET /a?[2J?b")
    assert (len(line) < 260, "somebody" in line, " 404 " in line) == (True, False, True)
