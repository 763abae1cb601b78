"""What to write instead: advice for a finding, in the words of the library that ran it, or in none's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from otel_verein.analysis.advising import django, frappe, kinds, raw, smaller, sqlalchemy
from otel_verein.analysis.advising.raw import Words
from otel_verein.analysis.advising.rule import Rule, Via, version_of
from otel_verein.analysis.findings import DUPLICATE, Finding

_RULES: Final[Mapping[str, Sequence[Rule]]] = {
    "django": django.RULES,
    "sqlalchemy": sqlalchemy.RULES,
    "peewee": smaller.PEEWEE,
    "pony": smaller.PONY,
    "tortoise": smaller.TORTOISE,
    "frappe": frappe.RULES,
}
_NAMES: Final = {
    "django": "Django",
    "sqlalchemy": "SQLAlchemy",
    "peewee": "Peewee",
    "pony": "Pony",
    "tortoise": "Tortoise",
    "frappe": "Frappe",
}
_TEMPLATES: Final = (".html", ".htm", ".jinja", ".jinja2", ".j2", ".djhtml", ".txt", ".xml")


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a finding.

    ``how`` is code or a command in which ``<...>`` stands for what is not known; ``feature`` is the name of what it
    uses, and ``doc`` where its library describes it. ``orm`` and ``orm_version`` are those it was written for; None
    where it holds for any.
    """

    title: str
    why: str
    how: str
    orm: str | None
    orm_version: str | None
    feature: str
    doc: str | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def with_advice(finding: Finding) -> dict[str, Any]:
    """Plain data for JSON: the finding, and its ``advice``."""
    return finding.as_dict() | {"advice": advise(finding).as_dict()}


def advise(finding: Finding) -> Advice:
    """The advice for *finding*; in the words of a library only where it is known that this one ran the statement."""
    of_kind = kinds.BY_KIND.get(finding.kind)
    if of_kind is not None:
        how = of_kind.how.replace("<operation>", shlex.quote(finding.operation))
        return _general(of_kind._replace(how=how))
    via = Via.of(finding.via)
    rule = _rule(finding, via)
    if finding.kind == DUPLICATE and (rule is None or via is None or via.relation is None):
        return _general(raw.DUPLICATE if finding.verb == "select" else raw.WRITTEN_AGAIN)
    if rule is None or via is None:
        words = raw.REPEATED.get(finding.verb, raw.OTHER)
        return _general(words, _unknown_way(finding))
    return Advice(
        title=rule.words(rule.title, via),
        why=" ".join([rule.words(rule.why, via), *_beside(finding)]),
        how=rule.words(rule.code(version_of(finding.orm_version)), via),
        orm=finding.orm,
        orm_version=finding.orm_version,
        feature=rule.feature,
        doc=rule.doc,
    )


def _rule(finding: Finding, via: Via | None) -> Rule | None:
    if via is None:
        return None
    return next((rule for rule in _RULES.get(finding.orm or "", ()) if rule.holds(via, finding.verb)), None)


def _general(words: Words, *more: str) -> Advice:
    return Advice(words.title, " ".join([words.why, *filter(None, more)]), words.how, None, None, words.feature, None)


def _unknown_way(finding: Finding) -> str:
    """Why there are no words of a library."""
    if finding.orm is None:
        return "No ORM was seen between this line and the statement."
    name = _NAMES.get(finding.orm, finding.orm)
    return f"It went through {name}, by a function for which there is no advice in its own words."


def _beside(finding: Finding) -> list[str]:
    """What else the finding shows about the way there."""
    said = []
    if finding.kind == DUPLICATE:
        said.append("All of them asked for the same row; loading it once and passing it on will do as well.")
    site = finding.call_site
    if site is not None and site.file.endswith(_TEMPLATES):
        said.append("The line is in a template: the query to change is the one whose rows it is given.")
    if finding.orm == "django" and finding.via and "prefetch" in finding.via:
        said.append("It is a prefetch already, but one for each pass of a loop.")
    return said
