"""What the unit tests share: none of them hears of the queries of another."""

from __future__ import annotations

import pytest

from otel_verein.ledger import UNATTRIBUTED


@pytest.fixture(autouse=True)
def _nothing_unattributed() -> None:
    """Begin without queries outside operations: a driver that some test had watched counts on, as a store's journal."""
    UNATTRIBUTED.take()
