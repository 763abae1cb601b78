"""One line of a table of advice, and what of a finding it looks at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_VIA: Final = re.compile(r"(?P<module>[\w.]+):(?P<function>\S+)(?: of (?P<model>[^.]+)(?:\.(?P<relation>\S+))?)?")


@dataclass(frozen=True, slots=True)
class Via:
    """The parts of ``module:function of model.relation``; None for what was not told.

    ``relation`` is ``*`` for one whose name could not be found out.
    """

    function: str
    model: str | None = None
    relation: str | None = None

    @classmethod
    def of(cls, text: str | None) -> Via | None:
        """The parts of *text*; None of what has another form."""
        found = _VIA.fullmatch(text or "")
        return None if found is None else cls(found["function"], found["model"], found["relation"])


@dataclass(frozen=True, slots=True)
class Rule:
    """What to advise for functions that *function*, a pattern of the whole name, matches.

    ``related`` asks for a relation, or for none; ``verb`` for one kind of statement. ``title``, ``why`` and ``how`` may
    name ``{model}`` and ``{relation}``.
    ``since`` is the first version of the library that has all that ``how`` uses; ``before`` is for the older ones.
    """

    function: str
    feature: str
    title: str
    why: str
    how: str
    doc: str | None = None
    related: bool | None = None
    verb: str | None = None
    since: tuple[int, ...] = ()
    before: str | None = None

    def holds(self, via: Via, verb: str) -> bool:
        """Whether it is about *via* and a statement of that *verb*."""
        if self.related is not None and self.related != (via.relation is not None):
            return False
        if self.verb is not None and self.verb != verb:
            return False
        return re.fullmatch(self.function, via.function) is not None

    def words(self, text: str, via: Via) -> str:
        """*text* with the names in their places; with words for those that are not known."""
        relation = via.relation if via.relation not in (None, "*") else "<relation>"
        model = via.model or "<Model>"
        return text.format(model=model, relation=relation)

    def code(self, version: tuple[int, ...] | None) -> str:
        """What to write with that *version* of the library, None for an unknown one."""
        if self.before is not None and version is not None and version < self.since:
            return self.before
        return self.how


def version_of(text: str | None) -> tuple[int, ...] | None:
    """The first numbers of a version, such as (4, 2); None when it begins with none."""
    found = re.match(r"(\d+)(?:\.(\d+))?", text or "")
    return None if found is None else tuple(int(part) for part in found.groups() if part is not None)
