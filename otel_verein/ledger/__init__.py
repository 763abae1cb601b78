"""The ledger: every query of every operation, and what can be told from it."""

from otel_verein.ledger.ledger import UNATTRIBUTED, Ledger
from otel_verein.ledger.operation import Operation, QueryRecord

__all__ = ["UNATTRIBUTED", "Ledger", "Operation", "QueryRecord"]
