"""Files, and a store with files beside it."""

from __future__ import annotations

from tests.contracts.sources_contract import SourceContract


class TestFiles(SourceContract):
    """The segments."""

    holder = "files"


class TestStore(SourceContract):
    """A store that has taken a part of them."""

    holder = "store"
