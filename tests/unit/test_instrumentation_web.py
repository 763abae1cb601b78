"""What is said about frameworks, and when their instrumentations are loaded."""

from __future__ import annotations

import importlib.metadata

import pytest

from otel_verein.faults import Faults
from otel_verein.instrumentation.web import frameworks as web


def test_missing_instrumentation_of_threads_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names what is not seen and the cure."""

    def absent(_: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", absent)

    assert (
        "opentelemetry-instrumentation-threading is not installed, so queries in threads and thread pools belong to no "
        "operation: pip install opentelemetry-instrumentation-threading" == web.missing_threading()
    )


def test_nothing_is_said_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The silent twin."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.0")

    assert web.missing_threading() is None


def test_other_instrumentations_are_left_to_the_distro() -> None:
    """What is no framework of ours is loaded by who asked, at once."""
    loaded: list[str] = []

    taken = web.load_in_time("requests", lambda: loaded.append("requests"), Faults())

    assert (False, []) == (taken, loaded)


def test_fault_of_an_instrumentation_stays_ours() -> None:
    """An instrumentation that cannot be loaded is counted and does not keep the framework from being imported."""
    faults = Faults(on_first=lambda *_: None)

    def load() -> None:
        raise RuntimeError("on purpose")

    import flask

    taken = web.load_in_time("flask", load, faults)

    assert (True, {"instrumentation.flask": 1}) == (taken, dict(faults.counts))
    assert flask.Flask.__name__ == "Flask"
