"""Health on real traffic: the mended shop is healthy; after a bad release it is not, and the causes add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).resolve().parents[2] / "examples" / "oscar_shop"
sys.path.insert(0, str(SHOP))

import demo  # noqa: E402
from walkthrough.browser import Page  # noqa: E402
from walkthrough.server import fresh, serving  # noqa: E402
from walkthrough.traffic import surprises, visit  # noqa: E402

BIN = Path(sys.executable).parent
GUNICORN = [str(BIN / "gunicorn"), *demo.GUNICORN[1:]]
HEADER = "X-Trouble"


@dataclass(frozen=True)
class Walk:
    """The pages of one walk, and what the command says of its health; ``status`` is that of ``health --min 95``."""

    pages: list[Page]
    health: dict[str, Any]
    status: int


def walk(directory: Path, settings: str) -> Walk:
    """The walk through the shop with these *settings*."""
    environment = {**fresh(directory, demo.seeded()), "DJANGO_SETTINGS_MODULE": settings}
    pages: list[Page] = []
    command = [str(BIN / "otel-verein"), "run", "--", *GUNICORN]
    # A form may not be there, since its page failed: then the visitor goes home.
    with serving(command, directory, environment) as port, suppress(ValueError):
        visit(port, pages)
    done = subprocess.run(
        [str(BIN / "otel-verein"), "health", "--json", "--min", "95"],
        cwd=SHOP,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return Walk(pages, json.loads(done.stdout), done.returncode)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The shop with the N+1s that the report named mended."""
    return walk(tmp_path_factory.mktemp("healthy") / "run", "shop.settings_fixed")


@pytest.fixture(scope="module")
def unhealthy(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """The shop after the bad release."""
    return walk(tmp_path_factory.mktemp("unhealthy") / "run", "shop.settings_unhealthy")


def test_the_healthy_shop_is_excellent(healthy: Walk) -> None:
    """Without errors and broken budgets the score is at least 95."""
    assert surprises(healthy.pages) == []

    total = healthy.health["health"]

    assert (total["level"], healthy.status) == ("excellent", 0)
    assert total["score"] >= 95
    assert total["n"] == len(healthy.pages) + 1  # and the request by which `serving` saw that the server answers


def test_the_bad_release_is_seen(healthy: Walk, unhealthy: Walk) -> None:
    """Errors, loops and waiting take points, each in its place; together they are what is missing to 100."""
    total = unhealthy.health["health"]

    assert unhealthy.status == 1
    assert total["score"] < healthy.health["health"]["score"] - 30
    assert all(total["lost"][cause] > 0 for cause in ("error", "queries", "duration"))
    assert 100 - total["score"] == pytest.approx(sum(total["lost"].values()))


def test_the_score_can_be_computed_again_by_hand(unhealthy: Walk) -> None:
    """Design 12: per operation the share of good ones against the objective; the total is their mean by traffic."""
    operations = unhealthy.health["operations"]
    objective = unhealthy.health["objective"]
    n = sum(each["n"] for each in operations)

    score = sum(
        max(0.0, 100 * (1 - (each["bad"] / each["n"]) / (1 - objective))) * each["n"] / n for each in operations
    )

    assert unhealthy.health["health"]["score"] == pytest.approx(score)


def test_what_was_bad_is_what_the_visitor_saw(unhealthy: Walk) -> None:
    """The operations that were not good are the answers with status 500 and those that name their trouble."""
    saw = sum(page.status == 500 or bool(page.header(HEADER)) for page in unhealthy.pages)

    bad = sum(each["bad"] for each in unhealthy.health["operations"])

    # The server's first request is the visitor's of `serving`, in one of the two workers: it has trouble, too.
    assert bad in (saw, saw + 1)
