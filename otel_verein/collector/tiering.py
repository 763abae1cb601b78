"""Which tier a trace is of, and the way of each tier.

Where processes decide, every span carries ``verein.tier`` and nothing waits. Where the collector decides, tail
sampling looks at whole traces: the first policy that holds names the tier. What is left is thinned by the sampler that
writes the W3C threshold, after tail sampling and by trace id alone, so that weights stay right and late spans fare
alike.
"""

from __future__ import annotations

from otel_verein import semconv
from otel_verein.collector.document import From, Node, Noted
from otel_verein.collector.plan import Plan, Tier

TAIL = "tail_sampling"
GATHER = "batch"
NAME = "transform/tier"
THIN = "probabilistic_sampler"
RECORD_POLICY_GATE = "processor.tailsamplingprocessor.recordpolicy"

OURS = f'resource.attributes["telemetry.distro.name"] == "{semconv.SCOPE.replace("_", "-")}"'
_TIER = f'["{semconv.TIER}"]'
_UNJUDGED = f"span.attributes{_TIER} == nil"
_NANOSECONDS = 1_000_000_000
_LOCAL_ROOT = "(span.kind == SPAN_KIND_SERVER or span.kind == SPAN_KIND_CONSUMER or IsRootSpan())"
_DURATION = "span.end_time_unix_nano - span.start_time_unix_nano"


def by_span(tier: Tier) -> Node:
    """Lets through the spans of *tier*, where every span carries its own."""
    if tier is Tier.SHORT:
        others = [f'span.attributes{_TIER} == "{each.value}"' for each in Tier if each is not tier]
        return _drop(*others)
    return _drop(f'span.attributes{_TIER} != "{tier.value}"')


def by_trace(tier: Tier) -> Node:
    """Lets through the traces of *tier*, where the resource carries it."""
    return _drop(f'resource.attributes{_TIER} != "{tier.value}"')


def ours() -> Node:
    """Lets through what otel-verein recorded."""
    return _drop(OURS.replace("==", "!="))


def others() -> Node:
    """Lets through what otel-verein did not record."""
    return _drop(OURS)


def tail_sampling(plan: Plan, policies: list[Node], later_s: int = 0) -> Node:
    """Decides on whole traces, *later_s* seconds after the time that is configured."""
    collector = plan.config.collector
    wait_s, after_root_s = collector.decision_wait_s + later_s, collector.decision_wait_after_root_s + later_s
    return Noted(
        {
            "decision_wait": From(f"{wait_s}s", "collector.decision_wait_s"),
            "decision_wait_after_root_received": From(f"{after_root_s}s", "collector.decision_wait_after_root_s"),
            "num_traces": From(collector.traces, "collector.traces"),
            "block_on_overflow": Noted(True, "Who sends has to wait; no trace is given up without a decision."),
            "decision_cache": {
                "sampled_cache_size": From(collector.remembered_traces, "collector.remembered_traces"),
                "non_sampled_cache_size": From(collector.remembered_traces, "collector.remembered_traces"),
            },
            "policies": policies,
        },
        "What waits here for its decision is in memory, and lost if the collector is killed."
        + (
            f" It waits {later_s} s longer than the shortest tier, so that no trace falls between two."
            if later_s
            else ""
        ),
    )


def gathered() -> Node:
    """Puts traces together again after tail sampling, which sends each by itself."""
    return Noted(
        {"timeout": "200ms", "send_batch_size": 1024, "send_batch_max_size": 2048},
        "Tail sampling hands on each trace by itself: what comes after would cost more than the decision. For as long, "
        "a trace is in memory after it.",
    )


def policies(plan: Plan) -> list[Node]:
    """One for each tier, named by it; the first that holds is the tier."""
    return [_long(plan), _medium(plan), _short()]


def buffer_of(plan: Plan, tier: Tier) -> Node:
    """The buffer of one tier, where each has its own.

    They decide a second apart, the shortest tier first: what it has dropped because a longer one takes it, the longer
    one has seen, too, when it decides. At the same time, either might miss what has just come, and nobody keep it.
    """
    later_s = list(reversed(Tier)).index(tier)
    return tail_sampling(plan, policies_of(plan, tier), later_s)


