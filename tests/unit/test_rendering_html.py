"""Elements and charts of the page; how it behaves is tested in a browser, in tests/e2e/test_report_page.py."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from otel_verein.analysis.histogram import Distribution
from otel_verein.api.report import report
from otel_verein.config.schema import Config
from otel_verein.rendering.html.charts import histogram, line, stacked
from otel_verein.rendering.html.markup import el, escaped, joined
from otel_verein.rendering.html.page import MOST_SPANS, Example, Page, render
from otel_verein.rendering.waterfall import waterfall
from otel_verein.rendering.words import seconds, whole
from otel_verein.sources import OtlpFiles
from tests.unit.otlp_lines import finding, metrics_request, operation_metrics, spans_request, write
from tests.unit.test_rendering_waterfall import span

MADE = datetime(2026, 11, 27, tzinfo=timezone.utc)


def test_text_is_escaped_and_elements_are_not() -> None:
    """Children that are elements stay so; text, also in attributes, cannot become one."""
    inner = el("b", "<i>")

    assert el("p", inner, " & ", None, title='"<', data_v=1.5, hidden=True, class_=None) == (
        '<p title="&quot;&lt;" data-v="1.5" hidden><b>&lt;i&gt;</b> &amp; </p>'
    )
    assert joined(["<", inner]) == "&lt;<b>&lt;i&gt;</b>"


@given(st.text())
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever a text holds, what it is escaped to has no mark of HTML, and nothing that does not print."""
    assert not re.search(r"[<>\"']", escaped(text))
    assert escaped(text).isprintable() or not escaped(text)


def test_bars_of_a_histogram_hold_every_value() -> None:
    """What the bars say adds up to all that was measured, zeros among it; there are never too many bars."""
    wide = Distribution(1030, 1.0, 0.0, 9.0, 8, tuple((index * 7, 10) for index in range(100)))

    drawn = histogram(wide, seconds, "time of GET /")

    amounts = [int(amount) for amount in re.findall(r": (\d+) of 1030<", drawn)]
    assert (sum(amounts), amounts[0]) == (1030, 30)
    assert len(amounts) <= 33
    assert 'aria-label="time of GET /: 1030 measured, from 0.0 ms to 9.00 s"' in drawn


def test_a_histogram_of_one_value_says_it_once() -> None:
    """Where all are equal there is one bar and one number below it."""
    drawn = histogram(Distribution(4, 0.0, 0.0, 0.0, 5, ()), whole, "queries")

    assert (drawn.count("<rect"), re.findall(r"<text[^>]*>([^<]*)<", drawn)) == (1, ["0"])


def test_parts_of_a_bar_fill_it_by_their_size() -> None:
    """The widths are the shares; a part of nothing is not drawn."""
    drawn = stacked({"error": 10.0, "duration": 0.0, "queries": 30.0}, 100.0, "60 points left")

    assert re.findall(r'class="part p(\d)" x="([\d.]+)%" width="([\d.]+)%"', drawn) == [
        ("0", "0.000", "10.000"),
        ("2", "10.000", "30.000"),
    ]


def test_a_line_is_interrupted_where_nothing_is_known() -> None:
    """Neighbours that are known are joined; one alone is a dot; a mark stands where a level changed."""
    drawn = line([(0, 1.0), (1, 2.0), (2, None), (3, 4.0)], [1.0], "queries", ("then", "now"))

    assert (drawn.count("<polyline"), drawn.count("<circle"), drawn.count('class="mark"')) == (1, 1, 1)


def test_a_page_without_anything_measured_says_unknown(tmp_path: Path) -> None:
    """No figure reads 0 that was not measured, and nothing is missing that the rest needs."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request([]))
    made = render(Page(report(OtlpFiles(tmp_path), Config()), "here", MADE))

    assert "Health is <strong>unknown</strong>" in made
    assert "No finding in 0 operations." in made
    assert "is unknown: no counters were found." in made
    assert '<dt>queries per operation</dt><dd class="unknown">unknown</dd>' in made


def test_a_page_names_no_address_but_of_documentation(tmp_path: Path) -> None:
    """There is nothing in it that a browser would fetch."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1] * 40)))
    made = render(Page(report(OtlpFiles(tmp_path), Config()), "here", MADE))

    assert [] == re.findall(r"<(?:link|img|iframe|script src|object|embed)|@import|url\(", made)
    assert "default-src &#x27;none&#x27;; style-src &#x27;sha256-" in made


def test_a_page_of_a_large_shop_stays_small(tmp_path: Path) -> None:
    """Thousands of operations, findings with long statements and large traces make a file that can be sent."""
    metrics = [
        each for number in range(2000) for each in operation_metrics(f"GET /{number}/{'x' * 150}", duration=[0.1])
    ]
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(metrics))
    events = [
        finding(f"f{number}", db__query__text="SELECT " + "name, " * 1000, db__query__summary="SELECT " + "a " * 100)
        for number in range(400)
    ]
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /0", events))
    spans = [
        span(number, 1, number, 5, **{f"a{place}": "<" * 500 for place in range(40)}, name="SELECT <" * 90)
        for number in range(1, 401)
    ]
    examples = tuple(
        Example(waterfall([replace(each, trace_id=f"{number:032x}") for each in spans], MOST_SPANS), "an example")
        for number in range(12)
    )

    made = render(Page(report(OtlpFiles(tmp_path), Config()), "here", MADE, examples))

    assert len(made.encode()) < 5_000_000
    assert "1600 operation names more left out." in made
    assert "that waste less are left out." in made
    assert "left out, so that the page stays small." in made
