"""What a span costs in each topology of the collector, against the same binary with nothing between OTLP and a file.

The collector has one processor to itself; who feeds it, and the backend, have the other.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import re
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from collector_overload import Flood, flood
from collector_runs import OTHER_CPU, Feed, Run, Unsound, Variant, fetched, measured, sink
from figures import Target, spread
from sections import RESULTS, Row, Section, machine, publish

from tests.services.otlp_load import Traffic
from tests.services.process import ServiceAbsent

TARGET_PER_S = 15_000
STEADY_PER_S = 9_000  # of a gateway: what waits for its decision has to fit into MEMORY_MIB
MEMORY_MIB = 512
NEARLY = 0.95
RATIO = 0.1
MANIFEST = Path(__file__).parents[1] / "collector-config" / "manifest.yaml"

TRAFFIC = {
    "ours": Traffic(ratio=RATIO),
    "small": Traffic(ratio=RATIO, spans_per_request=50),
    "distributed": Traffic(services=2, collector_decides=True, spread=200),
    "others": Traffic(ours=False, ratio=0.5),
}
TOLD = {
    "ours": "of our SDK, decided",
    "small": "the same, 50 spans a request",
    "distributed": "of our SDK in two processes, undecided",
    "others": "of services without our SDK",
}
PLAIN = {traffic: Variant("OTLP to a file, nothing else", "", traffic) for traffic in TRAFFIC}
AGENT = Variant("agent, files", "agent", "ours")
QUEUED = Variant("agent, otlp with its queue on disk", "agent", "ours", ("otlp",))
GATEWAY = Variant("gateway, files", "gateway", "distributed", spans_per_s=STEADY_PER_S)
# More waits than fits: three buffers hold each trace, and the last of them two seconds longer; and who reads what lies
# ready in Kafka reads as fast as it can. Short of memory, a gateway would be measured at refusing.
ROOMY = ("collector.memory_mib", 3 * MEMORY_MIB)
VARIANTS = (
    *PLAIN.values(),
    AGENT,
    replace(AGENT, traffic="small"),
    replace(AGENT, traffic="others"),
    QUEUED,
    GATEWAY,
    replace(GATEWAY, label="gateway without the gate, files", options=(("collector.record_policy", False), ROOMY)),
    replace(GATEWAY, traffic="others"),
)
KAFKA = (
    Variant("kafka, agent", "kafka", "distributed", role="agent"),
    Variant("kafka, gateway, files", "kafka", "distributed", role="gateway", options=(ROOMY,)),
)
Raw = dict[Variant, list[Run]]


def shared_options(backend: str) -> Mapping[str, Any]:
    """Options of all variants."""
    return {"backends.otlp_endpoint": backend, "collector.memory_mib": MEMORY_MIB, "sampling.ratio": RATIO}


def rounds(variants: Sequence[Variant], feeds: Mapping[str, Feed], number: int, shared: Mapping[str, Any]) -> Raw:
    """*number* runs of each variant, in turns; every other round backwards."""
    raw: Raw = {}
    for round_number in range(number):
        for variant in variants if round_number % 2 == 0 else reversed(variants):
            run = one_run(variant, feeds[variant.traffic], shared, round_number)
            raw.setdefault(variant, []).append(run)
            print(
                f"{round_number + 1}/{number} {variant.label} ({variant.traffic}): {run}", file=sys.stderr, flush=True
            )
    return {variant: raw[variant] for variant in variants}


def one_run(variant: Variant, feed: Feed, shared: Mapping[str, Any], number: int) -> Run:
    """A run of *variant*; behind Kafka it has topics of its own."""
    if variant.topology != "kafka":
        return measured(variant, feed, shared)
    run = measured if variant.role == "agent" else fetched
    return run(variant, feed, {**shared, "backends.kafka_topic": f"bench-{variant.role}-{number}"})


def per_cpu_second(runs: Sequence[Run]) -> list[float]:
    """Spans for a second of one processor, by run."""
    return [1e6 / run.us_per_span for run in runs]


def cost_table(raw: Raw) -> tuple[str, list[Row]]:
    rows: list[Row] = [
        ("topology", "spans", "n", "µs of CPU per span", "x plain", "spans per CPU second", "by the clock", "RSS peak")
    ]
    for variant, runs in raw.items():
        cost = spread([run.us_per_span for run in runs])
        plain = statistics.median(run.us_per_span for run in raw[PLAIN[variant.traffic]])
        clocks = [run.spans_per_s for run in runs if run.spans_per_s is not None]
        clock = f"{statistics.median(clocks):,.0f}/s" if clocks else "a backlog"
        rows.append((
            variant.label,
            TOLD[variant.traffic],
            str(cost.n),
            str(cost),
            f"{cost.median / plain:.2f}",
            f"{statistics.median(per_cpu_second(runs)):,.0f}",
            clock + (f" of {variant.spans_per_s:,.0f}" if variant.spans_per_s else ""),
            f"{max(run.peak_mib for run in runs):.0f} MiB",
        ))  # fmt: skip
    return "Cost of a span", rows


def flood_table(floods: Mapping[str, Flood]) -> tuple[str, list[Row]]:
    rates_of = ("wanted", "offered", "taken")
    counts_of = ("spans sent", "taken", "refused, say senders", "says the collector", "no answer", "came out")
    head = ("topology", *rates_of, *counts_of, "RSS peak")
    rows: list[Row] = [head]
    for label, one in floods.items():
        counts = (one.sent, one.taken, one.refused, one.booked, one.unanswered, one.came_out)
        rates = (f"{one.wanted_per_s:,.0f}/s", f"{one.offered_per_s:,.0f}/s", f"{one.taken_per_s:,.0f}/s")
        rows.append((label, *rates, *(f"{count:,}" for count in counts), f"{one.peak_mib:.0f} MiB"))
    return "Three times what it can do", rows


def targets(raw: Raw, floods: Mapping[str, Flood]) -> list[str]:
    """The verdicts of the issue."""
    found = []
    for variant, runs in raw.items():
        if variant.topology:
            rate = statistics.median(per_cpu_second(runs))
            text = f"{variant.label}, {TOLD[variant.traffic]}: at least {TARGET_PER_S:,} spans/s on one processor"
            found.append(str(Target(text, f"{rate:,.0f}", rate >= TARGET_PER_S)))
    for label, one in floods.items():
        reached, bounded = one.offered_per_s / one.wanted_per_s, one.peak_mib <= MEMORY_MIB
        asked = f"{label}, flood: 3 times the rate is offered (senders that wait for answers offer less)"
        found.append(str(Target(asked, f"{3 * reached:.1f} times", reached >= NEARLY)))
        found.append(str(Target(f"{label}, flood: at most {MEMORY_MIB} MiB", f"{one.peak_mib:.0f} MiB", bounded)))
        wrong = one.problems()
        found.append(str(Target(f"{label}, flood: no loss is silent", "; ".join(wrong) or "all add up", not wrong)))
    return found


def floods_of(raw: Raw, seconds: float, connections: int, shared: Mapping[str, Any]) -> dict[str, Flood]:
    """Each kind of topology, offered three times what it was measured to take."""
    found = {}
    for variant in (AGENT, QUEUED, GATEWAY):
        rate = 3 * statistics.median(per_cpu_second(raw[variant]))
        traffic = scaled(TRAFFIC[variant.traffic], round(rate * seconds))
        # Everything is kept, so that what came out can be counted.
        found[variant.label] = flood(variant, traffic, rate, connections, {**shared, "sampling.ratio": 1.0})
        print(f"{variant.label}: {found[variant.label]}", file=sys.stderr, flush=True)
    return found


def scaled(traffic: Traffic, spans: int) -> Traffic:
    """*traffic* of about as many spans."""
    few = replace(traffic, traces=1000)
    return replace(traffic, traces=max(1, round(1000 * spans / Feed(few, 1.0).spans)))


def section(raw: Raw, floods: Mapping[str, Flood], feeds: Mapping[str, Feed], given: argparse.Namespace) -> Section:
    version = re.search(r"^\s*version:\s*(\S+)", MANIFEST.read_text(encoding="utf-8"), re.M)
    sizes = ", ".join(f"{feeds[name].size / feeds[name].spans:.0f} bytes a span {told}" for name, told in TOLD.items())
    options = f"--rounds {given.rounds} --spans {given.spans} --flood {given.flood:g} --connections {given.connections}"
    return Section(
        "collector",
        "The collector",
        f'make bench-collector ARGS="{options}"',
        [
            f"{given.spans:,} spans a run in requests of 500 unless said, a tenth before to warm up; {sizes}.",
            "CPU time of the collector's process until it rests, on one processor with GOMAXPROCS=1;"
            " generator and backend have the other. Median [quartiles], n runs in turns.",
            f"Every run had all its spans come out again; gateways thin the short tier to {RATIO:g}.",
            f"Gateways are fed {TARGET_PER_S:,} spans/s, since what waits for its decision is memory;"
            " the others as fast as they answer, over 2 connections.",
            f"Floods: three times the spans per CPU second above, for {given.flood:g} s, over {given.connections}"
            f" connections, sampling nothing; collector.memory_mib is {MEMORY_MIB}; n is 1.",
            f"Collector {version[1] if version else '?'}, built from collector-config/manifest.yaml.",
            machine(),
        ],
        [cost_table(raw), *([flood_table(floods)] if floods else [])],
        targets(raw, floods),
        {
            "runs": [{**asdict(variant), "runs": [asdict(run) for run in runs]} for variant, runs in raw.items()],
            "floods": {label: asdict(one) for label, one in floods.items()},
        },
    )


@contextlib.contextmanager
def backend() -> Iterator[str]:
    """A backend for OTLP; ends the program where there is no collector."""
    try:
        with sink() as address:
            yield address
    except ServiceAbsent as absent:
        raise SystemExit(f"error: {absent}") from None


@contextlib.contextmanager
def broker() -> Iterator[str | None]:
    """A broker beside the generator; None, said on the terminal, where there is no Kafka."""
    try:
        from tests.services.kafka import Kafka

        running = Kafka()
    except (ImportError, ServiceAbsent) as absent:
        print(f"note: without Kafka, which is not measured: {absent}", file=sys.stderr)
        yield None
        return
    with running:
        yield running.broker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each variant (default: %(default)s)")
    parser.add_argument("--spans", type=int, default=200_000, help="spans of a run, about (default: %(default)s)")
    parser.add_argument("--flood", type=float, default=20, metavar="SECONDS", help="0: none (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=256, help="of a flood (default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page anew from all results")
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error("two rounds are the fewest that have a spread")
    os.sched_setaffinity(0, {OTHER_CPU})
    feeds = {name: Feed(scaled(traffic, given.spans), RATIO) for name, traffic in TRAFFIC.items()}
    gc.freeze()
    with backend() as address, broker() as brokers:
        shared = {**shared_options(address), **({"backends.kafka_brokers": [brokers]} if brokers else {})}
        try:
            raw = rounds((*VARIANTS, *(KAFKA if brokers else ())), feeds, given.rounds, shared)
            floods = floods_of(raw, given.flood, given.connections, shared) if given.flood else {}
        except Unsound as unsound:
            raise SystemExit(f"error: {unsound}") from None
    publish(section(raw, floods, feeds, given), given.results, given.markdown)


if __name__ == "__main__":
    main()
