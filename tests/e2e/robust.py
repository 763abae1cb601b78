"""What the files of a run say in sum, once the loss equation holds in every process that wrote them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests import loss, segments
from tests.loss import Balance

SHUTDOWN_S = 5.0
"""How long an exit of ours may take, whatever the endpoint does."""

MARGIN_S = 3.0
"""What a loaded machine adds: the interpreter's own exit, and waiting for a processor."""


def settled(directory: Path) -> Balance:
    """All processes that wrote under *directory*, none of which was killed: nothing waits, what was exported is there.

    Fails where the loss equation does not hold in one of them, or one of them had a fault of ours.
    """
    balances = loss.assert_balanced(loss.of_files(directory / ".verein/otlp"))
    roots = loss.roots_of_files(directory / ".verein/otlp")
    exported = Counter({instance: balance.exported for instance, balance in balances.items() if balance.exported})
    assert exported == roots, "what the metrics call exported is not what is in the files"
    assert {} == faults(directory)
    return loss.total(balances)


def killed(directory: Path, window: int) -> Balance:
    """The same where processes were killed, each with at most *window* operations on their way.

    Started is kept and sampled out nevertheless, for these leave together; spans and metrics may be a window apart.
    """
    balances = loss.of_files(directory / ".verein/otlp")
    assert balances, "no process wrote any metric"
    roots = loss.roots_of_files(directory / ".verein/otlp")
    for instance, balance in balances.items():
        assert balance.started == balance.kept.total() + balance.sampled_out, str(balance)
        assert abs(balance.kept.total() - balance.dropped.total() - roots[instance]) <= window, str(balance)
    return loss.total(balances)


def by_instance(directory: Path) -> dict[str, int]:
    """Operations of each process that wrote metrics."""
    return {name: balance.started for name, balance in loss.of_files(directory / ".verein/otlp").items()}


def faults(directory: Path) -> dict[str, int]:
    """Faults of ours by place, over all processes."""
    found: Counter[str] = Counter()
    for point in segments.points(directory / ".verein/otlp"):
        if point.metric == "verein.internal.errors":
            found[str(point.attributes)] += int(point.data.get("asInt", 0))
    return dict(found)
