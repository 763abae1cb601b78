"""Rules over several options, and settings that are dangerous: refused with the reason unless a switch allows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from otel_verein.config.presets import PRESETS, PRODUCTION
from otel_verein.config.schema import ThresholdRule, option_fields
from otel_verein.config.shown import shown, shown_number
from otel_verein.errors import Problem

BUDGETS = (
    ("queries", "queries_critical"),
    ("duration_s", "duration_critical_s"),
    ("db_duration_s", "db_duration_critical_s"),
)
"""Options of the thresholds: the budget, and what is critical."""

BELOW = (
    *((f"thresholds.{budget}", f"thresholds.{critical}") for budget, critical in BUDGETS),
    ("n_plus_one.medium_repeats", "n_plus_one.high_repeats"),
    ("n_plus_one.high_repeats", "n_plus_one.critical_repeats"),
    ("health.poor", "health.fair"),
    ("health.fair", "health.good"),
    ("health.good", "health.excellent"),
    ("health.critical", "health.warning"),
    ("alerts.queue_share", "alerts.queue_critical_share"),
    ("alerts.lasting_burn_rate", "alerts.slow_burn_rate"),
    ("alerts.slow_burn_rate", "alerts.fast_burn_rate"),
    ("self_monitoring.api_response_s", "self_monitoring.api_response_critical_s"),
    ("self_monitoring.memory_mb", "self_monitoring.memory_critical_mb"),
    ("collector.decision_wait_after_root_s", "collector.decision_wait_s"),
    ("collector.decision_wait_s", "backends.kafka_commit_s"),
)
"""Pairs of options of which the first has to be below the second."""

AT_MOST = (
    ("n_plus_one.repeats", "n_plus_one.certain_repeats"),
    ("limits.late_idle_s", "limits.late_longest_s"),
    ("export.retry_s", "export.retry_longest_s"),
    ("export.request_bytes", "export.queue_bytes"),
    ("retention.detail_d", "retention.hourly_d"),
    ("retention.hourly_d", "retention.daily_d"),
    ("retention.daily_d", "retention.monthly_d"),
    ("tiers.short_d", "tiers.medium_d"),
    ("tiers.medium_d", "tiers.long_d"),
)
"""Pairs of which the first must not be above the second."""

AT_MOST_IF_GIVEN = (
    ("thresholds.queries_excellent", "thresholds.queries"),
    ("thresholds.duration_excellent_s", "thresholds.duration_s"),
)
"""Such pairs that are looked at only where somebody gave the first."""

_HOURS_A_DAY = 24

DANGEROUS_IN_PRODUCTION = (
    ("capabilities.recording", "monitoring_off", "production would not be watched at all"),
    ("capabilities.counting", "monitoring_off", "no query of production would be counted"),
    ("capabilities.metrics", "monitoring_off", "the figures of production would be unknown"),
    ("capabilities.retention", "unbounded_storage", "the store would grow until the disk is full"),
    ("retention.disk_mb", "unbounded_storage", "only ages would bound the store, not the room that there is"),
)
"""What is refused in production: the option that is off or 0, the switch of ``allow`` that permits it, the reason."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every option with its value in force; *places* has those that somebody gave, with where they did."""

    values: Mapping[str, Any]
    places: Mapping[str, str]
    environment: str = ""

    def shown(self, key: str) -> str:
        """*key* with its value."""
        value = self.values[key]
        if isinstance(value, bool):
            return f"{key}: {shown(value)}"
        return f"{key}: {shown_number(value) if isinstance(value, int | float) else value}"

    def place(self, *keys: str) -> str:
        """Where the first of *keys* that was given stands; nothing is wrong with what nobody gave."""
        return next((self.places[key] for key in keys if key in self.places), "")

    def origin(self, key: str) -> str:
        """In brackets, where the value of *key* comes from."""
        place = self.places.get(key)
        if place is not None:
            return f" ({place})"
        preset = key in PRESETS.get(self.environment, {})
        return f" (as {self.environment} presets)" if preset else " (as by default)"


def broken(settings: Settings) -> list[Problem]:
    """Every rule over several options that *settings* breaks, and every dangerous setting without its switch."""
    return [*_order(settings), *_overrides(settings), *_deleted_too_soon(settings), *_dangerous(settings)]


def _order(settings: Settings) -> Iterator[Problem]:
    for lower, upper in BELOW:
        if settings.values[lower] >= settings.values[upper]:
            yield from _out_of_order(settings, lower, upper, "must be below")
    for lower, upper in AT_MOST:
        if settings.values[lower] > settings.values[upper]:
            yield from _out_of_order(settings, lower, upper, "must not be above")
    for lower, upper in AT_MOST_IF_GIVEN:
        if lower in settings.places and settings.values[lower] > settings.values[upper]:
            yield from _out_of_order(settings, lower, upper, "must not be above")


def _out_of_order(settings: Settings, lower: str, upper: str, rule: str) -> Iterator[Problem]:
    where = settings.place(lower, upper)
    if where:
        low, high = (
            settings.shown(key) + ("" if settings.places.get(key) == where else settings.origin(key))
            for key in (lower, upper)
        )
        yield Problem(where, f"{low} {rule} {high}")


def _overrides(settings: Settings) -> Iterator[Problem]:
    """Budgets by name have to be in order, too, once those that are not given are taken from all."""
    rules: tuple[ThresholdRule, ...] = settings.values["thresholds.operations"]
    for index, rule in enumerate(rules):
        key, given = f"thresholds.operations[{index}]", rule.given
        for pair in BUDGETS:
            low, high = (given.get(name, settings.values[f"thresholds.{name}"]) for name in pair)
            if low < high or given.keys().isdisjoint(pair):
                continue
            taken = "".join(f"; {name} is that of all: give it, too" for name in pair if name not in given)
            budget, critical = pair
            yield Problem(
                settings.places.get(key, settings.place("thresholds.operations")),
                f"{key}: {budget}: {shown_number(low)} must be below {critical}: {shown_number(high)}{taken}",
            )


def _deleted_too_soon(settings: Settings) -> Iterator[Problem]:
    detail, after = "retention.detail_d", "retention.aggregate_after_h"
    where = settings.place(detail, after)
    if where and settings.values[detail] * _HOURS_A_DAY < settings.values[after]:
        yield Problem(
            where,
            f"{settings.shown(detail)} is shorter than {settings.shown(after)}: "
            "detail would be deleted before it is added up",
        )


def _dangerous(settings: Settings) -> Iterator[Problem]:
    if settings.environment == PRODUCTION:
        for key, switch, reason in DANGEROUS_IN_PRODUCTION:
            if not settings.values[key] and not settings.values[f"allow.{switch}"] and key in settings.places:
                yield Problem(
                    settings.places[key],
                    f"{settings.shown(key)} is refused: {reason}; set allow.{switch} if that is meant",
                )
    if settings.values["allow.large_memory"]:
        return
    for section, name, option in option_fields():
        most, key = option.metadata["safe_at_most"], f"{section}.{name}"
        if most is not None and settings.values[key] > most and key in settings.places:
            yield Problem(
                settings.places[key],
                f"{settings.shown(key)} is refused: above {shown_number(most)} a process can run out of memory; "
                "set allow.large_memory if that is meant",
            )
