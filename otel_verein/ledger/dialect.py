"""How each database reads quotes, escapes and comments, by its ``db.system.name``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum


class Escapes(Enum):
    """What a backslash before a quote means: part of the text, an escape, an escape after ``E``, or either."""

    NEVER = "never"
    ALWAYS = "always"
    PREFIXED = "prefixed"
    UNKNOWN = "unknown"


NAMES = {
    '"': '"[^"]*(?:""[^"]*)*"',
    "`": "`[^`]*(?:``[^`]*)*`",
    "[": r"\[[^\]]*(?:\]\][^\]]*)*\]",
}
"""The pattern of a whole quoted name, by its first character."""


@dataclass(frozen=True)
class Dialect:
    """The lexical rules of one kind of database.

    ``names`` are the characters that quote identifiers, ``texts`` those that quote strings. ``loose_names`` says
    that the server may read a double-quoted name as a string where no such column exists or a setting says so.
    ``opener`` finds the next thing that is not plain code; ``token`` splits masked code, values being NUL.
    """

    names: str
    texts: str
    escapes: Escapes
    loose_names: bool = False
    nested_comments: bool = False
    hash_comments: bool = False
    dollar_texts: bool = False
    q_texts: bool = False
    at_values: bool = False
    question_operators: bool = False
    name_quotes: tuple[bytes, ...] = field(init=False)
    flags: int = field(init=False)
    opener: re.Pattern[str] = field(init=False)
    token: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flags", self._flags())
        object.__setattr__(self, "name_quotes", tuple(quote.encode() for quote in self.names))
        object.__setattr__(self, "opener", re.compile(self._opener(), re.DOTALL))
        object.__setattr__(self, "token", re.compile(rf"\s*({'|'.join(self._tokens())})", re.DOTALL))

    def _flags(self) -> int:
        """The rules as ``_skeleton.c`` takes them, a bit each."""
        rules = (
            '"' in self.texts,
            '"' in self.names,
            "`" in self.names,
            "[" in self.names,
            self.escapes is Escapes.NEVER,
            self.nested_comments,
            self.hash_comments,
            self.dollar_texts,
            self.question_operators,
        )
        return sum(1 << bit for bit, holds in enumerate(rules) if holds)

    def _opener(self) -> str:
        """One class of first characters, which the engine skips to, and alternatives that look back at it."""
        dash = r"(?<=-)-(?=\s|\Z)" if self.hash_comments else r"(?<=-)-"
        line = rf"(?:{dash}|(?<=\#))[^\n]*" if self.hash_comments else rf"{dash}[^\n]*"
        dollar = r"(?<=\$)(?<![\w$]\$)(?:[0-9]+"
        names = [(quote, NAMES[quote]) for quote in self.names]
        alternatives = [
            r"(?P<value>(?<=[0-9])(?<![\w$][0-9])(?:[0-9.,\s]*(?<=[0-9])(?![\w$])|[\w.$]*(?:(?<=[eE])[+-][0-9]+)?)"
            r"|(?<=%)(?:s|\(\w*\)[sbt])"
            r"|(?<=')(?<![\w&$]')[^'\\]*'(?!'))",  # the plain string: no prefix, escape or doubled quote
            f"(?P<text>(?<=[{self.texts}]))",
            *(
                rf"(?P<names{number}>(?<={re.escape(quote)}){name[name.index('[^') :]}(?:[.,\s]*{name})*)"
                for number, (quote, name) in enumerate(names)
            ),
            f"(?P<open>(?<=[{re.escape(self.names)}]))",
            f"(?P<line>{line})",
            r"(?P<comment>(?<=/)\*)",
            rf"(?P<dollar>{dollar}|(?:[^\W\d]\w*)?\$))" if self.dollar_texts else rf"(?P<dollar>{dollar}))",
        ]
        first = re.escape(f"%-/${self.texts}{self.names}{'#' if self.hash_comments else ''}")
        return f"[0-9{first}](?:{'|'.join(alternatives)})"

    def _tokens(self) -> list[str]:
        """Alternatives, one of which matches at any character but a space."""
        word = r"[@\#]{0,2}\w[\w$\#@]*" if "[" in self.names else r"@{0,2}\w[\w$]*"
        name = "|".join([word, *(NAMES[quote] for quote in self.names)])
        return [
            "\0",
            rf"(?:{name})(?:\.(?:{name}|\*))*",
            r"::",
            r"(?<![:\w\0\]]):(?:[^\W\d]\w*|\0)",
            r"\$\w+",
            r"\?[|&]?" if self.question_operators else r"\?\0?",
            r"->>|->|\#>>|\#>|\#-|@>|<@|@@|<=>|<->|<=|>=|<>|!=|=>|\|\||&&|:=|<<|>>|!~\*|!~|~\*",
            r"\S",
        ]


_MYSQL = Dialect(names="`", texts="'\"", escapes=Escapes.ALWAYS, hash_comments=True)
_OTHER = Dialect(names='"`', texts="'", escapes=Escapes.UNKNOWN, loose_names=True, dollar_texts=True, at_values=True)
_DIALECTS = {
    # https://dev.mysql.com/doc/refman/8.0/en/string-literals.html: double quotes and backslashes by default
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    # https://www.postgresql.org/docs/current/sql-syntax-lexical.html
    "postgresql": Dialect(
        names='"',
        texts="'",
        escapes=Escapes.PREFIXED,
        nested_comments=True,
        dollar_texts=True,
        question_operators=True,
    ),
    # https://www.sqlite.org/lang_keywords.html and https://www.sqlite.org/quirks.html#dblquote
    "sqlite": Dialect(names='"`[', texts="'", escapes=Escapes.NEVER, loose_names=True, at_values=True),
    "microsoft.sql_server": Dialect(
        names='"[', texts="'", escapes=Escapes.NEVER, loose_names=True, nested_comments=True, at_values=True
    ),
    "oracle.db": Dialect(names='"', texts="'", escapes=Escapes.NEVER, q_texts=True),
}


def dialect_of(system: str, statement: str) -> Dialect:
    """The rules for *statement*; those of MySQL where the database is unknown and backticks say enough."""
    known = _DIALECTS.get(system)
    if known is not None:
        return known
    return _MYSQL if "`" in statement else _OTHER
