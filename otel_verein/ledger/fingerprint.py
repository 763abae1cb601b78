"""What a statement is, whatever its literals: sanitised text, a stable key, a summary, its verb.

One pass over the text; every token pattern ends where its input ends, so no input makes it backtrack and an
unclosed quote or comment masks the rest. Literals and placeholders of any style read ``?``; lists of them
collapse, so ``IN (1, 2)`` and ``IN (%s, %s, %s)`` are one statement.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otel_verein.config.schema import Limits

_SINGLE = r"'[^']*(?:''[^']*)*'?"
_SINGLE_ESCAPED = r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'?"
_DOUBLE = r'"[^"]*(?:""[^"]*)*"?'
_DOUBLE_ESCAPED = r'"[^"\\]*(?:(?:\\.|"")[^"\\]*)*"?'
_DOLLAR = r"\$(?P<tag>[A-Za-z_]*)\$(?:.*?\$(?P=tag)\$|.*)"
_NUMBER = r"0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_PLACEHOLDER = r"%s|%\([^)]*\)s|\?\d*|(?<![:\w]):[A-Za-z_]\w*|\$\d+"
_SPACE = r"\s+|--[^\n]*|/\*.*?\*/|/\*.*"
_WORD = r"@{0,2}[^\W\d][\w$]*"
_OPERATOR = r"::|->>|->|#>>|#>|@>|<@|<=|>=|<>|!=|\|\||&&|:=|."


def _grammar(*, space: str = _SPACE, literal: str, quoted: str) -> re.Pattern[str]:
    return re.compile(
        f"(?P<space>{space})|(?P<literal>{literal}|{_NUMBER}|{_PLACEHOLDER})"
        f"|(?P<quoted>{quoted})|(?P<word>{_WORD})|(?P<operator>{_OPERATOR})",
        re.DOTALL,
    )


_STANDARD = _grammar(
    literal=f"[eE]{_SINGLE_ESCAPED}|(?:[nNxXbB]|[uU]&)?{_SINGLE}|{_DOLLAR}", quoted=f"{_DOUBLE}|`[^`]*`?"
)
_GRAMMARS = {
    # https://dev.mysql.com/doc/refman/8.0/en/string-literals.html: double quotes and backslashes by default
    "mysql": _grammar(
        space=rf"{_SPACE}|\#[^\n]*",
        literal=f"(?:[nNxXbB]|_[A-Za-z]\\w*)?{_SINGLE_ESCAPED}|{_DOUBLE_ESCAPED}",
        quoted="`[^`]*`?",
    ),
    "sqlite": _grammar(literal=f"[xX]?{_SINGLE}", quoted=rf"{_DOUBLE}|`[^`]*`?|\[[A-Za-z_][^\]]*\]"),
}
_GRAMMARS["mariadb"] = _GRAMMARS["mysql"]

_TIGHT_BEFORE = frozenset({",", ")", ".", ";", "]", "::", "["})
_TIGHT_AFTER = frozenset({"(", ".", "[", "::"})
_SPACED_PAREN = frozenset(
    [
        "IN",
        "VALUES",
        "VALUE",
        "AND",
        "OR",
        "ON",
        "WHERE",
        "FROM",
        "AS",
        "NOT",
        "EXISTS",
        "SELECT",
        "JOIN",
        "USING",
        "ANY",
        "ALL",
        "INTO",
        "BY",
        "OVER",
        "UNION",
    ]
)
_TABLE_AFTER = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "CALL"})
_NO_TABLE = frozenset({"SELECT", "LATERAL", "ONLY", "SET", "IF", "EXISTS", "NOT", "VALUES", "WHERE", "OF", "SKIP"})
_TRANSACTION = frozenset(["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "ABORT"])
_TRANSACTION_PAIRS = frozenset(
    {("START", "TRANSACTION"), ("SET", "TRANSACTION"), ("SET", "AUTOCOMMIT"), ("PREPARE", "TRANSACTION")}
)
_SUMMARY_CHARACTERS = 255  # the semantic conventions' own limit on db.query.summary
_CACHED_CHARACTERS = 8192
_CACHE_CHARACTERS = 4_194_304


_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One statement without its literals.

    ``key`` is 16 hex digits, equal for equal sanitised text; ``verb`` its first word in upper case, empty
    for a blank statement; ``tables`` in order of appearance. ``counted`` is false for transaction verbs and
    blank statements, which are driver traffic, not queries.
    """

    key: str
    text: str
    summary: str
    verb: str
    tables: tuple[str, ...]
    counted: bool


