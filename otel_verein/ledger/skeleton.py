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

try:
    from otel_verein.ledger import _skeleton  # type: ignore[attr-defined]
except ImportError:  # another platform, or installed where there was no compiler
    _skeleton = None

WHOLE = b"\3"
"""In place of the names of a key whose spaces must stay, since its names stand in it."""

Skeleton = tuple[bytes, bytes, bytes]
"""The code with NUL for values, the quoted names, and the digits of other names."""

_HIGH = bytes(range(0x80, 0x100))
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_DIGITS = b"0123456789"
_SPACES = b"\t\n\v\f\r"
_WORDS = _LETTERS + _DIGITS + _HIGH
_COMMON = _WORDS + _SPACES + b" ,.()=<>+*;|&?!"
_FLAT = bytes.maketrans(_DIGITS + _SPACES, b"\1" * 10 + b" " * 5)
_FLAT_QUESTIONS = bytes.maketrans(_DIGITS + b"?" + _SPACES, b"\1" * 10 + b"\0" + b" " * 5)
_NAME = b"\2"
# bytes as numbers: looking one up takes a tenth of the time of looking up a bytes object of length one
_VALUE_BYTE, _DIGIT_BYTE, _NAME_BYTE = 0, 1, 2
_SLASH, _BACKSLASH, _HASH, _PERCENT, _DOLLAR, _COLON, _DASH = b"/\\#%$:-"
_SINGLE, _DOUBLE = b"'\""
_CUT = b"\2cut"
_NO_ROWS = frozenset([b"s", b"S", b"d", b"D"])  # SELECT and DELETE have lists of values, but hardly of rows

_WORD = rb"\w$\x80-\xff"
_NUMBERS = re.compile(rb"\x01(?<![\x01\0\"`\[" + _WORD + rb"]\x01)[\x01\0., ]*(?<=[\x01\0])(?![\x01" + _WORD + rb"])")
_VALUES = re.compile(rb"\0(?=[,\0])[\0., ]*(?<=\0)")
_NAME_DIGITS = re.compile(rb"\x01(?<=[\0A-Za-z_$\"`\[\x80-\xff]\x01)\x01*")
_DOLLAR_TEXT = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$")
_DOLLAR_VALUES = re.compile(rb"\$(?<![\0" + _WORD + rb"]\$)[0-9]+(?:, ?\$[0-9]+)*")
_PERCENT_VALUES = re.compile(rb"%\([A-Za-z_]\w*\)s(?:, ?%\([A-Za-z_]\w*\)s)*")
_COLON_VALUE = re.compile(rb":(?<![:\w\x80-\xff\0\]]:)[A-Za-z_]\w*(?![" + _WORD + rb"])")
_CASTS = re.compile(rb"\0::([A-Za-z_]\w*)(?:, \0::\1)*(?=[,)])")


def skeleton(statement: str, dialect: Dialect, *, cut: bool = False) -> Skeleton | None:
    """The key of *statement*'s shape, or None where its text is not plain; *cut* texts have shapes of their own.

    A statement has its key from the compiled pass if that is there and can read it, and always from the same one.
    """
    if _skeleton is not None:
        key = _skeleton.skeleton(statement, dialect.flags)
        if key is not None:
            return (key + _CUT if cut else key), WHOLE, b""
    return interpreted(statement, dialect, cut=cut)


