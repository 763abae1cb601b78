"""What a finding event says of the ORM that ran the statement: what is known, and nothing where none is."""

from __future__ import annotations

from typing import Any

import pytest

from otel_verein import semconv
from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint, StatementKind
from otel_verein.ledger.orm import Through
from otel_verein.ledger.verdict import Finding, FindingKind
from otel_verein.processors.export_form import _finding

ORM = (semconv.FINDING_ORM, semconv.FINDING_ORM_VERSION, semconv.FINDING_VIA)


def said(site: CallSite | None) -> dict[str, Any]:
    """What the event of a finding at *site* says of an ORM."""
    select = Fingerprint("key", "SELECT ?", "SELECT book", "SELECT", ("book",), StatementKind.QUERY, True, False)
    finding = Finding(FindingKind.N_PLUS_ONE, select, "sqlite", 9, 9, 1, 4.5, site)
    return {key: value for key, value in _finding(finding).items() if key in ORM}


def site(through: Through | None) -> CallSite:
    """A line that went through that."""
    return CallSite("/srv/shop/views.py", 7, "books", (), through)


def test_orm_version_and_function():
    """The library, its version in this process, and the function that was called."""
    django = pytest.importorskip("django")
    via = "django.db.models.query:QuerySet.get of Book"

    assert said(site(Through("django", via))) == dict(zip(ORM, ("django", django.__version__, via), strict=True))


def test_unknown_version_is_left_out():
    """A library that is not there by its name says no version."""
    via = "frappe:get_doc of Item"

    assert said(site(Through("frappe", via))) == {semconv.FINDING_ORM: "frappe", semconv.FINDING_VIA: via}


@pytest.mark.parametrize("where", [site(None), None], ids=["no orm", "no call site"])
def test_no_orm(where: CallSite | None):
    """The event has no attribute of what is not known."""
    assert said(where) == {}