def fingerprint(statement: str, dialect: str = "", limits: Limits = _LIMITS) -> Fingerprint:
    """The fingerprint of *statement* in the dialect of a ``db.system.name``; never raises, linear in its length."""
    cut = statement[: limits.fingerprint_bytes]
    tokens = _collapsed(_masked(_GRAMMARS.get(dialect, _STANDARD), cut))
    words = [token.upper() for token in tokens[:2]]
    verb = words[0] if words and words[0][0].isalpha() else ""
    if verb == "WITH":
        verb = _main_verb(tokens)
    transaction = verb in _TRANSACTION or tuple(words) in _TRANSACTION_PAIRS
    if transaction:
        tokens = tokens[:1]  # savepoint names are generated, one per use
    text = _spaced(tokens)
    if len(statement) > len(cut):
        text += f" /* {len(statement)} characters */"
    tables = () if transaction else tuple(dict.fromkeys(_tables(tokens)))
    return Fingerprint(
        key=hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest(),
        text=_cut_bytes(text, limits.query_text_bytes),
        summary=" ".join([verb, *tables])[:_SUMMARY_CHARACTERS],
        verb=verb,
        tables=tables,
        counted=bool(tokens) and tokens != [";"] and not transaction,
    )


def _main_verb(tokens: list[str]) -> str:
    """The verb of a statement that starts with common table expressions: the first one outside of brackets."""
    depth = 0
    for token in tokens:
        depth += (token == "(") - (token == ")")
        if not depth and token.upper() in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"):
            return token.upper()
    return "WITH"


def _masked(grammar: re.Pattern[str], statement: str) -> Iterator[str]:
    """Tokens without space and comments; literals and placeholders as ``?``, a sign folded into its number."""
    sign = False
    value_before = False
    for match in grammar.finditer(statement):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind in ("literal", "tag"):
            sign, value_before = False, True
            yield "?"
            continue
        if sign:
            yield "-"
            sign = False
        token = match.group()
        if token == "-" and not value_before:
            sign = True
            continue
        value_before = kind == "quoted" or token in (")", "]") or (kind == "word" and not _is_keyword(token))
        yield token
    if sign:
        yield "-"


def _is_keyword(word: str) -> bool:
    return word.upper() in _KEYWORDS


_KEYWORDS = _SPACED_PAREN | frozenset(
    ["BETWEEN", "LIMIT", "OFFSET", "RETURN", "THEN", "ELSE", "WHEN", "CASE", "SET", "LIKE", "IS", "HAVING"]
)


def _collapsed(tokens: Iterator[str]) -> list[str]:
    """Lists of values as one value: ``(?, ?)`` and ``(?), (?)`` as ``(?)``, ``[?, ?]`` as ``[?]``."""
    out: list[str] = []
    opened: list[int] = []
    for token in tokens:
        out.append(token)
        if token in ("(", "["):
            opened.append(len(out) - 1)
        elif token in (")", "]") and opened:
            start = opened.pop()
            inner = out[start + 1 : -1]
            if "?" in inner and _is_value_list(inner):
                out[start + 1 : -1] = ["?"]
                if out[start - 4 : start] == ["(", "?", ")", ","]:
                    del out[start - 1 :]
    while out and out[-1] == ";":
        out.pop()
    return out


def _is_value_list(tokens: list[str]) -> bool:
    after_cast = False
    for token in tokens:
        if not (
            token == "?" or after_cast or (not token[0].isalnum() and token[0] not in '"`_@*') or token in _IN_LISTS
        ):
            return False
        after_cast = token == "::" or (after_cast and token.isidentifier())
    return True


_IN_LISTS = frozenset({"ARRAY", "array", "DEFAULT", "default", "NULL", "null"})


def _spaced(tokens: list[str]) -> str:
    parts: list[str] = []
    before = ""
    for token in tokens:
        tight = (
            not before
            or token in _TIGHT_BEFORE
            or before in _TIGHT_AFTER
            or (token == "(" and before[-1].isalnum() and before.upper() not in _SPACED_PAREN)
        )
        parts.append(token if tight else " " + token)
        before = token
    return "".join(parts)


def _tables(tokens: list[str]) -> Iterator[str]:
    """Names after FROM, JOIN, INTO, UPDATE, without quotes, qualified as written."""
    index = 0
    while index < len(tokens):
        word = tokens[index].upper()
        index += 1
        if word not in _TABLE_AFTER:
            continue
        while index < len(tokens) and tokens[index].upper() in _NO_TABLE - {"SELECT", "VALUES", "SET"}:
            index += 1
        name: list[str] = []
        while index < len(tokens) and (
            tokens[index] == "." or tokens[index][0] in '"`[_' or tokens[index][0].isalpha()
        ):
            if tokens[index].upper() in _NO_TABLE or (name and name[-1] != "." and tokens[index] != "."):
                break
            name.append(tokens[index].strip('"`[]') if tokens[index] != "." else ".")
            index += 1
        if name:
            yield "".join(name)


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
        if len(statement) > _CACHED_CHARACTERS:
            return found
        if len(self) >= self._limits.fingerprints or self._characters >= _CACHE_CHARACTERS:
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
