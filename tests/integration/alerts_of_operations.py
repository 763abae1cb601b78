"""What operations do, and the alerts that fire for it; each has a case beside it in which it stays silent."""

from __future__ import annotations

from tests.integration.rule_cases import CHECKOUT, OF_CHECKOUT, OF_SHOP, Case, Fires, operations

_BURNING = ("verein-counts", "verein-services", "verein-burning")
_SCORES = ("verein-counts", "verein-scores")
_OVER = ("verein-counts", "verein-scores", "verein-over-budget")
_FAR = ("verein-counts", "verein-budgets", "verein-over-budget")
_N_PLUS_ONE = ("verein-counts", "verein-scores", "verein-n-plus-one")
_SILENCE = ("verein-counts", "verein-services", "verein-silence")

DURATION = "verein_operation_duration_seconds"

FAST = Fires("VereinBurnsFast", "critical", OF_SHOP)
SLOW = Fires("VereinBurnsSlow", "critical", OF_SHOP)
LASTING = Fires("VereinBurnsLasting", "warning", OF_SHOP)


def buckets(name: str, **below: str) -> dict[str, str]:
    """A histogram of one operation; *below* has the buckets, `_5` for 5 and `_2p5` for 2.5."""
    label = f'{CHECKOUT},verein_operation_status="ok"'
    bounds = {bound.strip("_").replace("p", ".").replace("inf", "+Inf"): values for bound, values in below.items()}
    return {f'{name}_bucket{{{label},le="{bound}"}}': values for bound, values in bounds.items()}


def far_over(breach: str) -> Fires:
    """Its critical budget is below what a twentieth takes."""
    return Fires("VereinFarOverBudget", "critical", {**OF_CHECKOUT, "verein_breach": breach})


def of_checkout(name: str, severity: str = "warning", **labels: str) -> Fires:
    """An alert on the one operation."""
    return Fires(name, severity, {**OF_CHECKOUT, **labels})


BURNING = {
    "four of five are bad": Case(operations("0+100x30", any="0+80x30"), 20, [FAST, SLOW, LASTING], _BURNING),
    "seven of ten are bad": Case(operations("0+100x30", any="0+70x30"), 20, [SLOW, LASTING], _BURNING),
    "a quarter is bad": Case(operations("0+100x30", any="0+25x30"), 20, [LASTING], _BURNING),
    "fewer than the objective allows": Case(operations("0+100x30", any="0+4x30"), 20, [], _BURNING),
    "too few to know": Case(operations("0+1x30", any="0+1x30"), 25, [], _BURNING),
    "the cause has ended": Case(operations("0+100x70", any="0+100x60 6000+0x9"), 67, [SLOW, LASTING], _BURNING),
    "all were bad before the first scrape": Case(
        operations("100x10", any="100x10"), 5, [FAST, SLOW, LASTING], _BURNING
    ),
}

SCORES = {
    "one of sixty": Case(
        operations("0+60x70", any="0+1x70"), 68, [of_checkout("VereinOperationUnhealthy", "critical")], _SCORES
    ),
    "one of a hundred and twenty": Case(
        operations("0+120x70", any="0+1x70"), 68, [of_checkout("VereinOperationUnhealthy")], _SCORES
    ),
    "one of three hundred": Case(operations("0+300x70", any="0+1x70"), 68, [], _SCORES),
    "one of sixty, seen once": Case(operations("60x40", any="1x40"), 20, [], _SCORES),
    "too few to know": Case(operations("0+1x30", any="0+1x30"), 25, [], _SCORES),
}

OVER_BUDGET = {
    "six of a hundred are slow": Case(
        operations("0+100x30", duration="0+6x30"),
        20, [of_checkout("VereinOverBudget", verein_breach="duration")], _OVER,
    ),
    "four of a hundred are slow": Case(operations("0+100x30", duration="0+4x30"), 20, [], _OVER),
    "all have an N+1": Case(operations("0+100x30", n_plus_one="0+100x30"), 20, [], _OVER),
    "too few to know": Case(operations("0+1x30", queries="0+1x30"), 25, [], _OVER),
    "a twentieth takes more than is critical": Case(
        {
            **operations("0+100x30"),
            **buckets(DURATION, _2p5="0+80x30", _5="0+90x30", _10="0+100x30", inf="0+100x30"),
        },
        20, [far_over("duration")], _FAR,
    ),
    "a twentieth takes less than is critical": Case(
        {
            **operations("0+100x30"),
            **buckets(DURATION, _2p5="0+90x30", _5="0+96x30", _10="0+100x30", inf="0+100x30"),
        },
        20, [], _FAR,
    ),
    "database time": Case(
        {
            **operations("0+100x30"),
            **buckets("verein_operation_db_duration_seconds", _1="0+80x30", _5="0+100x30", inf="0+100x30"),
        },
        20, [far_over("db_duration")], _FAR,
    ),
    "queries": Case(
        operations("0+100x30")
        | buckets("verein_operation_db_queries", _100p5="0+90x30", _200p5="0+100x30", inf="0+100x30"),
        20, [far_over("queries")], _FAR,
    ),
}  # fmt: skip


