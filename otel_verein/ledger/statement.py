"""What a statement does, from its canonical tokens: class of traffic, verb, tables, whether it writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from otel_verein.ledger.canonical import is_name
from otel_verein.ledger.masking import VALUE


class StatementKind(Enum):
    """QUERY is what the application asks; the others are what a driver or framework sends around it.

    SESSION is a setting of the connection (SET, USE, RESET, DISCARD), which returns nothing; SHOW and PRAGMA
    return rows and are queries. A text of several statements has the kind of the first that is listed here.
    """

    QUERY = "query"
    SESSION = "session"
    TRANSACTION = "transaction"
    BLANK = "blank"


_KINDS = tuple(StatementKind)


@dataclass(frozen=True, slots=True)
class Statement:
    """The tokens that identify a statement, and what they say."""

    tokens: list[str]
    kind: StatementKind
    verb: str
    tables: tuple[str, ...]
    write: bool


_ALONE = frozenset(["COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ABORT", "END"])
_BEGINS = frozenset(
    ["", "TRANSACTION", "TRAN", "WORK", "DEFERRED", "IMMEDIATE", "EXCLUSIVE", "CONCURRENT", "ISOLATION", "READ", "NOT"]
)
_PAIRS = {
    "START": frozenset(["TRANSACTION"]),
    "SAVE": frozenset(["TRANSACTION", "TRAN"]),
    "PREPARE": frozenset(["TRANSACTION"]),
    "XA": frozenset(["START", "BEGIN", "END", "PREPARE", "COMMIT", "ROLLBACK"]),
    "SET": frozenset(["TRANSACTION", "AUTOCOMMIT", "IMPLICIT_TRANSACTIONS"]),
}
_SESSION = frozenset(["SET", "USE", "RESET", "DISCARD"])
_MAIN = frozenset(["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "TABLE"])
_WRITES = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT", "TRUNCATE", "LOAD", "BULK"])
_CHANGES = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE"])
_CURSOR_VERBS = frozenset(["DECLARE", "FETCH", "MOVE", "CLOSE"])
_TABLE_AFTER = frozenset(["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "CALL", "TRUNCATE", "COPY", "USING"])
_SKIPPED = frozenset(["LATERAL", "ONLY", "IF", "EXISTS", "NOT", "TABLE", "IGNORE", "LOW_PRIORITY", "INTO"])
_NO_TABLE = frozenset(["SELECT", "SET", "VALUES", "WHERE", "OF", "SKIP", "NOWAIT", "FROM", "UNNEST", "STDIN", "STDOUT"])
_NOT_UPDATE_AFTER = frozenset(["FOR", "KEY", "DO", "ON", "NO"])
_FROM_FUNCTIONS = frozenset(["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY", "POSITION"])
_NO_QUOTES = str.maketrans("", "", '"`[]')
_LISTED = frozenset(["FROM", "USING", "UPDATE", "TABLE", "TRUNCATE"])


def read(tokens: list[str]) -> Statement:
    """What *tokens* are; generated names of savepoints and cursors are taken out of them."""
    parts = [_Part(part) for part in _split(tokens)] if ";" in tokens else [_Part(tokens)] if tokens else []
    found = [part.kind for part in parts]
    kind = next((kind for kind in _KINDS if kind in found), StatementKind.BLANK)
    main = next((part for part in parts if part.kind is kind), None)
    kept: list[str] = []
    for part in parts:
        kept += [*([";"] if kept else []), *part.tokens]
    return Statement(
        tokens=kept,
        kind=kind,
        verb=main.verb if main else "",
        tables=tuple(dict.fromkeys(name for part in parts for name in part.tables())),
        write=any(part.writes() for part in parts),
    )


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """The statements of one text: *tokens* between semicolons."""
    start = 0
    for index, token in enumerate(tokens):
        if token == ";":
            if index > start:
                yield tokens[start:index]
            start = index + 1
    if start < len(tokens):
        yield tokens[start:]


class _Part:
    """One statement of a text."""

    def __init__(self, tokens: list[str]) -> None:
        self.words = [token.upper() for token in tokens]
        self.verb = self._verb()
        self.kind = self._kind()
        self.tokens = tokens
        if self.kind is StatementKind.TRANSACTION:
            self.tokens = tokens[:1]  # savepoint names are generated, one per use
        elif self.verb in _CURSOR_VERBS:
            self.tokens = self._without_cursor_name(tokens)

    def _verb(self) -> str:
        first = next((word for word in self.words if word not in ("(", "{", VALUE, "=")), "")
        if first == "WITH":
            return self._main_verb()
        return first if first[:1].isalpha() else ""

    def _main_verb(self) -> str:
        """The verb after common table expressions: the first one outside of brackets."""
        depth = 0
        for word in self.words:
            depth += (word == "(") - (word == ")")
            if not depth and word in _MAIN:
                return word
        return "WITH"

    def _kind(self) -> StatementKind:
        second = self.words[1] if len(self.words) > 1 else ""
        if self.verb in _ALONE or (self.verb == "BEGIN" and second in _BEGINS):
            return StatementKind.TRANSACTION
        if second in _PAIRS.get(self.verb, ()) or self.words[:3] == ["SET", "SESSION", "CHARACTERISTICS"]:
            return StatementKind.TRANSACTION
        if self.verb in _SESSION or self.words[:2] == ["ALTER", "SESSION"]:
            return StatementKind.SESSION
        return StatementKind.QUERY

    def _without_cursor_name(self, tokens: list[str]) -> list[str]:
        """*tokens* with a value for the cursor's name if a number in it says that it was generated."""
        if self.verb == "DECLARE":
            at = 1 if "CURSOR" in self.words[2:8] else 0
        else:
            at = len(tokens) - 1
        if at > 0 and is_name(tokens[at]) and any(character.isdigit() for character in tokens[at]):
            return [*tokens[:at], VALUE, *tokens[at + 1 :]]
        return tokens

    def writes(self) -> bool:
        """Whether this changes rows, as far as its text says; a procedure may or may not."""
        if self.kind is not StatementKind.QUERY:
            return False
        if self.verb == "COPY":
            return self._outside_brackets("FROM")
        changes_within = self.words[0] == "WITH" and any(
            before == "(" and word in _CHANGES for before, word in zip(self.words, self.words[1:], strict=False)
        )
        return self.verb in _WRITES or changes_within

    def _outside_brackets(self, wanted: str) -> bool:
        depth = 0
        for word in self.words:
            depth += (word == "(") - (word == ")")
            if not depth and word == wanted:
                return True
        return False

    def tables(self) -> Iterator[str]:
        """Names where a statement has its tables, without quotes, qualified as written, in order."""
        if self.kind is not StatementKind.QUERY or self.verb in _CURSOR_VERBS - {"DECLARE"}:
            return
        own = self._expressions()
        inside = self._inside_functions() if not _FROM_FUNCTIONS.isdisjoint(self.words) else frozenset()
        end = 0
        for index, word in enumerate(self.words):
            if word in _TABLE_AFTER and index >= end and index not in inside and self._names_tables(word, index):
                names, end = self._names(index + 1, listed=word in _LISTED)
                yield from (name for name in names if name.upper() not in own)

    def _inside_functions(self) -> frozenset[int]:
        """Where a FROM belongs to a function such as EXTRACT."""
        found: set[int] = set()
        functions: list[str] = []
        for index, word in enumerate(self.words):
            if word == "(":
                functions.append(self.words[index - 1] if index else "")
            elif word == ")" and functions:
                functions.pop()
            elif word == "FROM" and functions and functions[-1] in _FROM_FUNCTIONS:
                found.add(index)
        return frozenset(found)

    def _expressions(self) -> set[str]:
        """The names of common table expressions, in upper case."""
        found: set[str] = set()
        if self.words[0] != "WITH":
            return found
        opened: list[int] = []
        last_opened = 0
        for index, word in enumerate(self.words):
            if word == "(":
                opened.append(index)
            elif word == ")" and opened:
                last_opened = opened.pop()
            elif word == "AS" and index and "(" in self.words[index + 1 : index + 4]:
                named = last_opened if self.words[index - 1] == ")" else index
                found.add(_unquoted(self.words[max(named - 1, 0)]))
        return found

    def _names_tables(self, word: str, index: int) -> bool:
        before = self.words[index - 1] if index else ""
        if word == "UPDATE":
            return before not in _NOT_UPDATE_AFTER
        if word == "FROM":
            return before != "DISTINCT"
        if word in ("TRUNCATE", "COPY"):
            return not index
        return word != "USING" or self.verb in ("DELETE", "MERGE")

    def _names(self, index: int, *, listed: bool) -> tuple[list[str], int]:
        """The names from *index* on and where they end; of a list with commas all, and each may have an alias."""
        words, found = self.words, []
        while index < len(words):
            while index < len(words) and words[index] in _SKIPPED:
                index += 1
            name, index = self._name(index)
            if not name:
                break
            if words[index : index + 1] != ["("] or not listed:  # else a function that returns rows
                found.append(name)
            end = index
            while end < min(index + 2, len(words)) and is_name(words[end]) and words[end] not in _TABLE_AFTER:
                end += 1
            if not listed or words[end : end + 1] != [","]:
                break
            index = end + 1
        return found, index

    def _name(self, index: int) -> tuple[str, int]:
        name: list[str] = []
        while index < len(self.words) and (is_name(self.words[index]) or self.words[index] == "."):
            word = self.words[index]
            if word in _NO_TABLE or (name and name[-1] != "." and word != "."):
                break
            name.append(_unquoted(self.tokens[index]))
            index += 1
        return "".join(name), index


def _unquoted(token: str) -> str:
    return token.translate(_NO_QUOTES)
