"""What operations cost by what they were about."""

from __future__ import annotations

from otel_verein.analysis.entities import EntitiesAnswer, entity_costs
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source


def entities(
    source: Source,
    config: Config,
    ask: Ask = ALL,
    entity_type: str | None = None,
    entity_id: str | None = None,
) -> EntitiesAnswer:
    """The costs of all entities, those of a type, or one; ``analysis.entities`` of them are told apart.

    Raises what ``source.entities`` raises.
    """
    return entity_costs(source.entities(ask, entity_type, entity_id), config.analysis.entities)
