"""The service as a process: from the socket to its end."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn

from otel_verein.config.schema import Config
from otel_verein.serving.app import application
from otel_verein.serving.gate import Gate
from otel_verein.serving.limits import HEAD_BYTES, URL_BYTES, Limits, limits_of
from otel_verein.serving.listening import Listening
from otel_verein.serving.patience import PatientProtocol
from otel_verein.serving.questions import World
from otel_verein.serving.rates import Rates
from otel_verein.serving.work import Work

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 1


def serve(
    listening: Listening,
    world: World,
    config: Config,
    *,
    allow_changes: bool,
    told: Callable[[str], None] | None = None,
) -> None:
    """Answer until a signal says to end, which takes 2 s at most; *told* hears of each answer.

    Questions that are not done by then end with the process, which is then ended at once.
    """
    limits = limits_of(config)
    work = Work(limits.workers, limits.waiting)
    app = application(world, work, limits, token=listening.rules.token is not None, allow_changes=allow_changes)
    rates = Rates(listening.options.requests_per_s, listening.options.burst, limits.clients)
    server = uvicorn.Server(_settings(Gate(app, listening.rules, rates, told), listening, limits))
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # its warnings are what any client can cause
    before = {each: signal.signal(each, _ended) for each in _SIGNALS}  # uvicorn raises the signal again when done
    try:
        server.run(sockets=[listening.socket])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        work.stop()
    if work.open:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _ended(_: int, __: FrameType | None) -> None:
    """Nothing: the server has ended by now."""


def _settings(app: Gate, listening: Listening, limits: Limits) -> uvicorn.Config:
    options = listening.options
    PatientProtocol.head_s, PatientProtocol.most = limits.head_s, limits.connections
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=HEAD_BYTES + URL_BYTES,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=options.tls_cert_file or None,
        ssl_keyfile=options.tls_key_file or None,
    )
