"""Figures, places and kinds in words, as every form of an answer says them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone

from otel_verein.analysis.findings import SAMPLED, CallSite, Finding, Saving
from otel_verein.analysis.health import UNKNOWN
from otel_verein.analysis.histogram import Distribution
from otel_verein.analysis.operations import OperationKey
from otel_verein.rendering.printable import clean
from otel_verein.sources.rows import Window

ABSENT = "-"
"""What stands where there is none, or where nothing was measured."""

_INSTALLED = re.compile(r"\S*/(?:site|dist)-packages/")
_WITHOUT_DECIMALS = 100
_NANOSECONDS = 1e9
_WRITES = ("insert", "update", "delete")
_KINDS = {
    "n_plus_one": "repeated query (N+1)",
    "duplicate": "duplicate, equal parameters",
    "slow_query": "slow statement",
    "looks_unindexed": "looks unindexed",
    "chatty": "many queries",
    "errors": "errors",
}


def kind(finding: Finding) -> str:
    """The kind of *finding* in words that claim no more than what was seen."""
    if finding.kind == "n_plus_one" and finding.verb in _WRITES:
        return "repeated write (N+1)"
    return _KINDS.get(finding.kind) or clean(finding.kind)


def many(number: int, one: str, several: str | None = None) -> str:
    """*number* with its noun."""
    return f"{number} {one if number == 1 else several or one + 's'}"


def name_of(key: OperationKey, *, with_service: bool = False) -> str:
    """How an operation is called: its kind where it is no request, its service where there are several."""
    name = key.operation if key.kind == "server" else f"{key.operation} ({key.kind})"
    return clean(f"{key.service}: {name}" if with_service else name)


def subject(finding: Finding) -> str:
    """What a finding is about: the summary of its statement, else its fingerprint; empty where it is about none."""
    return clean(finding.summary or (f"statement {finding.fingerprint}" if finding.fingerprint else ""))


def place(site: CallSite | None) -> str:
    """A line of code, from the working directory or the installed package on."""
    if site is None:
        return UNKNOWN
    line = "" if site.line is None else f":{site.line}"
    function = "" if site.function is None else f" in {clean(site.function)}"
    return f"{short_path(site.file)}{line}{function}"


def short_path(path: str) -> str:
    """*path*, or a frame that starts with one, from the working directory or the installed package on."""
    here = os.getcwd().rstrip("/") + "/"
    installed = _INSTALLED.sub("", path, count=1)
    return clean(installed if installed != path else path.removeprefix(here))


def figure(
    values: Distribution | None, pick: Callable[[Distribution], float | None], show: Callable[[float], str]
) -> str:
    """What *pick* takes of *values*, as *show* writes it."""
    picked = None if values is None else pick(values)
    return ABSENT if picked is None else show(picked)


def known(value: float | None, show: Callable[[float], str], otherwise: str = UNKNOWN) -> str:
    """*value* as *show* writes it, and a word where it is not known."""
    return otherwise if value is None else show(value)


def decimal(value: float) -> str:
    """With one digit after the point."""
    return f"{value:.1f}"


def whole(value: float) -> str:
    """Without digits after the point."""
    return f"{value:.0f}"


def ms(seconds: float) -> str:
    """Seconds as milliseconds, without unit."""
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if abs(milliseconds) >= _WITHOUT_DECIMALS else f"{milliseconds:.1f}"


def fine_ms(seconds: float) -> str:
    """As :func:`ms`, with two digits that count where it is less than one."""
    milliseconds = seconds * 1000
    return f"{milliseconds:.2g}" if 0 < milliseconds < 1 else ms(seconds)


def seconds(value: float) -> str:
    """A time with its unit: seconds from one on, else milliseconds."""
    if abs(value) >= 1:
        return f"{value:.2f} s" if abs(value) < _WITHOUT_DECIMALS else f"{value:,.0f} s"
    return f"{ms(value)} ms"


def percent(share: float) -> str:
    """A share of one in per cent, with its sign."""
    value = share * 100
    return f"{value:.0f} %" if abs(value) >= 10 or value == 0 else f"{value:.1f} %"


def amount(values: Distribution) -> str:
    """How many were measured; of an estimate about how many there were, and half the width of its 95 % interval."""
    if not values.estimated:
        return str(values.count)
    return f"~{values.count} ±{values.count_error:.0f}"


def estimated_from(samples: int) -> str:
    """What the marks of an estimate mean, and what it rests on."""
    return (
        f"~ estimated from {many(samples, 'sampled operation')} and their weights, as are all figures of that line; "
        "± half of the 95 % interval."
    )


def signed_percent(share: float) -> str:
    """A change in per cent, with the sign of its direction."""
    value = share * 100
    return f"{value:+.0f} %" if abs(value) >= 10 else f"{value:+.1f} %"


def window(window: Window | None) -> str:
    """From when to when, in UTC."""
    if window is None:
        return "no window: nothing was measured"
    length = (window.end_ns - window.start_ns) / _NANOSECONDS
    return f"{moment_ns(window.start_ns)} to {moment_ns(window.end_ns)} UTC ({length:.0f} s)"


def moment(when: datetime) -> str:
    """A point in time, in UTC."""
    return f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"


def moment_ns(nanoseconds: int) -> str:
    """A point in time given in nanoseconds since the epoch, in UTC."""
    return moment(datetime.fromtimestamp(nanoseconds / _NANOSECONDS, timezone.utc))


def measured(finding: Finding) -> str:
    """What was seen of a finding, and what it wastes, in one sentence."""
    time = known(finding.time_wasted_s, lambda value: f"{value:.3f} s")
    if finding.repeats_mean is not None and finding.repeats_max is not None and finding.queries_wasted is not None:
        return (
            f"{finding.repeats_mean:.1f} repeats (max {finding.repeats_max}) in "
            f"{many(finding.operations_seen, 'operation')}; "
            f"wasted {many(finding.queries_wasted, 'query', 'queries')}, time {time}"
        )
    estimated = " (estimated from kept traces)" if finding.basis == SAMPLED else ""
    beyond = "" if finding.time_wasted_s is None else f"; time beyond what is due {time}"
    return f"{clean(finding.why).rstrip('.')}{beyond}{estimated}"


def saved(saving: Saving) -> str:
    """What mending a finding saves."""
    queries = known(saving.queries, lambda value: many(int(value), "query", "queries"))
    return f"{queries}, time {known(saving.time_s, seconds)}"


def lost(points: Mapping[str, float | None]) -> str:
    """The points of health lost, by cause; those causes that took none are left out."""
    return ", ".join(f"{clean(cause)} {amount:.1f}" for cause, amount in points.items() if amount) or "nothing"


def cut(text: str, width: int) -> str:
    """*text*, ended by dots where it is longer than *width*."""
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."
