"""The rule file."""

from __future__ import annotations

from otel_verein.collector.rules.budgets import budgets, over_budget
from otel_verein.collector.rules.counting import counts, services
from otel_verein.collector.rules.foreign import foreign
from otel_verein.collector.rules.health import burning, scores
from otel_verein.collector.rules.losing import configuration, losses, silence
from otel_verein.collector.rules.n_plus_one import n_plus_one
from otel_verein.collector.rules.own import collector, queues
from otel_verein.collector.rules.rule import Group, group_text
from otel_verein.config.schema import Config

_HEAD = """\
# Recording rules and alerts for Prometheus, made by `otel-verein collector rules`{environment}.
# Change verein.yaml and make it again; a number names the option that it is from.
# They expect two scrape jobs, as in deploy/prometheus/prometheus.yml: otel-verein (with honor_labels) and
# otel-verein-collector. What each alert means stands in docs/how-to/alerts.md.
"""


def rules_text(config: Config) -> str:
    """The rule file for *config*, as commented YAML that `promtool check rules` accepts."""
    environment = f" for {config.environment}" if config.environment else ""
    lines = [_HEAD.format(environment=environment) + "groups:"]
    for group in groups(config):
        lines += [*group_text(group), ""]
    return "\n".join(lines[:-1]) + "\n"


def groups(config: Config) -> tuple[Group, ...]:
    """All rules; a group is evaluated by itself, so one that reads another may lag behind it by a minute."""
    return (
        counts(config),
        services(config),
        burning(config),
        scores(config),
        budgets(config),
        over_budget(config),
        n_plus_one(config),
        losses(config),
        configuration(),
        silence(config),
        collector(config),
        queues(config),
        foreign(config),
    )
