"""One collector, whole: components, pipelines, and what its process needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from otel_verein.collector import aggregating, exporting, protecting, receiving, tiering
from otel_verein.collector.document import From, Node, Noted, text_of
from otel_verein.collector.plan import Backend, Plan, Tier, Topology, host_and_port


@dataclass(frozen=True, slots=True)
class Rendered:
    """A collector's configuration: its *text*, the feature *gates* it needs, and *notes* on what it does not do."""

    text: str
    gates: tuple[str, ...]
    heap_goal_mib: int
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Parts:
    """What the pipelines need, gathered while they are laid."""

    extensions: dict[str, Node] = field(default_factory=dict)
    receivers: dict[str, Node] = field(default_factory=dict)
    processors: dict[str, Node] = field(default_factory=dict)
    connectors: dict[str, Node] = field(default_factory=dict)
    exporters: dict[str, Node] = field(default_factory=dict)
    pipelines: dict[str, Node] = field(default_factory=dict)

    def forward(self, name: str) -> str:
        """The way from one pipeline to another."""
        self.connectors.setdefault(f"forward/{name}", {})
        return f"forward/{name}"

    def lay(self, name: str, given: list[str], through: Mapping[str, Node], to: list[str], note: str = "") -> None:
        """A pipeline, with the processors it goes through."""
        self.processors.update(through)
        pipeline = {"receivers": given, "processors": list(through), "exporters": to}
        self.pipelines[name] = Noted(pipeline, note) if note else pipeline


def render(plan: Plan, command: str) -> Rendered:
    """The configuration of the collector that *plan* asks for; *command* is what its head says it was made by."""
    parts = _Parts(extensions=receiving.extensions(plan), receivers=receiving.receivers(plan))
    taken = list(parts.receivers)
    if plan.topology.takes_otlp:
        _figures(parts, plan, taken)
    _traces(parts, plan, taken)
    if any(not name.startswith(("file/", aggregating.PROMETHEUS)) for name in parts.exporters):
        parts.extensions[exporting.STORAGE] = exporting.storage(plan)
    gates = (tiering.RECORD_POLICY_GATE,) if plan.topology.decides and plan.config.collector.record_policy else ()
    heap = protecting.heap_goal_mib(plan)
    document = {
        "extensions": parts.extensions,
        "receivers": parts.receivers,
        "processors": parts.processors,
        "connectors": parts.connectors,
        "exporters": parts.exporters,
        "service": _service(parts, plan),
    }
    documented = {key: value for key, value in document.items() if value}
    return Rendered(text_of(documented, _head(plan, command, gates, heap)), gates, heap, tuple(_notes(plan)))


def _traces(parts: _Parts, plan: Plan, taken: list[str]) -> None:
    guard = {protecting.MEMORY: protecting.memory_limiter(plan)}
    if plan.topology is Topology.KAFKA_GATEWAY:
        parts.lay("traces/in", taken, guard, [parts.forward("decide")], "As agents have sent it: redacted and counted.")
        _decide(parts, plan)
        return
    into = [parts.forward("ours"), parts.forward("others")]
    private = {protecting.REDACTION: protecting.redaction(), protecting.STATUS: protecting.status_redaction()}
    parts.lay("traces/in", taken, {**guard, **private}, into, "All that comes.")
    if plan.topology is Topology.KAFKA_AGENT:
        name, exporter = exporting.to_gateways(plan)
        parts.exporters[name] = exporter
        onward = [name]
    elif plan.topology.decides:
        onward = [parts.forward("decide")]
    else:
        onward = [parts.forward(tier.value) for tier in Tier]
    parts.lay("traces/ours", ["forward/ours"], {"filter/ours": tiering.ours()}, onward, "What otel-verein recorded.")
    _others(parts, [parts.forward(Tier.SHORT.value)] if plan.topology is Topology.AGENT else onward)
    if plan.topology.decides:
        _decide(parts, plan)
    elif plan.topology.keeps_tiers:
        for tier in Tier:
            marks = {"attributes/short": tiering.as_short()} if tier is Tier.SHORT else {}
            _lay_tier(parts, plan, tier, {f"filter/{tier.value}": tiering.by_span(tier), **marks})


def _others(parts: _Parts, onward: list[str]) -> None:
    through = {"filter/others": tiering.others(), protecting.SQL: protecting.sql_sanitizer()}
    through["attributes/others"] = tiering.unjudged()
    counted = [aggregating.SPAN_METRICS, aggregating.QUERIES]
    note = "What others recorded: without literals, and counted before anything is dropped."
    parts.lay("traces/others", ["forward/others"], through, [*counted, *onward], note)


def _decide(parts: _Parts, plan: Plan) -> None:
    if plan.config.collector.record_policy:
        through = {
            tiering.TAIL: tiering.tail_sampling(plan, tiering.policies(plan)),
            tiering.NAME: tiering.name_by_policy(),
            tiering.GATHER: tiering.gathered(),
        }
        ways = [parts.forward(tier.value) for tier in Tier]
        parts.lay("traces/decide", ["forward/decide"], through, ways, "Whole traces: one buffer for all tiers.")
        for tier in Tier:
            _lay_tier(parts, plan, tier, {f"filter/{tier.value}": tiering.by_trace(tier), **_stamped(plan, tier)})
        return
    for tier in Tier:
        buffer = {f"{tiering.TAIL}/{tier.value}": tiering.buffer_of(plan, tier)}
        _lay_tier(parts, plan, tier, {**buffer, tiering.GATHER: tiering.gathered(), **_stamped(plan, tier)}, "decide")


