"""What Tempo's documents say: no Tempo can be run here."""

from __future__ import annotations

from tests.contracts.sources_contract import SourceContract


class TestTempo(SourceContract):
    """The documented one."""

    holder = "tempo"