def policies_of(plan: Plan, tier: Tier) -> list[Node]:
    """Those of a buffer of its own for *tier*: what a longer tier takes is dropped, the rest is as in one buffer."""
    every = dict(zip(Tier, policies(plan), strict=True))
    longer = list(Tier)[: list(Tier).index(tier)]
    dropped = [
        {"name": f"not-{each.value}", "type": "drop", "drop": {"drop_sub_policy": [every[each]]}} for each in longer
    ]
    return [*dropped, every[tier]]


def name_by_policy() -> Node:
    """Writes the policy that kept a trace onto its resources, as its tier."""
    statements = [
        f'set(resource.attributes{_TIER}, scope.attributes["tailsampling.policy"]) '
        'where scope.attributes["tailsampling.policy"] != nil',
        'delete_key(scope.attributes, "tailsampling.policy")',
        'delete_key(scope.attributes, "tailsampling.cached_decision")',
    ]
    return Noted(
        {"error_mode": "propagate", "trace_statements": [{"context": "scope", "statements": statements}]},
        "The policy that kept the trace, which the feature gate writes onto each scope, is its tier.",
    )


def stamp(tier: Tier) -> Node:
    """Writes the tier of the trace onto each span, whatever its process thought."""
    return {"actions": [{"key": semconv.TIER, "value": tier.value, "action": "upsert"}]}


def unjudged() -> Node:
    """Takes away a tier that otel-verein has not given: the span would be looked for where it is not."""
    return {"actions": [{"key": semconv.TIER, "action": "delete"}]}


def as_short() -> Node:
    """The tier of spans from services without our SDK, where the collector does not decide."""
    return Noted(
        {"actions": [{"key": semconv.TIER, "value": Tier.SHORT.value, "action": "insert"}]},
        "Nobody has judged these spans, and single ones cannot be judged here: their traces stay whole, and short.",
    )


def thin(plan: Plan) -> Node:
    """Keeps the configured share of the sampled rest, and writes the weight of what it keeps."""
    return Noted(
        {
            "mode": "equalizing",
            "sampling_percentage": From(_percent(plan.config.sampling.ratio), "sampling.ratio", 100),
            "sampling_precision": 14,
            "fail_closed": False,
        },
        "By the trace id alone, as the W3C has it: each service of a trace fares alike, and so does what comes late. "
        "The threshold on each span (ot=th) says how many it stands for; one that was thinned before stays as it is.",
    )


def _long(plan: Plan) -> Node:
    limits = plan.config.thresholds
    return _policy(
        Tier.LONG,
        Noted(
            f'span.attributes{_TIER} == "{Tier.LONG.value}"',
            "What a process with otel-verein judged: errors, critical.",
        ),
        Noted(
            f"{_UNJUDGED} and span.status.code == STATUS_CODE_ERROR", "The same of spans that nobody has judged yet."
        ),
        _slower(limits.duration_critical_s, "thresholds.duration_critical_s"),
        _more_queries(limits.queries_critical, "thresholds.queries_critical"),
    )


def _medium(plan: Plan) -> Node:
    limits = plan.config.thresholds
    return _policy(
        Tier.MEDIUM,
        f'span.attributes{_TIER} == "{Tier.MEDIUM.value}"',
        _slower(limits.duration_s, "thresholds.duration_s"),
        _more_queries(limits.queries, "thresholds.queries"),
    )


def _short() -> Node:
    return Noted(
        {"name": Tier.SHORT.value, "type": "always_sample"}, "All the rest: thinned below, where its weight is written."
    )


def _policy(tier: Tier, *conditions: Node) -> Node:
    kind = "ottl_condition"
    return {"name": tier.value, "type": kind, kind: {"error_mode": "ignore", "span": list(conditions)}}


def _slower(seconds: float, option: str) -> Node:
    condition = f"{_UNJUDGED} and {_LOCAL_ROOT} and {_DURATION} > {round(seconds * _NANOSECONDS)}"
    return From(condition, option, _NANOSECONDS)


def _more_queries(count: int, option: str) -> Node:
    return From(f'{_UNJUDGED} and span.attributes["{semconv.DB_QUERY_COUNT}"] > {count}', option)


def _drop(*conditions: str) -> Node:
    return {"error_mode": "propagate", "traces": {_level(conditions): list(conditions)}}


def _level(conditions: tuple[str, ...]) -> str:
    return "resource" if all(each.startswith("resource.") for each in conditions) else "span"


def _percent(ratio: float) -> float | int:
    percent = round(ratio * 100, 9)
    return int(percent) if percent == int(percent) else percent
