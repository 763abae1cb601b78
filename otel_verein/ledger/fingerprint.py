"""What a statement is, whatever its literals: sanitised text, a stable key, a summary, its verb.

Literals and placeholders of any style read ``?`` and lists of them collapse, so ``IN (1, 2)`` and
``IN (%s, %s, %s)`` are one statement. Texts that are equal but for their literals share the work: only the first of
a shape is read token by token.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from otel_verein.config.schema import Limits
from otel_verein.ledger.canonical import canonical, spaced
from otel_verein.ledger.dialect import Dialect, dialect_of
from otel_verein.ledger.masking import mask
from otel_verein.ledger.skeleton import WHOLE, Skeleton, skeleton
from otel_verein.ledger.statement import StatementKind, read

__all__ = ["Fingerprint", "Fingerprints", "StatementKind", "fingerprint"]

_SUMMARY_CHARACTERS = 255  # the semantic conventions' own limit on db.query.summary
_CUT = " /* cut */"
_LIMITS = Limits()

_MET = 2048  # texts met once that are held in mind, by hash
_LONGEST = 8192
_CHARACTERS = 8_388_608

Shape = Skeleton | tuple[str, bool]
"""A plain text's skeleton, or any other text's masked form and whether it was cut."""


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
    head = statement[: limits.fingerprint_bytes]
    rules = dialect_of(dialect, head)
    return _fingerprint(mask(head, rules), rules, limits, cut=len(statement) > len(head))


def _fingerprint(masked: str, dialect: Dialect, limits: Limits, *, cut: bool) -> Fingerprint:
    found = read(canonical(masked, dialect))
    text = spaced(found.tokens) + (_CUT if cut else "")
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
    """Fingerprints of the statements seen: one dictionary look-up for a known text, some passes for a known shape.

    A text is remembered the second time it comes within a while, so that a stream of unique texts takes no room and
    pushes nothing out. Texts and shapes are bounded in number, each, and in characters; past a bound they are
    learned anew. Safe to use from several threads.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[str, _Texts] = {}
        self._characters = 0
        self._met = [0] * _MET

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    @property
    def shapes(self) -> int:
        """How many shapes of statements are remembered, spellings of one counted apart."""
        return sum(len(shapes) for texts in list(self._known.values()) for shapes in list(texts.shapes.values()))

    def of(self, statement: str, dialect: str) -> Fingerprint:
        """The fingerprint of *statement* in *dialect*."""
        return self.within(dialect)(statement)

    def within(self, dialect: str) -> Callable[[str], Fingerprint]:
        """The function that gives fingerprints of one *dialect*; for many at once."""
        return self.texts(dialect).__getitem__

    def texts(self, dialect: str) -> dict[str, Fingerprint]:
        """The statements of one *dialect*: looking up one that is not known makes its fingerprint. Good for ever."""
        texts = self._known.get(dialect)
        if texts is None:
            texts = self._known.setdefault(dialect, _Texts(self, dialect))
        return texts

    def limit(self, limits: Limits) -> None:
        """Hold to *limits* from now on."""
        self._limits = limits

    def make(self, statement: str, texts: _Texts) -> Fingerprint:
        """The fingerprint of a *statement* not known, which is remembered among *texts* if it was met a while ago."""
        found = self._of_shape(statement, texts)
        if len(statement) <= _LONGEST:
            met = hash(statement)
            slot = met % _MET
            if self._met[slot] == met:
                self._make_room(len(self), len(statement))
                texts[statement] = found
            else:
                self._met[slot] = met
        return found

    def _of_shape(self, statement: str, texts: _Texts) -> Fingerprint:
        cut = len(statement) > self._limits.fingerprint_bytes
        head = statement[: self._limits.fingerprint_bytes] if cut else statement
        rules = dialect_of(texts.dialect, head)
        shapes = texts.shapes[rules.names]
        plain = skeleton(head, rules, cut=cut)
        if plain is not None and (found := shapes.get(plain)) is not None:
            return found
        masked = mask(head, rules)
        keys: list[Shape] = [(masked, cut)] if plain is None else [plain]
        if plain is not None and plain[1] != WHOLE:
            keys.insert(0, (b" ".join(plain[0].split()), *plain[1:]))
        found = shapes.get(keys[0]) or _fingerprint(masked, rules, self._limits, cut=cut)
        for key in keys:
            if len(key[0]) <= _LONGEST:
                self._make_room(self.shapes, len(key[0]) + len(found.text))
                shapes[key] = found
        return found

    def _make_room(self, entries: int, characters: int) -> None:
        self._characters += characters
        if entries < self._limits.fingerprints and self._characters <= _CHARACTERS:
            return
        for texts in list(self._known.values()):
            texts.clear()
            texts.shapes.clear()
        self._characters = characters


class _Texts(dict[str, Fingerprint]):
    """Statements of one dialect, and their shapes; a known text costs one look-up at the speed of a dict."""

    def __init__(self, owner: Fingerprints, dialect: str) -> None:
        super().__init__()
        self._owner = owner
        self.dialect = dialect
        self.shapes: defaultdict[str, dict[Shape, Fingerprint]] = defaultdict(dict)  # by the quotes of names

    def __missing__(self, statement: str) -> Fingerprint:
        return self._owner.make(statement, self)
