"""A key that texts of one shape share, made without reading them token by token.

Every step is one call of the interpreter's own C code over the whole text: splitting at quotes, one byte table,
replacing pairs. Python's regular expressions look at each character in turn, at about the cost of the whole budget,
so they are used only where a first byte that they can search for is known to be there. The steps are right only
for plain texts; any text that might not be plain has no skeleton and is read in full. A skeleton may tell apart
what is one statement, never join what is two.
"""

from __future__ import annotations

import re

from otel_verein.ledger.dialect import Dialect, Escapes

Skeleton = tuple[bytes, bytes, bytes]
"""The code with NUL for values, the quoted names, and the digits of other names."""

_WORD = rb"\w$\x80-\xff"
_NUMBERS = re.compile(rb"\x01(?<![\x01" + _WORD + rb"]\x01)[\x01\0., ]*(?<=[\x01\0])(?![\w\x80-\xff])")
_VALUES = re.compile(rb"\0[\0., ]*(?<=\0)")
_NAME_DIGITS = re.compile(rb"\x01(?<=[A-Za-z_$\x80-\xff]\x01)\x01*")
_DOLLAR_TEXT = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_DOLLAR_VALUES = re.compile(rb"\$(?<![" + _WORD + rb"]\$)[0-9]+(?:, ?\$[0-9]+)*")
_PERCENT_VALUES = re.compile(rb"%\([A-Za-z_]\w*\)s(?:, ?%\([A-Za-z_]\w*\)s)*")
_COLON_VALUE = re.compile(rb":(?<![:\w\x80-\xff\0\]]:)[A-Za-z_]\w*(?![" + _WORD + rb"])")
_CASTS = re.compile(rb"\0::([A-Za-z_]\w*)(?:, \0::\1)*(?=[,)])")
_SPACES = b"\t\n\v\f\r"
_DIGITS = b"0123456789"
_FLAT = bytes.maketrans(_DIGITS + _SPACES, b"\1" * 10 + b" " * 5)
_FLAT_QUESTIONS = bytes.maketrans(_DIGITS + b"?" + _SPACES, b"\1" * 10 + b"\0" + b" " * 5)
_NAME = b"\2"
_CUT = b"\2cut"


def skeleton(statement: str, dialect: Dialect, *, cut: bool = False) -> Skeleton | None:
    """The key of *statement*'s shape, or None where its text is not plain; *cut* texts have shapes of their own."""
    code: bytes | None = statement.encode("utf-8", "surrogatepass")
    if code is None or b"\0" in code or b"\1" in code or _NAME in code or (b"\\" in code and b"\\'" in code):
        return None
    if b"/" in code and b"/*" in code and (code := _without_outer_comments(code)) is None:
        return None
    names = b""
    quote = b"`" if dialect.escapes is Escapes.ALWAYS else b'"'
    if quote in code:
        parts = code.split(quote)
        if not len(parts) % 2:
            return None
        names = quote.join(parts[1::2]) + quote
        code = _NAME.join(parts[::2])
    if (code := _without_texts(code, names, dialect)) is None or not _is_plain(code, dialect):
        return None
    code = _without_placeholders(code, dialect)
    if dialect.dollar_texts and b"$" in code and _DOLLAR_TEXT.search(code):
        return None
    flat = code.translate(_FLAT if dialect.question_operators else _FLAT_QUESTIONS)
    found, digits = flat, b""
    if b"\1" in flat:
        found = _NUMBERS.sub(b"\0", flat)
        if b"\1" in found:
            digits = b" ".join([code[match.start() : match.end()] for match in _NAME_DIGITS.finditer(flat)])
    found = _shrunk(found)
    return (found + _CUT if cut else found), names, digits


def _without_outer_comments(code: bytes) -> bytes | None:
    """*code* without comments at its very start and end; None if there are others."""
    start = 0
    while code[start : start + 2] == b"/*":
        end = code.find(b"*/", start + 2)
        if end < 0 or code.find(b"/*", start + 2, end) >= 0:
            return None
        start = end + 2
        while code[start : start + 1].isspace():
            start += 1
    last = code.find(b"/*", start)
    if last < 0:
        return code[start:]
    end = code.find(b"*/", last + 2)
    if end < 0 or code.find(b"/*", last + 2) >= 0 or code[end + 2 :].strip(b"; \t\r\n"):
        return None
    return code[start:last]


def _without_texts(code: bytes, names: bytes, dialect: Dialect) -> bytes | None:
    """*code* with NUL for each string; None if strings and names might lie in one another, or a string is open.

    Both were split without regard for the other. That is right if no name holds a quote and no string a name.
    """
    quote = b"'"
    if dialect.escapes is Escapes.ALWAYS and b'"' in code:
        if b"'" in code or b'\\"' in code:
            return None
        quote = b'"'
    if names and (b"'" in names or (dialect.escapes is Escapes.ALWAYS and b'"' in names)):
        return None
    if quote not in code:
        return code
    parts = code.split(quote)
    if not len(parts) % 2:
        return None
    without = b"\0".join(parts[::2])
    if names and without.count(_NAME) != code.count(_NAME):
        return None
    return without


def _is_plain(code: bytes, dialect: Dialect) -> bool:
    """Whether *code*, its strings and names taken out, has no comment and no other kind of string or name."""
    if (b"-" in code and b"--" in code) or (dialect.hash_comments and b"#" in code):
        return False
    if ("[" in dialect.names and b"[" in code) or ("`" in dialect.names and '"' in dialect.names and b"`" in code):
        return False
    return not (dialect.q_texts and (b"q\0" in code or b"Q\0" in code))


def _without_placeholders(code: bytes, dialect: Dialect) -> bytes:
    """*code* with NUL for placeholders and for values with a cast in a list."""
    if b"%" in code:
        if b"%(" in code:
            code = _PERCENT_VALUES.sub(b"\0", code)
        code = code.replace(b"%s", b"\0")
    if b"$" in code:
        code = _DOLLAR_VALUES.sub(b"\0", code)
    if b":" in code:
        if not dialect.question_operators:
            code = _COLON_VALUE.sub(b"\0", code)
        if b"\0::" in code:
            code = _CASTS.sub(b"\0", code)
    return code


def _shrunk(code: bytes) -> bytes:
    """*code* with lists of values as one value; rows in passes that each halve them."""
    if b"\0" not in code:
        return code
    code = _VALUES.sub(b"\0", code)
    if b"(\0)" in code:
        while b"(\0), (\0)" in code:
            code = code.replace(b"(\0), (\0)", b"(\0)")
        while b"(\0),(\0)" in code:
            code = code.replace(b"(\0),(\0)", b"(\0)")
    return code
