"""A statement without its values: literals as NUL, comments as a space, quoted names whole.

One walk from opener to opener; each reads to its own end and is read once, so any text takes linear time. What
does not end masks the rest, and so does a string whose end two settings of the server would see in two places.
"""

from __future__ import annotations

import re

from otel_verein.ledger.dialect import Dialect, Escapes

VALUE = "\0"

_PLAIN = {quote: re.compile(rf"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*{quote}", re.DOTALL) for quote in "'\""}
_ESCAPED = {
    quote: re.compile(rf"[^{quote}\\]*(?:(?:\\.|{quote}{quote})[^{quote}\\]*)*{quote}", re.DOTALL) for quote in "'\""
}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PREFIX = re.compile(r"(?:[eEnNxXbBqQ]|[nN][qQ]|[uU]&|_[A-Za-z]\w*)\Z")
_PREFIX_CHARACTERS = 24
_Q_PAIRS = {"[": "]", "{": "}", "(": ")", "<": ">"}


def mask(statement: str, dialect: Dialect) -> str:
    """*statement* as *dialect* reads it, every literal as one NUL; never raises."""
    return _Masking(statement.replace(VALUE, " "), dialect).masked()


class _Masking:
    """One walk over one text; ``_out`` is what is kept of it so far, up to ``_at``."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._out: list[str] = []
        self._at = 0
        self._doubt: int | None = None
        self._unclosed = False

    def masked(self) -> str:
        text, out, search = self._text, self._out, self._dialect.opener.search
        readers = {"text": self._string, "comment": self._comment, "dollar": self._dollar}
        kept = 0
        while (found := search(text, self._at)) is not None:
            start, self._at = found.span()
            kind = found.lastgroup or ""
            if kind.startswith("names"):
                continue
            out.append(text[kept:start])
            if kind == "value":
                out.append(VALUE)
            elif kind == "line":
                out.append(" ")
            elif kind == "open":
                self._rest_is_value()
            else:
                readers[kind](start, self._at)
            kept = self._at
        out.append(text[kept:])
        if self._doubt is not None and (self._unclosed or any("\\" in part for part in out[self._doubt :])):
            out[self._doubt :] = [VALUE]
        return "".join(out)

    def _rest_is_value(self) -> None:
        self._unclosed = True
        self._out.append(VALUE)
        self._at = len(self._text)

    def _comment(self, start: int, end: int) -> None:
        depth, at = 1, end
        while depth:
            edge = _COMMENT_EDGE.search(self._text, at)
            if edge is None:
                self._rest_is_value()
                self._out[-1] = " "
                return
            at = edge.end()
            if edge.group() == "*/":
                depth -= 1
            elif self._dialect.nested_comments:
                depth += 1
            else:
                at = edge.start() + 1  # "/*/" ends a comment that is open
        self._out.append(" ")
        self._at = at

    def _dollar(self, start: int, end: int) -> None:
        tag = self._text[start:end]
        if tag.endswith("$"):
            close = self._text.find(tag, end)
            if close < 0:
                self._rest_is_value()
                return
            self._at = close + len(tag)
        self._out.append(VALUE)

    def _string(self, start: int, end: int) -> None:
        text, quote = self._text, self._text[start]
        prefix = self._take_prefix()
        if self._dialect.q_texts and prefix.lower() in ("q", "nq"):
            self._q_string(end)
            return
        rule = self._dialect.escapes
        if rule is Escapes.PREFIXED and prefix in ("e", "E"):
            escaped, sure = True, True
        else:
            escaped, sure = rule is Escapes.ALWAYS, rule is Escapes.NEVER
        found = (_ESCAPED if escaped else _PLAIN)[quote].match(text, end)
        stop = found.end() if found is not None else len(text)
        if not sure and text.find("\\" + quote, end, stop) >= 0:
            after = text[stop : stop + 1]
            if rule is Escapes.UNKNOWN or (not escaped and (after.isalnum() or after == "_")):
                self._rest_is_value()
                return
            if self._doubt is None:
                self._doubt = len(self._out)
        if found is None:
            self._rest_is_value()
            return
        self._out.append(VALUE)
        self._at = stop

    def _take_prefix(self) -> str:
        """The letters that belong to the string after them, taken off what is kept."""
        before = self._out[-1][-_PREFIX_CHARACTERS:]
        found = _PREFIX.search(before)
        if found is None:
            return ""
        prefix = found.group()
        rest = self._out[-1][: -len(prefix)]
        before = rest[-1:] or "".join(self._out[-2:-1])[-1:]
        if before.isalnum() or (before and before in "_$@#:"):
            return ""
        self._out[-1] = rest
        return prefix

    def _q_string(self, end: int) -> None:
        opening = self._text[end : end + 1]
        close = self._text.find(_Q_PAIRS.get(opening, opening) + "'", end + 1) if opening else -1
        if close < 0:
            self._rest_is_value()
            return
        self._out.append(VALUE)
        self._at = close + 2
