"""Changes to the text of a configuration that leave every other character as it was.

Comments, order, quotes, indentation, blank lines, the kind of line breaks and a missing last one stay. What is changed
is read again before it is given out: it says what it said before, with just the change, or it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_verein.config.editing import written
from otel_verein.config.editing.data import data_of, same, with_value, without
from otel_verein.config.editing.layout import Piece, layout
from otel_verein.errors import ConfigError, Problem

MARK = "\ufeff"  # some editors begin a file with it; it is no part of the first line
BY_HAND = "cannot be changed by machine where it stands; edit it by hand"


def set_value(text: str, path: Sequence[str], value: object, name: str = "verein.yaml") -> str:
    """*text* with *value* at *path*, such as ``("thresholds", "queries")``.

    A new key comes last in its section, before the blank lines and comments that go with what follows; a new section
    comes last in the file. A value that is there already leaves the text as it is. *name* is what problems call the
    file. Raises :class:`ConfigError` if the text cannot be read, *path* leads through something that is no section or
    that other places share by an anchor, or the value is none that a file can hold.
    """
    before = data_of(text, name)
    expected = with_value(before, path, value, name)
    if same(before, expected):
        return text
    edit = _Edit(text, path, name)
    return edit.verified(edit.set(value), expected)


def unset_value(text: str, path: Sequence[str], name: str = "verein.yaml") -> str:
    """*text* without the key at *path*, its lines and the comment at their end.

    Comment lines above the key stay, because nothing says whether they are about it alone. A section that loses its
    last key goes, too, unless comment lines stand in it: those keep the name of the section, with nothing set in it.
    Raises :class:`ConfigError` as :func:`set_value` does, and if nothing is set at *path*.
    """
    before = data_of(text, name)
    without(before, path, name)  # refuses what is not set
    edit = _Edit(text, path, name)
    depth = edit.removable()
    if edit.leaves_empty(depth):
        expected = with_value(before, path[: depth - 1], None, name)
    else:
        expected = without(before, path[:depth], name)
    return edit.verified(edit.unset(depth), expected)


@dataclass(slots=True, eq=False)
class _Step:
    """One key on the way: the mapping it is in, its place there, and its value."""

    section: Piece
    index: int
    key: Piece
    value: Piece


class _Edit:
    """One change of one text."""

    def __init__(self, text: str, path: Sequence[str], name: str) -> None:
        self._mark = MARK if text.startswith(MARK) else ""
        self._path = tuple(path)
        self._name = name
        self._in = layout(text[len(self._mark) :])
        self._text = self._in.text
        self._steps: list[_Step] = []
        self._walk()

    def verified(self, text: str, expected: dict[str, object]) -> str:
        """*text* with the mark of the original, if it says what is *expected*."""
        try:
            right = same(data_of(text, self._name), expected)
        except ConfigError:
            right = False
        if not right:
            raise self._refused(BY_HAND)
        return self._mark + text

    def set(self, value: object) -> str:
        """The text with *value* at the path."""
        rest = self._path[len(self._steps) :]
        try:
            if not rest:
                return self._replace(self._steps[-1], value)
            section = self._steps[-1].value if self._steps else self._in.root
            if section is None:
                return self._insert(self._in.end, written.member_lines(rest, value, 0, 2))
            if section.kind == "mapping":
                insert = self._insert_in_flow if section.flow else self._append
                return insert(section, rest, value)
            if self._steps:
                return self._open(self._steps[-1], rest, value)
            raise self._refused(BY_HAND)  # a document that is `null`
        except written.NotWritableError as fault:
            raise self._refused(str(fault)) from None

    def removable(self) -> int:
        """How much of the path goes: less than all of it where sections would be left with nothing in them."""
        depth = len(self._steps)
        while depth > 1 and self._is_alone(depth) and not self._has_comments(depth - 1):
            depth -= 1
        return depth

    def leaves_empty(self, depth: int) -> bool:
        """Whether a section stays that loses its last key, the one at *depth* of the path."""
        return depth > 1 and self._is_alone(depth)

    def unset(self, depth: int) -> str:
        """The text without the key at *depth* of the path."""
        step = self._steps[depth - 1]
        if step.section.flow:
            return self._unset_in_flow(step)
        start, end = self._in.line_start(step.key.start), self._in.next_line(step.value.end)
        if end == len(self._text) == self._in.line_end(step.value.end):
            start = len(_without_break(self._text[:start]))  # the line before is the last one now, as open as this was
        return self._text[:start] + self._text[end:]

    def _is_alone(self, depth: int) -> bool:
        return len(self._steps[depth - 1].section.children) == 2

    def _has_comments(self, depth: int) -> bool:
        """Whether comment lines stand in the section at *depth* of the path, whose only key is on the path."""
        outer, only = self._steps[depth - 1], self._steps[depth]
        if outer.value.flow:
            return False
        begin, end = self._in.next_line(outer.key.end), self._in.next_line(only.value.end)
        after = self._in.comments_from(end, self._in.column(outer.key.start) + 1)
        return after > end or self._in.has_comment(begin, self._in.line_start(only.key.start))

    def _walk(self) -> None:
        aliases = [piece for piece in self._in.root.parts() if piece.kind == "alias"] if self._in.root else []
        section = self._in.root
        for part in self._path:
            if section is None or section.kind != "mapping":
                break
            self._refuse_shared(section, aliases, whole=False)
            found = next((n for n, (key, _) in enumerate(section.pairs()) if key.value == part), None)
            if found is None:
                break
            key, value = section.pairs()[found]
            self._steps.append(_Step(section, found, key, value))
            section = value
        if len(self._steps) == len(self._path):
            self._refuse_shared(self._steps[-1].value, aliases, whole=True)
        elif section is not None and section.kind == "alias":
            raise self._refused(f"stands elsewhere and is repeated here by *{section.value}; edit it by hand", section)

    def _refuse_shared(self, piece: Piece, aliases: Sequence[Piece], whole: bool) -> None:
        """Refuse what other places repeat: a section on the way, or anything in a value that is replaced *whole*."""
        inside = {part.anchor for part in piece.parts() if part.anchor} if whole else {piece.anchor}
        for alias in aliases:
            if alias.value in inside and not (whole and piece.start <= alias.start < piece.end):
                what = f"is repeated in line {self._in.line(alias.start)} by *{alias.value}; edit it by hand"
                raise self._refused(what, piece)

    def _replace(self, step: _Step, value: object) -> str:
        old, inner = step.value, self._in
        style = old.style if old.kind == "scalar" else ""
        colon = inner.after_colon(step.key)
        if colon is None or step.section.flow:
            colon = step.key.end if colon is None else colon
            lead = ": " if colon == step.key.end else " " if old.start == colon else self._text[colon : old.start]
            return self._text[:colon] + lead + written.on_one_line(value, style) + self._text[max(old.end, colon) :]
        column = inner.column(step.key.start)
        _, *more = written.member_lines((step.key.value,), value, column, inner.step())
        if more:
            return self._spread(step, colon, more)
        one_line = written.on_one_line(value, style)
        if old.block and inner.line_start(old.start) > step.key.start:
            start, end = inner.line_start(old.start), inner.next_line(old.end)
            kept = self._text[:colon] + " " + one_line + self._text[colon:start] + self._text[end:]
            return kept if end < len(self._text) or _ends_with_break(self._text) else _without_break(kept)
        lead = "" if old.start > colon else " "
        return self._text[: old.start] + lead + one_line + self._text[old.end :]

    def _spread(self, step: _Step, colon: int, lines: list[str]) -> str:
        """The value of a step written over *lines* below its key; a comment beside the old value stays there."""
        old, lines_text = step.value, self._in.line_break().join(lines)
        start = self._in.line_start(old.start)
        if start > step.key.start:
            return self._text[:start] + lines_text + self._text[old.end :]
        end = self._in.line_end(old.end)
        return self._text[:colon] + self._text[old.end : end] + self._in.line_break() + lines_text + self._text[end:]

    def _open(self, step: _Step, rest: Sequence[str], value: object) -> str:
        """The text with the first member of a section that is there and empty."""
        if step.section.flow:
            return self._replace(step, _nested(rest, value))
        column, step_width = self._in.column(step.key.start), self._in.step()
        lines = written.member_lines(rest, value, column + step_width, step_width)
        if not step.value.empty:  # null, or ~
            return self._spread(step, self._in.after_colon(step.key) or step.key.end, lines)
        return self._insert(self._in.comments_from(self._in.next_line(step.value.end), column + 1), lines)

    def _append(self, section: Piece, rest: Sequence[str], value: object) -> str:
        column = self._in.column(section.children[0].start)
        lines = written.member_lines(rest, value, column, self._in.step())
        if section is self._in.root:
            return self._insert(self._in.end, lines)
        deeper = self._in.column(self._steps[-1].key.start) + 1
        return self._insert(self._in.comments_from(self._in.next_line(section.end), deeper), lines)

    def _insert(self, at: int, lines: Sequence[str]) -> str:
        ending = self._in.line_break()
        added = ending.join(lines)
        before, after = self._text[:at], self._text[at:]
        if before and not _ends_with_break(before):
            return before + ending + added  # the last line was open, and is so again
        return before + added + ending + after

    def _insert_in_flow(self, section: Piece, rest: Sequence[str], value: object) -> str:
        member = written.on_one_line({rest[0]: _nested(rest[1:], value)})[1:-1]
        if not section.children:
            at = self._text.index("{", section.start) + 1
            return self._text[:at] + member + self._text[at:]
        last = section.children[-1]
        comma = " , " if last.empty and self._text[last.end - 1] == ":" else ", "
        return self._text[: last.end] + comma + member + self._text[last.end :]

    def _unset_in_flow(self, step: _Step) -> str:
        pairs = step.section.pairs()
        if step.index > 0:
            return self._text[: pairs[step.index - 1][1].end] + self._text[step.value.end :]
        if len(pairs) > 1:
            return self._text[: step.key.start] + self._text[pairs[1][0].start :]
        opening = self._text.index("{", step.section.start)
        return self._text[: opening + 1] + self._text[step.section.end - 1 :]

    def _refused(self, what: str, piece: Piece | None = None) -> ConfigError:
        if piece is None and self._steps:
            piece = self._steps[-1].key
        line = self._in.line(piece.start) if piece else 1
        return ConfigError([Problem(f"{self._name}:{line}", f"{'.'.join(self._path)}: {what}")])


def _nested(path: Sequence[str], value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _ends_with_break(text: str) -> bool:
    return text.endswith(("\n", "\r", "\x85", "\u2028", "\u2029"))


def _without_break(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text[:-1] if _ends_with_break(text) else text
