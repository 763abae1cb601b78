"""From the events of YAML to nodes: one pass, no recursion, each bound checked before it can cost anything."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import yaml

from otel_verein.config.document.complaints import MAX_DEPTH, TOO_DEEP, syntax_problem
from otel_verein.config.document.frames import Frame, ListFrame, MapFrame
from otel_verein.config.document.nodes import Node, Scalar
from otel_verein.config.document.problems import Problems
from otel_verein.config.document.scalars import NUMBER_CHARS, meaning, oversized
from otel_verein.config.shown import shown_key

MAX_NODES = 10_000  # keys and values, aliases as they expand: some 2,000 rules, read within 30 ms
_STANDARD_TAGS = "tag:yaml.org,2002:"


class _Anchored(NamedTuple):
    """What an anchor names; *node* is None where it cannot be read."""

    node: Node | None
    nodes: int = 1
    height: int = 0
    text: str | None = None  # a scalar's, which an alias makes a key
    is_open: bool = False


_UNREADABLE = _Anchored(None)


class Composer:
    """Composes one document, once; :attr:`problems` holds what it found wrong."""

    def __init__(self, name: str) -> None:
        self.problems = Problems(name)
        self._root: Node | None = None
        self._documents = 0
        self._nodes = 0
        self._frames: list[Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._handlers: dict[type[yaml.Event], Callable[[Any, int], None]] = {
            yaml.DocumentStartEvent: self._document,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._collection,
            yaml.MappingStartEvent: self._collection,
            yaml.SequenceEndEvent: self._collection_end,
            yaml.MappingEndEvent: self._collection_end,
        }

    def compose(self, text: str) -> Node | None:
        """The root of *text*; None where there is none, or a problem ended the reading."""
        problems, handlers = self.problems, self._handlers
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        parsing: Any = yaml.parse(text, Loader=loader)  # a generator; closing it frees the parser
        with closing(parsing) as events:
            try:
                for event in events:
                    handler = handlers.get(type(event))
                    if handler is not None:
                        handler(event, event.start_mark.line + 1)
                        if problems.ended:
                            return None
            except (yaml.YAMLError, ValueError, OverflowError) as fault:  # the last two from PyYAML's own scanner
                problems.end(*syntax_problem(fault, text))
                return None
        return self._root

    def _document(self, event: yaml.DocumentStartEvent, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            self.problems.end(line, "begins a second document; a file holds one")

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._count(1, 0, line)
        text, is_plain = event.value, event.implicit[0]
        tagged = event.tag is not None and self._refuse_tag(event.tag, line)
        mapping = self._awaiting_key()
        if mapping is not None and event.anchor is None:
            self._key(mapping, text, line, is_merge=is_plain and text == "<<")
            return
        node = None if tagged else self._value(text, line, is_plain)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(node, text=text)
        self._deliver(node, text, line)

    def _value(self, text: str, line: int, is_plain: bool) -> Scalar | None:
        if not is_plain:
            return Scalar(text, line)
        if oversized(text):
            self._add(line, f"a number of {len(text):,} characters is not read; at most {NUMBER_CHARS} are")
            return None
        return Scalar(meaning(text), line)

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        assert event.anchor is not None
        alias = shown_key(event.anchor)
        named = self._anchors.get(event.anchor)
        if named is None:
            self._add(line, f"*{alias} names nothing, as no &{alias} comes before it; quote text that begins with *")
            named = _UNREADABLE
        elif named.is_open:
            self._add(line, f"*{alias} stands inside what it names")
        self._count(named.nodes, named.height, line)
        self._deliver(named.node, named.text, line)

    def _collection(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, line: int) -> None:
        self._count(1, 1, line)
        in_list = bool(self._frames) and self._frames[-1].in_list
        before = self._nodes - 1
        is_map = isinstance(event, yaml.MappingStartEvent)
        frame = MapFrame(line, event.anchor, before, in_list) if is_map else ListFrame(line, event.anchor, before)
        frame.spoiled = event.tag is not None and self._refuse_tag(event.tag, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(None, is_open=True)
        self._frames.append(frame)

    def _collection_end(self, event: yaml.SequenceEndEvent | yaml.MappingEndEvent, line: int) -> None:
        frame = self._frames.pop()
        node = frame.node()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchored(node, self._nodes - frame.before, frame.height)
        self._deliver(node, None, frame.line, frame.height)

    def _deliver(self, node: Node | None, text: str | None, line: int, height: int = 0) -> None:
        if not self._frames:
            self._root = node
            return
        frame = self._frames[-1]
        frame.height = max(frame.height, height + 1)
        mapping = self._awaiting_key()
        if mapping is None:
            frame.take(node)
        elif text is not None:
            self._key(mapping, text, line)
        else:
            if node is not None:
                self._add(line, "has a list or mapping as a key; quote text that begins with [ or {")
            mapping.skip(is_readable=False)

    def _awaiting_key(self) -> MapFrame | None:
        frame = self._frames[-1] if self._frames else None
        return frame if isinstance(frame, MapFrame) and frame.awaits_key else None

    def _key(self, mapping: MapFrame, text: str, line: int, is_merge: bool = False) -> None:
        if is_merge:
            self._add(line, "merge keys (<<) are not read; write the values out")
            mapping.skip(is_readable=True)
            return
        first = mapping.begin(text, line)
        if first is not None:
            self._add(line, f"is given twice; the first is in line {first}")

    def _refuse_tag(self, tag: str, line: int) -> bool:
        written = tag.replace(_STANDARD_TAGS, "!!", 1)
        self._add(line, f"tags such as {shown_key(written)} are not read; write the plain value")
        return True

    def _count(self, nodes: int, height: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self.problems.end(line, f"holds more than {MAX_NODES:,} keys and values, with its aliases written out")
        elif len(self._frames) + height > MAX_DEPTH:
            self.problems.end(line, TOO_DEEP)

    def _add(self, line: int, what: str) -> None:
        path = "".join(frame.step for frame in self._frames).removeprefix(".")
        self.problems.add(line, f"{path}: {what}" if path else what)