def interpreted(statement: str, dialect: Dialect, *, cut: bool = False) -> Skeleton | None:
    """:func:`skeleton` without the compiled pass."""
    plain: bytes | None = statement.encode("utf-8", "surrogatepass")
    if plain is None or (_SLASH in plain and b"/*" in plain and (plain := _without_outer_comments(plain)) is None):
        return None
    code, names = plain, b""
    odd = code.translate(None, _COMMON)
    if odd:
        if _VALUE_BYTE in odd or _DIGIT_BYTE in odd or _NAME_BYTE in odd or (_BACKSLASH in odd and b"\\'" in code):
            return None
        split = _without_odd_names(code, odd, dialect.name_quotes)
        if split is None:
            return None
        code, names = split
        if (without := _without_texts(code, names, odd, dialect)) is None:
            return None
        code = without
        odd = code.translate(None, _COMMON)
        if (_DASH in odd and b"--" in code) or (dialect.hash_comments and _HASH in odd):
            return None
        if dialect.q_texts and (b"q\0" in code or b"Q\0" in code):
            return None
        if _PERCENT in odd or _DOLLAR in odd or _COLON in odd:
            code = _without_placeholders(code, odd, dialect)
            if (_COLON in odd and (b":\0" in code or b":?" in code)) or (_DOLLAR in odd and b"\0$" in code):
                return None
            if dialect.dollar_texts and _DOLLAR in code and _DOLLAR_TEXT.search(code):
                return None
    flat = code.translate(_FLAT if dialect.question_operators else _FLAT_QUESTIONS)
    found, digits = flat, b""
    if _DIGIT_BYTE in flat:
        found = _NUMBERS.sub(b"\0", flat)
        if _DIGIT_BYTE in found:
            if b"\0\1" in found:
                return None
            digits = b" ".join([code[match.start() : match.end()] for match in _NAME_DIGITS.finditer(flat)])
    found = _shrunk(found)
    return (found + _CUT if cut else found), names, digits


def _without_outer_comments(code: bytes) -> bytes | None:
    """*code* without comments at its very start and end; None if there are others."""
    start = 0
    while code[start : start + 2] == b"/*":
        end = code.find(b"*/", start + 2)
        if end < 0 or code.find(b"/*", start + 2, end + 1) >= 0:
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


def _without_odd_names(code: bytes, odd: bytes, quotes: tuple[bytes, ...]) -> tuple[bytes, bytes] | None:
    """*code* and its quoted names, if any of them is more than a word; words may stay where they are.

    A name is a word if nothing is left between its quotes once the letters are gone; where that holds for all pairs
    of quotes, no other quote can lie in one.
    """
    present = [quote for quote in quotes if quote[0] in odd]
    if not present:
        return code, b""
    marks = code.translate(None, _WORDS)
    if all(_are_words(marks, quote) for quote in present):
        return code, b""
    quote = present[0]
    if len(present) > 1 or quote == b"[":
        return None
    parts = code.split(quote)
    if not len(parts) % 2:
        return None
    return _NAME.join(parts[::2]), quote.join(parts[1::2]) + quote


def _are_words(marks: bytes, quote: bytes) -> bool:
    if quote == b"[":
        return marks.count(b"[") == marks.count(b"]") == marks.count(b"[]")
    return marks.count(quote) == 2 * marks.count(quote + quote)


def _without_texts(code: bytes, names: bytes, odd: bytes, dialect: Dialect) -> bytes | None:
    """*code* with NUL for each string; None if strings and names might lie in one another, or a string is open.

    Names and strings were split without regard for each other. That is right if no name holds the quote of a string
    and no string holds a name.
    """
    quote = b"'"
    if dialect.escapes is Escapes.ALWAYS and _DOUBLE in odd:
        if _SINGLE in odd or b'\\"' in code:
            return None
        quote = b'"'
    if quote[0] not in odd:
        return code
    parts = code.split(quote)
    if not len(parts) % 2 or quote in names:
        return None
    without = b"\0".join(parts[::2])
    if names and without.count(_NAME) != code.count(_NAME):
        return None
    return without


def _without_placeholders(code: bytes, odd: bytes, dialect: Dialect) -> bytes:
    """*code* with NUL for placeholders and for values with a cast in a list."""
    if _PERCENT in odd:
        if b"%(" in code:
            code = _PERCENT_VALUES.sub(b"\0", code)
        code = code.replace(b"%s", b"\0")
    if _DOLLAR in odd:
        code = _DOLLAR_VALUES.sub(b"\0", code)
    if _COLON in odd:
        if not dialect.question_operators:
            code = _COLON_VALUE.sub(b"\0", code)
        if b"\0::" in code:
            code = _CASTS.sub(b"\0", code)
    return code


def _shrunk(code: bytes) -> bytes:
    """*code* with lists of values as one value, and rows of one value as one row, in passes that each halve them."""
    if _VALUE_BYTE not in code:
        return code
    code = _VALUES.sub(b"\0", code)
    if code[:1] not in _NO_ROWS:
        while b"(\0), (\0)" in code:
            code = code.replace(b"(\0), (\0)", b"(\0)")
        while b"(\0),(\0)" in code:
            code = code.replace(b"(\0),(\0)", b"(\0)")
    return code
