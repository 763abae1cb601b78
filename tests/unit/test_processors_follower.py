"""What a process does about a changed configuration, and what it says of it on metrics and in its log."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein import semconv
from otel_verein.config import Config
from otel_verein.config.layers import digest, resolve
from otel_verein.config.schema import Export, Limits, Sampling, Thresholds
from otel_verein.config.watch import Look, running
from otel_verein.errors import ConfigError, Problem
from otel_verein.faults import Faults
from otel_verein.processors.follower import Follower
from otel_verein.processors.metrics import Measures
from tests.unit.measures import Collected, exported, measured, metrics_of

BEFORE = Config(environment="staging")
AFTER = replace(BEFORE, thresholds=Thresholds(queries=7))
BROKEN = ConfigError([Problem("verein.yaml:2", "thresholds.querys: unknown key"), Problem("X", "is no option")])
OTHERWISE = ConfigError([Problem("verein.yaml:3", "nonsense: unknown key")])
REFUSED = (
    "otel-verein: the changed configuration is not usable, the one before stays: "
    "verein.yaml:2: thresholds.querys: unknown key; X: is no option"
)
INTERVAL = replace(BEFORE, export=Export(interval_s=9.0))
"""Differs in an option that takes effect at the start of a process."""


class Process:
    """A follower with what it applies and tells."""

    def __init__(self, directory: Path, config: Config = BEFORE, refused: ConfigError | None = None) -> None:
        self.directory = directory
        self.applied: list[Config] = []
        self.measures, self.collected = Measures(10, faults=Faults()), Collected()
        self.follower = Follower(config, self.applied.append, self.measures, None, Faults(), refused)

    def reads(self, found: Config | ConfigError) -> None:
        """Let the files say *found*, or be wrong in that way."""
        if isinstance(found, ConfigError):
            self.follower.take(Look(None, found))
        else:
            self.follower.take(Look(replace(resolve({}, self.directory), config=found), None))

    def states(self) -> list[tuple[str, str, str]]:
        """Digest, environment and state that go out now, without a figure of any operation."""
        before = len(self.collected.given)
        exported(self.measures, self.collected)
        return told(self.collected, before)

    def outcomes(self) -> dict[str, int]:
        """How many changes were told as applied and as refused."""
        exported(self.measures, self.collected)
        found: dict[str, int] = {}
        for point in self.collected.points(semconv.METRIC_CONFIG_CHANGES):
            outcome = point.attributes[semconv.CONFIG_OUTCOME]
            found[outcome] = found.get(outcome, 0) + point.value
        return found


def told(collected: Collected, since: int = 0) -> list[tuple[str, str, str]]:
    """Digest, environment and state on the gauge, of the exports from *since* on; its value is always 1."""
    metrics = [metric for data in collected.given[since:] for metric in metrics_of(data)]
    points = [
        point for metric in metrics if metric.name == semconv.METRIC_CONFIG_INFO for point in metric.data.data_points
    ]
    assert {1} >= {point.value for point in points}
    names = (semconv.CONFIG_DIGEST, semconv.CONFIG_ENVIRONMENT, semconv.CONFIG_STATE)
    return [tuple(point.attributes[name] for name in names) for point in points]  # type: ignore[misc]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the package logs, from the level of information on."""
    caplog.set_level(logging.INFO, "otel_verein")
    return caplog


def test_the_state_at_the_start_goes_out_with_figures_only(tmp_path: Path) -> None:
    """A process that serves nothing exports nothing; the first figures say what they were judged by."""
    ours = Process(tmp_path)
    alone = ours.states()
    ours.measures.add(measured())

    assert ([], [(digest(BEFORE), "staging", "in_force")]) == (alone, ours.states())
    assert ours.outcomes() == {}


def test_every_export_of_figures_says_the_state(tmp_path: Path) -> None:
    """Who reads any part of the files knows what it was judged by; without figures it is not repeated."""
    ours = Process(tmp_path)
    for _ in range(3):
        ours.measures.add(measured())
        assert len(ours.states()) == 1
        assert ours.states() == []


def test_no_environment_reads_unknown(tmp_path: Path) -> None:
    """An attribute that is empty would look as if it were not there."""
    ours = Process(tmp_path, Config())
    ours.measures.add(measured())

    assert ours.states() == [(digest(Config()), "unknown", "in_force")]


