"""The page of a report in a real browser: it works, needs nothing but itself, and shows what it quotes as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from otel_verein.cli.main import main
from tests.services.chromium import Chromium, Seen
from tests.unit.otlp_lines import (
    START_NS,
    attributes,
    counter,
    finding,
    metrics_request,
    operation_metrics,
    spans_request,
    write,
)

HOSTILE = "<script>alert(1)</script></script><img src=http://127.0.0.1:9/x onerror=alert(2)> \"'&\u202e"
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const lightness = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
    if (["SCRIPT", "STYLE", "TITLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [one, other] = [lightness(ink), lightness(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName}.${element.getAttribute("class")} ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One browser for all tests of this file."""
    with Chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a shop with a hostile operation, one N+1 and its trace with a summary span."""
    place = tmp_path_factory.mktemp("shop")
    metrics = [
        *operation_metrics(
            "GET /books",
            duration=[0.1] * 35 + [0.4] * 5,
            queries=[4] * 30 + [60] * 10,
            db_duration=[0.05] * 40,
            breaches={"queries": 10, "any": 10, "n_plus_one": 10},
            kept=10,
            sampled_out=30,
        ),
        *operation_metrics(HOSTILE, duration=[0.02] * 9, queries=[9] * 9, kept=9),
        *operation_metrics("GET /about", duration=[0.01] * 31, kept=31),
        counter("verein.db.queries.unattributed", 7, verein__thread__role="main"),
    ]
    write(place / "metrics" / "a.jsonl", metrics_request(metrics))
    trace = spans_request("GET /books", [finding(repeats=25, total_ms=50.0), finding("f2", db__query__text=HOSTILE)])
    trace["resourceSpans"][0]["scopeSpans"][0]["spans"] += [
        summary_span(2, "SELECT author", 24),
        summary_span(3, HOSTILE, 5),
    ]
    write(place / "spans" / "a.jsonl", trace)
    file = place / "report.html"
    done = CliRunner().invoke(main, ["report", "--source", str(place), "--html", str(file)])
    assert (done.exit_code, done.stderr) == (0, "")
    return file


def summary_span(number: int, name: str, count: int) -> dict[str, Any]:
    """A span that stands for *count* queries."""
    return {
        "traceId": f"{1:032x}",
        "spanId": f"{number:016x}",
        "parentSpanId": f"{1:016x}",
        "traceState": "ot=th:0",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(START_NS + 1_000_000),
        "endTimeUnixNano": str(START_NS + 30_000_000_000),
        "attributes": attributes(
            {
                "db.query.text": HOSTILE,
                "aggregation.is_summary": True,
                "aggregation.span_count": count,
                "aggregation.duration_min_ns": 500_000,
                "aggregation.duration_max_ns": 4_000_000,
                "aggregation.duration_avg_ns": 2_000_000,
                "aggregation.duration_total_ns": 2_000_000 * count,
            }
        ),
        "status": {},
    }


def column(seen: Seen, section: str, place: int) -> list[str]:
    """The texts of one column of the first table in a section, from top to bottom."""
    cells = f"#{section} table >> nth=0 >> tbody tr td:nth-child({place})"
    return [text.strip() for text in seen.page.locator(cells).all_inner_texts()]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_asks_for_nothing_and_complains_of_nothing(browser: Chromium, page_file: Path, dark: bool) -> None:
    """No request beside the file itself, no error or refusal on the console, no dialog; it is small."""
    seen = browser.open(page_file, dark=dark)
    seen.page.wait_for_load_state("networkidle")

    assert ([], []) == (seen.requests, seen.complaints)
    assert page_file.stat().st_size < 5_000_000


def test_its_policy_refuses_what_it_does_not_bring(browser: Chromium, page_file: Path) -> None:
    """Were a script or a picture to get in after all, the browser would not run or load it."""
    seen = browser.open(page_file)
    seen.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.injected = true";
          const picture = new Image();
          picture.src = "http://127.0.0.1:9/x.png";
          document.body.append(script, picture);
        }"""
    )

    assert seen.page.evaluate("window.injected === undefined")
    assert seen.page.wait_for_function("document.images[0].complete")
    refused = " ".join(seen.complaints)
    assert ("script-src" in refused, "http://127.0.0.1:9/x.png" in refused) == (True, True)


