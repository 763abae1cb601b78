"""Findings as a report wrote them, as records again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from otel_verein.analysis.findings import CallSite, Finding, Saving


def finding_of(written: dict[str, Any]) -> Finding:
    """The finding that was *written* as JSON."""
    known = {field.name: written[field.name] for field in fields(Finding) if field.name in written}
    site = known["call_site"]
    known["call_site"] = None if site is None else CallSite(site["file"], site["line"], site["function"])
    known["stack"] = tuple(known["stack"])
    known["saving"] = Saving(**known["saving"])
    return Finding(**known)
