"""Markdown for pull requests: tables hold whatever is quoted, as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.api.findings import findings
from otel_verein.api.report import report
from otel_verein.config.schema import Config
from otel_verein.rendering.markdown import findings as findings_form
from otel_verein.rendering.markdown import report as report_form
from otel_verein.rendering.markdown.cells import code, marked, table
from otel_verein.sources import OtlpFiles
from tests.unit.otlp_lines import finding, metrics_request, operation_metrics, spans_request, write

HOSTILE = "a|b `c` <img src=x> @team [x](http://e) _y_ *z* \n# h"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /a_b/<int:pk>/", "GET /a_b/&lt;int:pk&gt;/"),
        ("a|b", "a&#124;b"),
        ("`x`", "&#96;x&#96;"),
        ("@team", "&#64;team"),
        ("[x](http://e)", "&#91;x&#93;(http&#58;//e)"),
        ("_y_ a_b", "&#95;y&#95; a_b"),
        ("www.example.org", "www&#46;example.org"),
        ("a\n# b\u202e", "a # b"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_what_markdown_reads_is_an_entity(text: str, shown: str) -> None:
    """Marks, mentions, links and breaks are text; what is plain stays readable."""
    assert marked(text) == shown


def test_quoted_text_is_code_of_a_bounded_length() -> None:
    """It stands in an element, where hosts of Git make no mention of it, and is cut with dots."""
    assert code("x" * 200) == f"<code>{'x' * 97}...</code>"


def test_numbers_of_a_table_stand_at_the_right() -> None:
    """A head that ends in a colon is one of numbers."""
    assert list(table(["name", "n:"], [["a", "1"]])) == ["| name | n |", "| --- | ---: |", "| a | 1 |"]


@pytest.fixture
def shop(tmp_path: Path) -> OtlpFiles:
    """One operation of a hostile name with an N+1."""
    metrics = operation_metrics(HOSTILE, duration=[0.1] * 40, queries=[4] * 40, kept=1, sampled_out=39)
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(metrics))
    event = finding(repeats=25, total_ms=50.0, db__query__summary=HOSTILE, code__file__path=f"/srv/{HOSTILE}.py")
    write(tmp_path / "spans" / "a.jsonl", spans_request(HOSTILE, [event]))
    return OtlpFiles(tmp_path)


@pytest.mark.parametrize("form", ["report", "findings"])
def test_hostile_names_break_no_table(shop: OtlpFiles, form: str) -> None:
    """Every row has as many cells as its head, and no element but ours."""
    if form == "report":
        made = report_form.render(report(shop, Config()), "here")
    else:
        made = findings_form.render(findings(shop, Config()), "here", 20)

    tables = [line for line in made.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {9}
    assert "<img" not in made
    assert "@team" not in made
    assert "n = 40" in made or "40 operations" in made


def test_a_report_says_what_it_rests_on(shop: OtlpFiles) -> None:
    """Health comes with n, findings with where they are and what mending them saves."""
    made = report_form.render(report(shop, Config()), "here").splitlines()

    assert made[0] == "### Health 100.0 excellent (n = 40)"
    (row,) = [line for line in made if line.startswith("| 1 |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert (cells[0], cells[1], cells[4], cells[5], cells[6]) == ("1", "critical", "1", "24", "48.0 ms")
