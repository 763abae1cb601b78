"""What a statement is, whatever its literals: sanitised text, a stable key, a summary, its verb.

Literals and placeholders of any style read ``?`` and lists of them collapse, so ``IN (1, 2)`` and
``IN (%s, %s, %s)`` are one statement. Texts that are equal but for their literals share the work: only the first of
a shape is read token by token.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from otel_verein.config.schema import Limits
from otel_verein.ledger.canonical import canonical, spaced
from otel_verein.ledger.dialect import dialect_of
from otel_verein.ledger.masking import mask
from otel_verein.ledger.statement import StatementKind, read

__all__ = ["Fingerprint", "Fingerprints", "StatementKind", "fingerprint"]

_SUMMARY_CHARACTERS = 255  # the semantic conventions' own limit on db.query.summary
_CUT = " /* cut */"
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One statement without its literals.

    ``key`` is 16 hex digits, equal for equal sanitised text; ``verb`` its first word in upper case, empty
    for a blank statement; ``tables`` in order of appearance. ``write`` says that it changes rows, as far as the
    text tells. ``counted`` is true for the kind QUERY alone: the others are driver traffic.
    """

    key: str
    text: str
    summary: str
    verb: str
    tables: tuple[str, ...]
    kind: StatementKind
    counted: bool
    write: bool


def fingerprint(statement: str, dialect: str = "", limits: Limits = _LIMITS) -> Fingerprint:
    """The fingerprint of *statement* in the dialect of a ``db.system.name``; never raises, linear in its length."""
    cut = statement[: limits.fingerprint_bytes]
    rules = dialect_of(dialect, cut)
    found = read(canonical(mask(cut, rules), rules))
    text = spaced(found.tokens) + (_CUT if len(statement) > len(cut) else "")
    return Fingerprint(
        key=hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest(),
        text=_cut_bytes(text, limits.query_text_bytes),
        summary=" ".join([found.verb, *found.tables])[:_SUMMARY_CHARACTERS],
        verb=found.verb,
        tables=found.tables,
        kind=found.kind,
        counted=found.kind is StatementKind.QUERY,
        write=found.write,
    )


def _cut_bytes(text: str, size: int) -> str:
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= size else raw[:size].decode("utf-8", "ignore") + "…"


class Fingerprints:
    """Fingerprints of the statements seen, one dictionary look-up each.

    Bounded in entries and characters: when a bound is reached the memory starts anew, so that a stream of
    unique statements costs the fingerprint itself and no growth. Safe to use from several threads.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[str, _Texts] = {}
        self._characters = 0

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def of(self, statement: str, dialect: str) -> Fingerprint:
        """The fingerprint of *statement* in *dialect*."""
        return self.within(dialect)(statement)

    def within(self, dialect: str) -> Callable[[str], Fingerprint]:
        """The function that gives fingerprints of one *dialect*; for many at once. Use it at once, too."""
        texts = self._known.get(dialect)
        if texts is None:
            texts = self._known[dialect] = _Texts(self, dialect)
        return texts.__getitem__

    def make(self, statement: str, texts: _Texts) -> Fingerprint:
        """The fingerprint of a new *statement*, remembered among *texts* within the bounds."""
        found = fingerprint(statement, texts.dialect, self._limits)
        if len(statement) > 8192:
            return found
        if len(self) >= self._limits.fingerprints or self._characters >= 4_194_304:
            for known in list(self._known.values()):
                known.clear()
            self._characters = 0
        texts[statement] = found
        self._characters += len(statement) + len(found.text)
        return found


class _Texts(dict[str, Fingerprint]):
    """Statements of one dialect; looking a new one up makes its fingerprint, at the speed of a dict for known ones."""

    def __init__(self, owner: Fingerprints, dialect: str) -> None:
        super().__init__()
        self._owner = owner
        self.dialect = dialect

    def __missing__(self, statement: str) -> Fingerprint:
        return self._owner.make(statement, self)
