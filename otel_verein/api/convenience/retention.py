"""What the store keeps, adds up and deletes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otel_verein.api.convenience.arguments import positive, truth
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.api.convenience.here import asked
from otel_verein.api.store import Place, placed, status
from otel_verein.api.store_jobs import RETENTION, ROLLUP, Controls, Retained, retention_plan, run_job
from otel_verein.config.schema import Config
from otel_verein.errors import StoreError
from otel_verein.sources.base import Source

_LONGEST_WAIT_S = 600.0
_MB = 1_000_000


@enveloped("retention")
def run_basic_data_retention(
    dry_run: bool | str = True,
    wait_s: float | str | None = None,
    *,
    source: Source | None = None,
    config: Config | None = None,
) -> Told:
    """Delete from the store what is past its days, or say what would be deleted; nothing without its replacement.

    Another process that writes is waited for *wait_s*. It is the store of the configuration; the *source* plays no
    part. What a run could not delete, it says under ``held``.
    """
    dry = truth("dry_run", dry_run)
    place, now_s, wait = _place(source, config), asked(source, config).now_s, _wait(wait_s)
    if dry:
        plan = retention_plan(place, now_s)
        return Told(
            _payload(True, plan.figures(), [each.why for each in plan.held]),
            f"{len(plan.actions)} files would be deleted, {plan.freed_bytes / _MB:.1f} MB; nothing was.",
        )
    done: Retained = run_job(place, RETENTION, Controls(wait))
    figures = done.plan.figures() | done.applied.figures() | {"freed_bytes": done.applied.bytes}
    held = [each.why for each in (*done.plan.held, *done.applied.held)]
    return Told(
        _payload(False, figures, held), f"{done.applied.files} files were deleted, {done.applied.bytes / _MB:.1f} MB."
    )


@enveloped("aggregation")
def run_smart_aggregation(
    wait_s: float | str | None = None, *, source: Source | None = None, config: Config | None = None
) -> Told:
    """Add up what is old enough: detail to hours, those to days and months; nothing is deleted by that."""
    place = _place(source, config)
    done = run_job(place, ROLLUP, Controls(_wait(wait_s)))
    figures: dict[str, Any] = dict(done.figures())
    told = ", ".join(f"{name} {figure}" for name, figure in figures.items())
    return Told({"status": "done", "figures": figures}, f"Added up: {told}.")


@enveloped("retention_status")
def get_retention_status(*, source: Source | None = None, config: Config | None = None) -> Told:
    """What is stored, how small it became, what waits, and how long what is kept."""
    at = asked(source, config)
    found = status(_place(source, config), at.now_s)
    kept = at.config.retention
    payload = found.as_dict() | {
        "settings": {
            "enabled": at.config.capabilities.retention,
            "aggregate_after_h": kept.aggregate_after_h,
            "detail_d": kept.detail_d,
            "hourly_d": kept.hourly_d,
            "daily_d": kept.daily_d,
            "monthly_d": kept.monthly_d,
            "disk_mb": kept.disk_mb,
        }
    }
    share = found.reduction.share
    smaller = "how much smaller it became is unknown" if share is None else f"{1 - share:.1%} smaller than its JSON"
    return Told(payload, f"{found.disk.used_bytes / _MB:.1f} MB, {smaller}.")


def _place(source: Source | None, config: Config | None) -> Place:
    place = placed(asked(source, config).config, (), Path.cwd())
    if not place.store.exists:
        raise StoreError(f"{place.store.root}: there is no store yet; `otel-verein store run` makes it")
    return place


def _wait(wait_s: object) -> float:
    return 0.0 if wait_s is None or wait_s == "" else positive("wait_s", wait_s, _LONGEST_WAIT_S)


def _payload(dry_run: bool, figures: dict[str, Any], held: list[str]) -> dict[str, Any]:
    return {"dry_run": dry_run, "figures": figures, "held": held}
