"""From bytes to text that YAML allows, or why not."""

from __future__ import annotations

import re

from otel_verein.errors import Problem

MAX_BYTES = 1_048_576  # a configuration of thousands of rules has a tenth of it
MAX_DIRECTIVES = 20  # libyaml compares each %TAG line with all before it: a megabyte of them took half a second

_BREAK = re.compile(r"\r\n?|\n")
_BREAK_BYTES = re.compile(rb"\r\n?|\n")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
# https://yaml.org/spec/1.2.2/#51-character-set, without the three that end a line in YAML 1.1 and not in 1.2: an
# editor shows what follows one of them in a comment as comment, and libyaml would read it. It is compiled with the
# first file, since that takes some milliseconds.
_REFUSED = "[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_OTHER_BREAKS = {"\x85": r"\N", "\u2028": r"\L", "\u2029": r"\P"}


def decoded(data: bytes, name: str) -> tuple[str, Problem | None]:
    """The text of *data* without a byte order mark; or the problem that keeps it from being read."""
    if len(data) > MAX_BYTES:
        return "", Problem(name, f"has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = len(_BREAK_BYTES.findall(data, 0, fault.start)) + 1
        return "", Problem(f"{name}:{line}", "is not UTF-8 text; save the file in the encoding UTF-8")
    refused = re.search(_REFUSED, text)
    if refused is not None:
        return "", Problem(f"{name}:{_line(text, refused.start())}", _refusal(refused[0]))
    if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        return "", Problem(name, f"has more than {MAX_DIRECTIVES} lines that begin with '%'")
    return text, None


def lines_of(text: str) -> list[str]:
    """*text* in lines, as YAML and editors count them."""
    return _BREAK.split(text)


def _line(text: str, position: int) -> int:
    return len(_BREAK.findall(text, 0, position)) + 1


def _refusal(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character in _OTHER_BREAKS:
        cure = f"write {_OTHER_BREAKS[character]} between double quotes"
        return f"holds the character {code}, which only some programs take for the end of a line; {cure}"
    return f"holds the character {code}, which YAML does not allow; is the file damaged, or no text?"
