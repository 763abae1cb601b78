"""What to do about findings, in words."""

from __future__ import annotations

from typing import Any

from otel_verein.analysis.advice import advise
from otel_verein.analysis.findings import CallSite, Finding


def sentence(finding: Finding) -> str:
    """What is wrong, where, what to do, and what it saves."""
    return f"{finding.operation}{_where(finding.call_site)}: {advise(finding).title}. {_saves(finding)}"


def action(finding: Finding) -> dict[str, Any]:
    """One item of a list of things to do: how urgent, what, and all that whoever does it has to know."""
    advice = advise(finding)
    return {
        "priority": finding.severity,
        "action": advice.title,
        "description": f"{finding.operation}{_where(finding.call_site)}: {finding.why}. {advice.why} {_saves(finding)}",
        "how": advice.how,
        "operation": finding.operation,
        "kind": finding.kind,
        "saving": {
            "queries": finding.saving.queries,
            "time_s": finding.saving.time_s,
            "how": finding.saving.how,
        },
    }


def _saves(finding: Finding) -> str:
    saving = finding.saving
    parts = [
        *([] if saving.queries is None else [f"{saving.queries} queries"]),
        *([] if saving.time_s is None else [f"{saving.time_s:.3g} s"]),
    ]
    return f"It saves {' and '.join(parts)}: {saving.how}." if parts else "What it saves cannot be told."


def _where(site: CallSite | None) -> str:
    if site is None:
        return ""
    return f", {site.file}" + ("" if site.line is None else f":{site.line}")