def _stamped(plan: Plan, tier: Tier) -> dict[str, Node]:
    thinned = {tiering.THIN: tiering.thin(plan)} if tier is Tier.SHORT else {}
    return {**thinned, f"attributes/{tier.value}": tiering.stamp(tier)}


def _lay_tier(parts: _Parts, plan: Plan, tier: Tier, through: Mapping[str, Node], way: str = "") -> None:
    exporters = dict(exporting.traces(plan, backend, tier) for backend in plan.backends_of(tier))
    parts.exporters.update(exporters)
    parts.lay(f"traces/{tier.value}", [parts.forward(way or tier.value)], through, list(exporters))


def _figures(parts: _Parts, plan: Plan, taken: list[str]) -> None:
    found = {backend: made for backend in plan.backends if (made := exporting.metrics(plan, backend)) is not None}
    as_sent = [made[0] for backend, made in found.items() if backend is not Backend.OTLP]
    added_up = [made[0] for backend, made in found.items() if backend is Backend.OTLP]
    parts.exporters.update(dict(found.values()))
    parts.exporters[aggregating.PROMETHEUS] = aggregating.prometheus(plan)
    guard = {protecting.MEMORY: protecting.memory_limiter(plan)}
    totals = parts.forward("totals")
    parts.lay("metrics/in", taken, guard, [*as_sent, totals], "Figures as they come, deltas included.")
    _counted_here(parts, plan, as_sent, totals)
    cumulative = {aggregating.CUMULATIVE: aggregating.to_cumulative(plan)}
    scraped = parts.forward("scraped")
    parts.lay("metrics/totals", [totals], cumulative, [*added_up, scraped], "Deltas added up.")
    parts.lay(
        "metrics/scraped", [scraped], {aggregating.CLASSIC: aggregating.to_classic(plan)}, [aggregating.PROMETHEUS]
    )


def _counted_here(parts: _Parts, plan: Plan, as_sent: list[str], totals: str) -> None:
    """Figures that this collector makes of spans: to files at once, to be added up in the order they came."""
    parts.connectors[aggregating.SPAN_METRICS] = aggregating.span_metrics(plan)
    parts.connectors[aggregating.QUERIES] = aggregating.queries(plan)
    through = {"filter/nonempty": aggregating.nonempty(), "resource/counted_here": aggregating.as_counted_here(plan)}
    onward = [*as_sent, parts.forward("counted")]
    note = "What was counted here, of services without otel-verein."
    parts.lay("metrics/others", [aggregating.SPAN_METRICS, aggregating.QUERIES], through, onward, note)
    in_order = {"batch/counted": aggregating.gathered(), "transform/counted": aggregating.timed_anew()}
    parts.lay("metrics/counted", ["forward/counted"], in_order, [totals])


def _service(parts: _Parts, plan: Plan) -> Node:
    host, port = host_and_port(plan.config.collector.telemetry_endpoint)
    reader = {"pull": {"exporter": {"prometheus": {"host": host, "port": From(port, "collector.telemetry_endpoint")}}}}
    return {
        "extensions": list(parts.extensions),
        "telemetry": {
            "resource": aggregating.instance(plan),
            "metrics": Noted(
                {"level": "normal", "readers": [reader]},
                "The collector's own figures: what it took, refused, queued, sent, and failed to send.",
            ),
        },
        "pipelines": parts.pipelines,
    }


def _head(plan: Plan, command: str, gates: tuple[str, ...], heap_mib: int) -> str:
    what = {
        Topology.AGENT: "One host: processes have decided; this counts, keeps tiers apart, and waits for nothing.",
        Topology.GATEWAY: "Traces across services: whole traces are decided on here, in one process.",
        Topology.KAFKA_AGENT: "One host of many: counts, and hands spans to the gateways through Kafka.",
        Topology.KAFKA_GATEWAY: "One of several gateways behind Kafka: decides on the traces of its partitions.",
    }[plan.topology]
    gate = "".join(f" \\\n      --feature-gates=+{each}" for each in gates)
    return (
        f"{what}\n\nMade by: {command}\nChange verein.yaml and render again; what is changed here is lost then.\n\n"
        f"Run: otel-verein collector run, with the same options. By hand:\n"
        f"  GOMEMLIMIT={heap_mib}MiB otel-verein-collector --config THIS-FILE{gate}"
    )


def _notes(plan: Plan) -> Iterator[str]:
    """What a reader of verein.yaml may expect of this collector, and it does not do."""
    sampling = plan.config.sampling
    decides = plan.topology.decides or plan.topology is Topology.KAFKA_AGENT
    if decides and sampling.decide == "process":
        yield "sampling.decide is process: gateways get only what processes keep; set it to collector"
    if plan.topology is Topology.AGENT and sampling.decide == "collector" and Backend.OTLP not in plan.backends:
        yield "sampling.decide is collector, and an agent decides nothing: every trace is kept"
    if plan.topology.decides and sampling.operations:
        yield (
            "sampling.operations holds where processes decide; this collector thins all of the sampled rest by "
            f"sampling.ratio ({sampling.ratio:g})"
        )
    filed = [tier for tier in Tier if plan.topology.keeps_tiers and Backend.FILES not in plan.backends]
    left = [tier.value for tier in filed if plan.backends_of(tier) == (Backend.FILES,)]
    if left:
        names = ", ".join(each.value for each in plan.backends)
        yield f"what is {', '.join(left)} stays in files: {names} does not take it"
