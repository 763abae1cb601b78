"""One configuration as the processors use it: an operation is judged wholly by the edition that it began under.

A changed configuration makes a new edition, which later operations take; nothing of an edition ever changes. What is
read for every query or operation is an attribute.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from otel_verein.config.schema import Compression, Config, Sampling, Thresholds
from otel_verein.ledger import Ledger, Operation
from otel_verein.ledger.record import RecordFields
from otel_verein.processors.by_name import remembered
from otel_verein.processors.sampling import Policy

_NEVER = sys.maxsize


class Edition(Ledger):
    """Ledger, budgets, sampling and switches of one configuration.

    *before* is the edition that it follows: where the sampling is the same, its policy goes on, so that the rate cap
    goes on, too.
    """

    def __init__(
        self,
        config: Config,
        late: Callable[[Operation, RecordFields], None] | None = None,
        before: Edition | None = None,
    ) -> None:
        can = config.capabilities
        super().__init__(config, late, counting=can.recording and can.counting)
        self.recording = can.recording
        self.tagging = can.tagging
        self.metrics = can.metrics
        self.sampling = config.sampling if can.sampling else _all_kept(config.sampling)
        self.compression = config.compression if can.compression else _uncompressed(config.compression)
        self.policy = _policy(self.sampling, before)
        self._thresholds = config.thresholds
        self._of_name = _by_name(config.thresholds)

    def thresholds(self, name: str) -> Thresholds:
        """The budgets of the operations that are called *name*."""
        return self._thresholds if self._of_name is None else self._of_name(name)


def _policy(sampling: Sampling, before: Edition | None) -> Policy:
    return before.policy if before is not None and before.sampling == sampling else Policy(sampling)


def _all_kept(sampling: Sampling) -> Sampling:
    return replace(sampling, ratio=1.0, operations=(), traces_per_second=0.0, remote_parents="ignore", dry_run=False)


def _uncompressed(options: Compression) -> Compression:
    """Every query is a span of its own, but for those that the limits have folded already."""
    return replace(options, repeats=_NEVER)


def _by_name(thresholds: Thresholds) -> Callable[[str], Thresholds] | None:
    """The budgets with those of the first rule for a name; None where there are no rules."""
    if not thresholds.operations:
        return None
    return remembered(thresholds.of)
