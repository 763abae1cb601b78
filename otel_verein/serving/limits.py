"""What one request may be and take: bounds that hold whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_verein.config.schema import Config

URL_BYTES: Final = 8192
"""Bytes of path and query together."""

HEAD_BYTES: Final = 16_384
"""Bytes of all headers together."""

PARAMETERS: Final = 64
"""Parameters of one query."""

TEXT: Final = 1024
"""Characters of one text of a question."""

MEMBERS: Final = 1000
"""Members of one list or object, and rows that can be asked for."""

DEPTH: Final = 16
"""Levels of lists and objects in a body."""

LARGEST: Final = 1_000_000_000
"""The largest number that an argument may be, with either sign."""

POINTS: Final = 2_000
"""Steps of one trend."""

_WAITING: Final = 32
_LEAST_ANSWER_S: Final = 30.0
_ANSWERS: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one service, in seconds, bytes and numbers.

    ``waiting`` questions stand in line while ``workers`` are answered; each has ``answer_s`` for both. ``clients`` are
    told apart by the rate limit, ``connections`` may be open.
    """

    workers: int
    waiting: int
    answer_s: float
    body_bytes: int
    body_s: float = 10.0
    head_s: float = 10.0
    clients: int = 10_000
    connections: int = 512


def limits_of(config: Config) -> Limits:
    """The bounds by *config*: a question may take as long as a backend that answers it slowly, in several parts."""
    workers = config.serve.workers
    return Limits(
        workers=workers,
        waiting=workers * _WAITING,
        answer_s=max(_LEAST_ANSWER_S, _ANSWERS * config.source.timeout_s),
        body_bytes=config.serve.body_kb * 1000,
    )