def n_plus_one(day: int) -> dict[str, Case]:
    """Cases of what was found a *day* before, which has so many minutes."""
    new = operations(f"0+10x{day + 160}", n_plus_one=f"_x{day + 30} 4+4x60")
    old = operations(f"0+10x{day + 160}", n_plus_one=f"0+4x{day + 160}")
    grown = operations(f"0+20x{day + 160}", n_plus_one=f"0+1x{day} {day + 8}+8x160")
    same = operations(f"0+20x{day + 160}", n_plus_one=f"0+1x{day} {day + 2}+2x160")
    return {
        "none the day before": Case(new, day + 60, [of_checkout("VereinNPlusOneNew")], _N_PLUS_ONE),
        "as many the day before": Case(old, day + 60, [], _N_PLUS_ONE),
        "eight times as many": Case(grown, day + 90, [of_checkout("VereinNPlusOneGrows")], _N_PLUS_ONE),
        "perhaps twice as many": Case(same, day + 90, [], _N_PLUS_ONE),
    }


COMMON = {
    "more than half, from the start": Case(
        operations("0+10x200", n_plus_one="0+6x200"), 130, [of_checkout("VereinNPlusOneCommon")], _N_PLUS_ONE
    ),
    "less than half, from the start": Case(operations("0+10x200", n_plus_one="0+4x200"), 130, [], _N_PLUS_ONE),
}

SILENCE = {
    "gone after an hour": Case(operations("0+1x70"), 90, [Fires("VereinServiceGone", "critical", OF_SHOP)], _SILENCE),
    "gone after a quarter of an hour": Case(operations("0+1x15"), 40, [], _SILENCE),
    "still there": Case(operations("0+1x100"), 90, [], _SILENCE),
    "nobody was there to hear it": Case(
        {**operations("0+1x70"), 'up{job="otel-verein",instance="127.0.0.1:9464"}': "1x70 0x50"},
        90,
        [],
        _SILENCE,
        up=False,
    ),
    "suddenly without operations": Case(
        operations("0+10x100 1000+0x40"), 121, [Fires("VereinNoOperations", "warning", OF_SHOP)], _SILENCE
    ),
    "seldom with operations": Case(operations("0+1x100 100+0x40"), 121, [], _SILENCE),
    "a batch that is over": Case(operations("0+10x20 200+0x40"), 45, [], _SILENCE),
}

FOREIGN_CALL = 'job="legacy",span_name="GET /list",span_kind="SPAN_KIND_SERVER"'
_OF_LIST = {"job": "legacy", "span_name": "GET /list", "span_kind": "SPAN_KIND_SERVER"}
_FOREIGN = ("verein-foreign",)


def calls(ok: str, failed: str = "") -> dict[str, str]:
    """Calls of a service without our SDK."""
    name = "traces_span_metrics_calls_total"
    series = {f'{name}{{{FOREIGN_CALL},status_code="STATUS_CODE_UNSET"}}': ok}
    return series | ({f'{name}{{{FOREIGN_CALL},status_code="STATUS_CODE_ERROR"}}': failed} if failed else {})


def call_times(**below: str) -> dict[str, str]:
    """How long they took."""
    label = f'{FOREIGN_CALL},status_code="STATUS_CODE_UNSET"'
    bounds = {bound.strip("_").replace("inf", "+Inf"): values for bound, values in below.items()}
    return {
        f'traces_span_metrics_duration_seconds_bucket{{{label},le="{bound}"}}': each for bound, each in bounds.items()
    }


FOREIGN = {
    "a tenth fails": Case(
        calls("0+90x30", "0+10x30"), 20, [Fires("VereinForeignErrors", "warning", _OF_LIST)], _FOREIGN
    ),
    "one in fifty fails": Case(calls("0+98x30", "0+2x30"), 20, [], _FOREIGN),
    "a tenth over the budget": Case(
        calls("0+100x30") | call_times(_2="0+90x30", _5="0+100x30", inf="0+100x30"),
        25, [Fires("VereinForeignSlow", "warning", _OF_LIST)], _FOREIGN,
    ),
    "a tenth over the critical budget": Case(
        calls("0+100x30") | call_times(_2="0+80x30", _5="0+90x30", _10="0+100x30", inf="0+100x30"),
        25, [Fires("VereinForeignSlow", "critical", _OF_LIST)], _FOREIGN,
    ),
    "within the budget": Case(
        calls("0+100x30") | call_times(_1="0+80x30", _2="0+99x30", _5="0+100x30", inf="0+100x30"), 25, [], _FOREIGN
    ),
    "sixty queries a call": Case(
        calls("0+10x30") | {'verein_db_queries_total{job="legacy"}': "0+600x30"},
        20, [Fires("VereinForeignQueries", "warning", {"job": "legacy"})], _FOREIGN,
    ),
    "forty queries a call": Case(
        calls("0+10x30") | {'verein_db_queries_total{job="legacy"}': "0+400x30"}, 20, [], _FOREIGN
    ),
}  # fmt: skip

CASES = {
    f"{family}: {name}": case
    for family, cases in (
        ("burning", BURNING),
        ("score", SCORES),
        ("budget", OVER_BUDGET),
        ("n_plus_one", COMMON),
        ("silence", SILENCE),
        ("foreign", FOREIGN),
    )
    for name, case in cases.items()
}
