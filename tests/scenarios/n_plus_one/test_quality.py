"""The labelled suite: each case once, and precision and recall over all of them."""

from __future__ import annotations

import pytest

from tests.conftest import absent
from tests.scenarios.n_plus_one.case import NONE, Case, Services, all_cases
from tests.scenarios.n_plus_one.measure import LEAST, Quality, Verdict, run_apart, runnable
from tests.scenarios.n_plus_one.misses import MISSES, WRONG_KIND, WRONG_NUMBER, WRONG_SITE
from tests.scenarios.n_plus_one.page import PAGE, render

CASES = all_cases()


@pytest.fixture(scope="module")
def services(request: pytest.FixtureRequest) -> Services:
    """The servers of this session, as far as they are there."""

    def started(name: str):  # type: ignore[no-untyped-def]
        try:
            return request.getfixturevalue(name)
        except pytest.skip.Exception:
            return None

    postgres, mariadb = started("postgres"), started("mariadb")
    return Services(postgres and postgres.url, mariadb and mariadb.address)


@pytest.fixture(scope="module")
def verdicts(services: Services) -> dict[str, Verdict]:
    """Every case that can run here, judged, by its id."""
    outcomes = {outcome.id: outcome for outcome in run_apart(services)}
    return {case.id: Verdict(case, outcomes[case.id]) for case in CASES if runnable(case, services)}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_case(case: Case, verdicts: dict[str, Verdict]) -> None:
    """A finding where the label deserves one and none where not, unless the miss is published."""
    if case.id not in verdicts:
        absent(f"{case.needs} is not there")

    right = verdicts[case.id].right

    assert (case.id not in MISSES) is right


def test_precision_and_recall(verdicts: dict[str, Verdict]) -> None:
    """Both are at least 0.97 over all cases."""
    quality = Quality.of(verdicts.values())

    assert (quality.precision or 0) >= LEAST, quality
    assert (quality.recall or 0) >= LEAST, quality


def test_misses_are_the_published_ones(verdicts: dict[str, Verdict]) -> None:
    """No miss is unpublished, and none is published that is no more."""
    missed = {name for name, verdict in verdicts.items() if not verdict.right}

    assert MISSES.keys() & verdicts.keys() == missed


@pytest.mark.parametrize(
    ("aspect", "published"),
    [
        pytest.param("kind_right", WRONG_KIND, id="kind"),
        pytest.param("site_right", WRONG_SITE, id="call-site"),
        pytest.param("told_once", WRONG_NUMBER, id="number"),
    ],
)
def test_findings_say_what_is_labelled(verdicts: dict[str, Verdict], aspect: str, published: dict[str, str]) -> None:
    """Kind, call site and number of the findings are as labelled, but for the published ones."""
    found = [verdict for verdict in verdicts.values() if verdict.expected and verdict.right]

    wrong = {verdict.case.id for verdict in found if not getattr(verdict, aspect)}

    assert published.keys() & verdicts.keys() == wrong


def test_every_case_asks_the_database(verdicts: dict[str, Verdict]) -> None:
    """A case that runs no query in its operation would prove nothing; a defect runs at least six."""
    idle = [name for name, verdict in verdicts.items() if verdict.outcome.queries < (6 if verdict.expected else 1)]

    assert [] == idle


def test_page_is_fresh(verdicts: dict[str, Verdict]) -> None:
    """The published page is what was measured just now; scripts/measure_n_plus_one.py renews it."""
    if len(verdicts) < len(CASES):
        absent("the page tells of all servers")

    assert render(verdicts.values()) == PAGE.read_text(encoding="utf-8")


def test_suite_is_large_and_half_silent() -> None:
    """At least 130 cases with ids of their own, at least half of them silent."""
    silent = sum(case.label == NONE for case in CASES)

    assert len(CASES) == len({case.id for case in CASES})
    assert len(CASES) >= 130
    assert 2 * silent >= len(CASES)


def test_every_defect_has_a_twin() -> None:
    """The repaired or harmless form of each defect is a case, too."""
    twinned = {defect for case in CASES for defect in case.twins_of}

    assert {case.id for case in CASES if case.label != NONE} == twinned


def test_every_defect_marks_its_line() -> None:
    """Defects say which line is to be named; silent cases mark none."""
    assert [case.id for case in CASES if case.label != NONE] == [case.id for case in CASES if case.sites]


def test_every_label_has_a_reason() -> None:
    """The docstring of each case says why it is labelled so, in one sentence or two."""
    assert [] == [case.id for case in CASES if not case.why.endswith((".", ")"))]