def test_a_change_is_applied_and_told_at_once(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """Once: counted, on the gauge though there are no other figures, and one line for those who look."""
    ours = Process(tmp_path)
    ours.reads(AFTER)
    first = ours.states()
    ours.reads(replace(AFTER))

    assert ([AFTER], [(digest(AFTER), "staging", "in_force")], []) == (ours.applied, first, ours.states())
    assert ours.outcomes() == {"applied": 1}
    assert [f"otel-verein: configuration {digest(AFTER)} is in force"] == lines.messages


def test_what_is_read_again_and_the_same_does_nothing(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """The silent twin: a comment that was added is no change."""
    ours = Process(tmp_path)
    ours.reads(replace(BEFORE))

    assert ([], [], {}, []) == (ours.applied, ours.states(), ours.outcomes(), lines.messages)


def test_a_mistake_keeps_the_one_before(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """Nothing is applied; it is counted, told at once, and one line with all problems, however often it is read."""
    ours = Process(tmp_path)
    for _ in range(3):
        ours.reads(BROKEN)

    assert ([], [(digest(BEFORE), "staging", "invalid")]) == (ours.applied, ours.states())
    assert ours.outcomes() == {"refused": 1}
    assert [REFUSED] == lines.messages


def test_each_mistake_has_a_line_of_its_own(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """Another problem is another change that was refused; the same again after a cure, too."""
    ours = Process(tmp_path)
    for found in (BROKEN, OTHERWISE, BROKEN, BEFORE, BROKEN):
        ours.reads(found)

    assert (4, 1) == (
        ours.outcomes()["refused"],
        lines.messages.count(f"otel-verein: configuration {digest(BEFORE)} is in force"),
    )
    assert [REFUSED] * 3 == [line for line in lines.messages if "querys" in line]


@pytest.mark.parametrize(("cure", "applied"), [(BEFORE, []), (AFTER, [AFTER])], ids=["back", "further"])
def test_after_a_mistake_it_is_in_force_again(cure: Config, applied: list[Config], tmp_path: Path) -> None:
    """Back to what is running is no change to apply, and still a state to tell."""
    ours = Process(tmp_path)
    ours.reads(BROKEN)
    ours.states()
    ours.reads(cure)

    assert ([(digest(cure), "staging", "in_force")], applied) == (ours.states(), ours.applied)
    assert ours.outcomes() == {"refused": 1} | ({"applied": 1} if applied else {})


def test_a_process_that_began_with_a_mistake_says_so(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """It was told where the process started: the same mistake, read again, is neither counted nor logged again."""
    ours = Process(tmp_path, refused=BROKEN)
    ours.reads(BROKEN)
    ours.measures.add(measured())

    assert [(digest(BEFORE), "staging", "invalid")] == ours.states()
    assert ({"refused": 1}, []) == (ours.outcomes(), lines.messages)


def test_what_takes_effect_at_a_start_waits_for_one(tmp_path: Path, lines: pytest.LogCaptureFixture) -> None:
    """Nothing is applied, and the digest is of what is running; taken back, all is in force."""
    ours = Process(tmp_path)
    ours.reads(INTERVAL)
    waiting = ours.states()
    ours.reads(BEFORE)

    assert ([(digest(BEFORE), "staging", "restart_needed")], []) == (waiting, ours.applied)
    assert ([(digest(BEFORE), "staging", "in_force")], {}) == (ours.states(), ours.outcomes())


def test_the_rest_of_such_a_change_is_in_force(tmp_path: Path) -> None:
    """What can be taken over is, with the option that cannot as it was at the start."""
    ours = Process(tmp_path)
    ours.reads(replace(INTERVAL, thresholds=AFTER.thresholds))

    assert ([AFTER], [(digest(AFTER), "staging", "restart_needed")]) == (ours.applied, ours.states())
    assert ours.outcomes() == {"applied": 1}


def test_what_the_application_has_set_itself_stays_until_the_files_change(tmp_path: Path) -> None:
    """Files that are read again and say what they said undo nothing; when they say something else, that is in force."""
    ours = Process(tmp_path)
    ours.follower.take_over(AFTER)
    ours.reads(replace(BEFORE))
    kept = list(ours.applied)
    ours.reads(replace(BEFORE, sampling=Sampling(ratio=0.5)))

    assert ([AFTER], [AFTER, replace(BEFORE, sampling=Sampling(ratio=0.5))]) == (kept, ours.applied)


def test_options_of_a_start_stay_while_a_process_runs() -> None:
    """Those that are marked so are as they were; all others are as wanted, the environment included."""
    before = Config(export=Export(interval_s=0.25), limits=Limits(operation_names=7))
    wanted = Config(
        export=Export(interval_s=9.0, directory="elsewhere"),
        limits=Limits(operation_names=8, records_per_operation=20),
        sampling=Sampling(ratio=0.5),
        environment="staging",
    )

    kept = replace(wanted, export=before.export, limits=replace(before.limits, records_per_operation=20))
    assert kept == running(before, wanted)
    assert wanted == running(wanted, wanted)
