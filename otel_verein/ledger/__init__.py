"""The ledger: every query of every operation, and what can be told from it."""

from otel_verein.ledger.ledger import FINGERPRINTS, UNATTRIBUTED, Ledger
from otel_verein.ledger.operation import Operation
from otel_verein.ledger.record import QueryRecord

__all__ = ["FINGERPRINTS", "UNATTRIBUTED", "Ledger", "Operation", "QueryRecord"]
