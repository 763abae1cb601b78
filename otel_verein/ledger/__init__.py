"""The ledger: every query of every operation, and what can be told from it."""

from otel_verein.ledger.ledger import FINGERPRINTS, UNATTRIBUTED, Ledger
from otel_verein.ledger.operation import Operation

__all__ = ["FINGERPRINTS", "UNATTRIBUTED", "Ledger", "Operation"]
