"""A real Jaeger, which holds traces alone."""

from __future__ import annotations

from tests.contracts.sources_contract import SourceContract


class TestJaeger(SourceContract):
    """The real one."""

    holder = "jaeger"
