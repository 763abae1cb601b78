"""Ignore rules: what each pattern covers, and that a rule ends some day."""

from __future__ import annotations

from datetime import date

import pytest

from otel_verein.config.schema import IgnoreRule
from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import fingerprint
from otel_verein.ledger.ignored import sift
from otel_verein.ledger.verdict import Finding, FindingKind

TODAY = date(2026, 11, 25)
FOUND = fingerprint("select name from country where id = 4")
SITE = CallSite("/srv/shop/reports/nightly.py", 41, "write_rows")


def a_finding(ignored: str | None = None, site: CallSite | None = SITE) -> Finding:
    """Twelve look-ups of a country."""
    return Finding(FindingKind.N_PLUS_ONE, FOUND, "sqlite", 12, 12, 1, 3.0, site, ignored=ignored)


def a_rule(until: date = TODAY, **patterns: str) -> IgnoreRule:
    """A rule that holds to the end of *until*."""
    return IgnoreRule(reason="meant", until=until, **patterns)


@pytest.mark.parametrize(
    "patterns",
    [
        {"call_site": "reports/nightly.py:41"},
        {"call_site": "reports/nightly.py:write_rows"},
        {"call_site": "reports/nightly.py"},
        {"call_site": "reports/*.py:*"},
        {"call_site": "/srv/shop/reports/nightly.py:41"},
        {"statement": "SELECT country"},
        {"statement": "SELECT *"},
        {"statement": FOUND.key},
        {"operation": "GET /report*"},
        {"operation": "GET /reports", "statement": "SELECT country", "call_site": "nightly.py:*"},
    ],
    ids=str,
)
def test_a_rule_covers(patterns: dict[str, str]) -> None:
    """Every pattern that is given matches: the finding is ignored, by this rule."""
    standing, ignored = sift([a_finding()], "GET /reports", [a_rule(**patterns)], TODAY)

    assert ([], (a_rule(**patterns).name,)) == (standing, ignored)


@pytest.mark.parametrize(
    "patterns",
    [
        {"call_site": "reports/nightly.py:42"},
        {"call_site": "nightly.p"},
        {"call_site": "orts/nightly.py:41"},
        {"statement": "SELECT member"},
        {"operation": "GET /orders"},
        {"operation": "GET /orders", "statement": "SELECT country"},
    ],
    ids=str,
)
def test_a_rule_does_not_cover(patterns: dict[str, str]) -> None:
    """Twin: one pattern that does not match, and the finding stands."""
    standing, ignored = sift([a_finding()], "GET /reports", [a_rule(**patterns)], TODAY)

    assert ([a_finding()], ()) == (standing, ignored)


def test_an_expired_rule_ignores_nothing() -> None:
    """The day after ``until`` the finding is back."""
    rule = a_rule(until=date(2026, 11, 24), statement="SELECT country")

    assert ([a_finding()], ()) == sift([a_finding()], "GET /", [rule], TODAY)


def test_a_call_site_rule_needs_a_known_call_site() -> None:
    """An unknown line matches no pattern, not even the widest."""
    unknown = a_finding(site=None)

    assert ([unknown], ()) == sift([unknown], "GET /", [a_rule(call_site="*")], TODAY)


def test_a_block_of_code_needs_no_rule() -> None:
    """What the code itself ignores is counted under its own name."""
    assert ([], ("code",)) == sift([a_finding(ignored="meant")], "GET /", [], TODAY)
