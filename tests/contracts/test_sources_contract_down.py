"""Backends that are not there."""

from __future__ import annotations

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import ALL, Source
from otel_verein.sources.clickhouse import ClickHouse
from otel_verein.sources.jaeger import Jaeger
from otel_verein.sources.tempo import Tempo
from tests.services.ports import LOOPBACK, free_port


@pytest.mark.parametrize("kind", [ClickHouse, Jaeger, Tempo])
@pytest.mark.parametrize("question", ["read", "steps", "statements", "entities", "roots", "trace"])
def test_a_backend_that_is_down_is_an_error(kind: type[Source], question: str):
    """It names the place; nothing is passed off as an empty answer."""
    url = f"http://{LOOPBACK}:{free_port()}"
    source = kind(Backend(url, timeout_s=2))  # type: ignore[call-arg]
    arguments = {"steps": (60, ALL), "trace": ("f" * 32,)}

    with pytest.raises(SourceError, match=f"^{kind.__name__.lower()}:{url}: "):
        getattr(source, question)(*arguments.get(question, (ALL,)))