def test_what_it_quotes_is_text(browser: Chromium, page_file: Path) -> None:
    """An operation that is named like a script is a name; its marks of direction are gone."""
    seen = browser.open(page_file)
    shown = HOSTILE.replace("\u202e", "").strip()

    assert shown in column(seen, "operations", 1)
    assert seen.page.locator("img").count() == 0
    assert seen.page.locator("script").count() == 1
    assert "\u202e" not in seen.page.content()


def test_tables_sort_by_mouse_and_keyboard(browser: Chromium, page_file: Path) -> None:
    """A click sorts numbers from the highest, the next from the lowest; Enter does the same; unknown stays last."""
    seen = browser.open(page_file)
    heads = seen.page.locator("#operations th")
    count, health = heads.nth(1), heads.nth(11)

    count.locator("button").click()
    highest = (count.get_attribute("aria-sort"), column(seen, "operations", 2))
    count.locator("button").focus()
    seen.page.keyboard.press("Enter")
    lowest = (count.get_attribute("aria-sort"), column(seen, "operations", 2))
    health.locator("button").click()
    down = column(seen, "operations", 12)
    health.locator("button").click()

    assert ("descending", ["40", "31", "9"]) == highest
    assert ("ascending", ["9", "31", "40"]) == lowest
    assert count.get_attribute("aria-sort") is None
    assert (["100.0", "0.0", "unknown"], ["0.0", "100.0", "unknown"]) == (down, column(seen, "operations", 12))


def test_searching_hides_what_does_not_match(browser: Chromium, page_file: Path) -> None:
    """Every word has to be there; how many are shown is said."""
    seen = browser.open(page_file)
    seen.page.locator("#search").fill("about get")

    assert ["GET /about"] == [
        text.strip() for text in seen.page.locator("#operations tbody tr:visible td:first-child").all_inner_texts()
    ]
    assert re.fullmatch(r"\d+ of \d+ shown", seen.page.locator("#found").inner_text())
    assert seen.page.locator(".finding:visible").count() == 0


def test_a_finding_leads_to_its_trace(browser: Chromium, page_file: Path) -> None:
    """The link opens the waterfall; a summary span says how many it stands for, and the times of one."""
    seen = browser.open(page_file)
    trace = seen.page.locator("details.trace").first
    closed = trace.get_attribute("open")

    seen.page.locator(".finding a[href^='#trace-']").first.click()
    seen.page.locator(".span summary", has_text="SELECT author").first.click()

    assert (None, "") == (closed, trace.get_attribute("open"))
    assert ["\u00d7 24 min 0.5 / avg 2.0 / max 4.0 ms"] == trace.locator(".repeats").all_inner_texts()[:1]
    assert "48.0 ms" in trace.locator(".span", has_text="SELECT author").first.inner_text()
    assert trace.locator(".span dt", has_text="aggregation").count() == 0
    assert trace.locator(".span dt:visible", has_text="db.query.text").count() == 1


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_it_fits_any_width(browser: Chromium, page_file: Path, width: int) -> None:
    """The page never scrolls sideways; wide tables scroll within it, and can be reached by keyboard."""
    seen = browser.open(page_file, width=width)
    seen.page.evaluate("() => document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    assert seen.page.locator(".scroll:not([tabindex='0'])").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read(browser: Chromium, page_file: Path, dark: bool) -> None:
    """Text has a contrast of 4.5 to 1 at least against what is behind it (WCAG 2, AA), light and dark."""
    seen = browser.open(page_file, dark=dark)
    seen.page.evaluate("() => document.querySelectorAll('details').forEach((each) => { each.open = true; })")

    assert [] == seen.page.evaluate(CONTRAST)


def test_it_prints_with_its_traces(browser: Chromium, page_file: Path) -> None:
    """On paper traces are open, and what is only for the screen is not there."""
    seen = browser.open(page_file)
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen.page.emulate_media(media="print")

    assert seen.page.locator("details.trace:not([open])").count() == 0
    assert seen.page.locator(".search").is_hidden()


def test_it_reads_without_its_script(browser: Chromium, page_file: Path, tmp_path: Path) -> None:
    """Where scripts are off, all of it is there, without a search field that does nothing."""
    bare = tmp_path / "bare.html"
    bare.write_text(re.sub(r"<script>.*?</script>", "", page_file.read_text(encoding="utf-8"), flags=re.DOTALL))
    seen = browser.open(bare)

    assert seen.page.locator("#operations tbody tr").count() == 3
    assert seen.page.locator(".search").is_hidden()
