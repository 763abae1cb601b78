"""Runs every case once under our processor and says what was found; in a process of its own.

Django can be configured once per process, and another suite may have done so. ``python -m ...measure`` therefore
reads the services from its standard input and writes the outcomes to its standard output, as JSON.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.scenarios.n_plus_one.case import NONE, Case, Services, all_cases

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ROOT = Path(__file__).resolve().parents[3]
LEAST = 0.97


@dataclass(frozen=True)
class Found:
    """One finding, as its event on the root span tells it."""

    kind: str
    file: str
    line: int
    repeats: int
    statements: int
    summary: str


@dataclass(frozen=True)
class Outcome:
    """What one case led to: the queries counted, and the findings."""

    id: str
    queries: int
    found: tuple[Found, ...]


def run_apart(services: Services) -> list[Outcome]:
    """The outcomes of all cases whose services are there, measured by a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(asdict(services)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return [
        Outcome(one["id"], one["queries"], tuple(Found(**found) for found in one["found"]))
        for one in json.loads(done.stdout.splitlines()[-1])
    ]


def runnable(case: Case, services: Services) -> bool:
    """Whether the server that *case* needs is there."""
    return case.needs is None or getattr(services, case.needs) is not None


def run(cases: Iterable[Case], services: Services) -> list[Outcome]:
    """The outcomes of *cases*, in this process."""
    from otel_verein.instrumentation import instrument, uninstrument

    instrument()
    try:
        watch = cache(Watch)
        return [_outcome(case, watch(case.ignore), services) for case in cases if runnable(case, services)]
    finally:
        uninstrument()


class Watch:
    """A tracer whose operations go through our processor into memory, with some `call_site.ignore`."""

    def __init__(self, ignore: tuple[str, ...]) -> None:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        from otel_verein.config import Config
        from otel_verein.config.schema import CallSite, Sampling
        from otel_verein.processors import VereinSpanProcessor
        from otel_verein.processors.sampling import VereinSampler

        config = Config(sampling=Sampling(ratio=1.0), call_site=CallSite(ignore=ignore))
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(sampler=VereinSampler(config.sampling))
        self._provider.add_span_processor(VereinSpanProcessor(self._exporter, config))
        self.tracer = self._provider.get_tracer(__name__)

    def take_roots(self) -> list[ReadableSpan]:
        """The root spans that ended since the last call."""
        assert self._provider.force_flush()
        roots = [span for span in self._exporter.get_finished_spans() if span.parent is None]
        self._exporter.clear()
        return roots


def _outcome(case: Case, watch: Watch, services: Services) -> Outcome:
    with case.place(services) as place:
        given = (place, watch.tracer) if "tracer" in inspect.signature(case.run).parameters else (place,)
        with nullcontext() if case.own_operations else watch.tracer.start_as_current_span(case.id):
            result = case.run(*given)
            if inspect.iscoroutine(result):
                place.run(result)
    roots = watch.take_roots()
    events = [event.attributes or {} for root in roots for event in root.events if event.name == "verein.finding"]
    queries = sum(_number((root.attributes or {})["verein.db.query_count"]) for root in roots)
    return Outcome(case.id, queries, tuple(_found(attributes) for attributes in events))


def _found(attributes: Any) -> Found:
    return Found(
        kind=attributes["verein.finding.kind"],
        file=attributes.get("code.file.path", ""),
        line=attributes.get("code.line.number", 0),
        repeats=attributes["verein.finding.repeats"],
        statements=attributes["verein.finding.statements"],
        summary=attributes["db.query.summary"],
    )


def _number(value: Any) -> int:
    return int(value)


@dataclass(frozen=True)
class Verdict:
    """A case and its outcome, compared."""

    case: Case
    outcome: Outcome

    @property
    def expected(self) -> bool:
        """Whether the case deserves a finding."""
        return self.case.label != NONE

    @property
    def right(self) -> bool:
        """Whether there is a finding where one is deserved, and none where not."""
        return self.expected == bool(self.outcome.found)

    @property
    def kind_right(self) -> bool:
        """Whether every finding is of the labelled kind."""
        return {self.case.label} == {found.kind for found in self.outcome.found}

    @property
    def site_right(self) -> bool:
        """Whether every finding names a marked line."""
        sites = {(found.file, found.line) for found in self.outcome.found}
        return bool(sites) and sites <= self.case.sites

    @property
    def told_once(self) -> bool:
        """Whether each loop of the case is one finding."""
        return len(self.outcome.found) == self.case.loops


@dataclass(frozen=True)
class Quality:
    """The figures over a number of verdicts; a ratio of nothing is None."""

    defects: int
    silent: int
    true_positives: int
    false_positives: int
    false_negatives: int
    kinds_right: int
    sites_right: int
    told_once: int

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> Quality:
        """The figures of *verdicts*; kind, site and number are judged where a defect was found."""
        judged = list(verdicts)
        hits = [one for one in judged if one.expected and one.right]
        return cls(
            defects=sum(one.expected for one in judged),
            silent=sum(not one.expected for one in judged),
            true_positives=len(hits),
            false_positives=sum(not one.expected and not one.right for one in judged),
            false_negatives=sum(one.expected and not one.right for one in judged),
            kinds_right=sum(one.kind_right for one in hits),
            sites_right=sum(one.site_right for one in hits),
            told_once=sum(one.told_once for one in hits),
        )

    @property
    def precision(self) -> float | None:
        """The share of cases with a finding that deserve one."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """The share of cases that deserve a finding and have one."""
        return _share(self.true_positives, self.defects)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def main() -> None:
    """Run what the services on the standard input allow; the last line of output is the list of outcomes."""
    services = Services(**json.load(sys.stdin))
    wanted = set(sys.argv[1:])
    cases = [case for case in all_cases() if not wanted or case.id in wanted]
    print(json.dumps([asdict(outcome) for outcome in run(cases, services)]))


if __name__ == "__main__":
    main()
