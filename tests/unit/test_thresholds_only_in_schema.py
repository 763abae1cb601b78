"""No threshold stands anywhere but in the schema of the configuration (and the presets of its environments)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein.config.presets import PRESETS
from otel_verein.config.schema import option_fields
from tests.unit.threshold_literals import Literal, constants_of, in_python, in_text

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "otel_verein"
HOMES = {"otel_verein/config/presets.py"} | {
    f"otel_verein/config/sections/{name}.py"
    for name in ("judging", "recording", "leaving", "storing", "collecting", "alerting", "answering")
}

JUDGING_SECTIONS = {"thresholds", "n_plus_one", "health", "retention", "self_monitoring", "tiers"}
"""The sections whose values no other code may repeat."""

NOT_JUDGING = {"config", "exporters", "instrumentation", "rendering", "serving", "sources", "tracing"}
"""The folders that judge nothing, in which a number that happens to be such a value means something else."""

GENERATED = ("collector-config", "deploy")
"""The folders of what is run beside applications; its thresholds say at the end of their line where they are from."""

ALLOWED = {
    ("otel_verein/analysis/compare_figures.py", "_TAIL"): ([0.95], "which percentile is compared"),
    ("otel_verein/analysis/compare_sides.py", "SHOWN"): ([0.5, 0.95], "which percentiles are shown"),
    ("otel_verein/analysis/differs.py", "_TAIL"): ([0.95], "the part of operations that is called slow"),
    ("otel_verein/analysis/differs.py", "differences"): ([6], "operations that a statement about a part needs"),
    ("otel_verein/analysis/entities.py", "_SHOWN"): ([0.5, 0.95], "which percentiles are shown"),
    ("otel_verein/analysis/bottlenecks.py", "_TAIL"): ([0.95], "which percentile is judged"),
    ("otel_verein/analysis/bottlenecks.py", "priority"): ([2, 3], "how severities make up a priority"),
    ("otel_verein/analysis/health.py", "_FULL_SCORE"): ([100.0], "the end of the scale"),
    ("otel_verein/analysis/health.py", "_worst"): ([100.0], "the end of the scale: whether any point was lost"),
    ("otel_verein/analysis/operations.py", "OperationStats.as_dict"): ([0.5, 0.95], "which percentiles are shown"),
    ("otel_verein/analysis/operations.py", "_queries"): ([0.5, 0.95], "which percentiles are shown"),
    ("otel_verein/analysis/statements.py", "_MIDDLE"): ([0.5], "the median"),
    ("otel_verein/analysis/statements.py", "_MOST"): ([0.5], "more than half"),
    ("otel_verein/analysis/statements.py", "_TAIL"): ([0.95], "which percentile is judged"),
    ("otel_verein/analysis/statements.py", "looks_unindexed"): ([0.5], "more than half of the calls say their rows"),
    ("otel_verein/analysis/intervals_of_differences.py", "CONFIDENCE"): ([0.95], "the confidence of intervals"),
    ("otel_verein/analysis/slow.py", "_reasons"): ([0.5], "which of two parts is the larger"),
    ("otel_verein/analysis/snapshots.py", "_TAIL"): ([0.95], "which percentile is shown"),
    ("otel_verein/analysis/trend.py", "CHANCE"): ([0.05], "how often chance may be taken for a change"),
    ("otel_verein/analysis/trend.py", "_TAIL"): ([0.95], "which percentile is shown"),
    ("otel_verein/api/convenience/batch.py", "_LARGEST_LIMIT"): ([1000], "members of one call, to bound the work"),
    ("otel_verein/api/convenience/batch.py", "_MOST_RECOMMENDATIONS"): ([5], "lines of an answer"),
    ("otel_verein/api/convenience/batch.py", "batch_member_analysis"): ([10], "members of one call, unless told"),
    ("otel_verein/api/convenience/batch.py", "batch_member_analysis.limit"): ([10], "members of one call, unless told"),
    ("otel_verein/api/convenience/bottlenecks.py", "_LARGEST_LIMIT"): ([10_000], "lines of an answer"),
    ("otel_verein/api/convenience/bottlenecks.py", "analyze_system_bottlenecks"): ([50], "lines of an answer"),
    ("otel_verein/api/convenience/bottlenecks.py", "analyze_system_bottlenecks.limit"): ([50], "lines of an answer"),
    ("otel_verein/api/convenience/figures.py", "TAIL"): ([0.95], "which percentile is shown"),
    ("otel_verein/api/convenience/reports.py", "_LARGEST_LIMIT"): ([10_000], "lines of an answer"),
    ("otel_verein/api/convenience/reports.py", "_MOST_OPERATIONS"): ([10], "lines of an answer"),
    ("otel_verein/api/convenience/reports.py", "get_performance_measurement_history"): ([100], "lines of an answer"),
    ("otel_verein/api/convenience/reports.py", "get_performance_measurement_history.limit"): (
        [100],
        "lines of an answer",
    ),
    ("otel_verein/api/convenience/reports.py", "get_recent_performance_reports"): ([10], "lines of an answer"),
    ("otel_verein/api/convenience/reports.py", "get_recent_performance_reports.limit"): ([10], "lines of an answer"),
    ("otel_verein/cli/answer_options.py", "ROWS"): ([20], "rows on a terminal"),
    ("otel_verein/cli/config_history.py", "history"): ([20], "rows on a terminal"),
    ("otel_verein/cli/health.py", "health"): ([100], "the end of the scale"),
    ("otel_verein/cli/render_store.py", "_figure"): ([100], "from where on a size is written without decimals"),
    ("otel_verein/cli/render_store_status.py", "_parts"): ([5], "a column"),
    ("otel_verein/cli/render_store_trace.py", "_KINDS"): ([5], "a number of OTLP"),
    ("otel_verein/cli/trace.py", "trace"): ([200], "spans on a terminal"),
    ("otel_verein/cli/trend.py", "trend"): ([10], "operations on a terminal"),
    ("otel_verein/cli/store_run.py", "_LOOK_S"): ([0.1], "how often a stop is looked for"),
    ("otel_verein/cli/store_run.py", "_PATIENCE_S"): ([1.5], "the longest that a stop waits for a safe point"),
    ("otel_verein/collector/aggregating.py", "COUNTS"): ([0.5, 1.5, 2.5], "buckets of a histogram"),
    ("otel_verein/collector/aggregating.py", "FLUSH_S"): ([5], "how often figures are handed on"),
    ("otel_verein/collector/aggregating.py", "SECONDS"): (
        [0.01, 0.05, 0.1, 0.5, 2.5, 5.0, 10.0],
        "buckets of a histogram, those of the conventions of OpenTelemetry",
    ),
    ("otel_verein/collector/document.py", "_SHORT"): ([90], "characters of a line"),
    ("otel_verein/collector/rules/window.py", "HALF_HOUR"): ([30], "the length of a window"),
    ("otel_verein/collector/rules/window.py", "MOMENT"): ([5], "the length of a window"),
    ("otel_verein/collector/tiering.py", "thin"): ([100], "per cent"),
    ("otel_verein/config/changes/history.py", "History.append"): ([10_000], "entries that a history keeps"),
    ("otel_verein/config/changes/entry.py", "changes_between"): ([200], "changes that one entry names"),
    ("otel_verein/forks.py", "_AT_MOST_S"): ([2.0], "the longest that a fork waits"),
    ("otel_verein/ledger/callsite.py", "_OUTER_DEPTH"): ([100], "frames that are looked at"),
    ("otel_verein/ledger/group.py", "_LOOKED_AT"): ([5], "records that are compared, to bound the work"),
    ("otel_verein/ledger/groups.py", "_DEEPEST_PATH"): ([50], "spans that a path is followed through"),
    ("otel_verein/ledger/orm.py", "_LONGEST"): ([200], "characters of a name"),
    ("otel_verein/ledger/orm.py", "_MOST_FIELDS"): ([200], "fields of a model that are looked at, to bound the work"),
    ("otel_verein/ledger/spread.py", "BOUNDS_S"): (
        [0.01, 0.05, 0.1, 0.5, 2.5, 5.0, 10.0],
        "buckets of a histogram, those of the conventions of OpenTelemetry",
    ),
    ("otel_verein/ledger/verdict.py", "_LOOKED_AT"): ([5], "records that are compared, to bound the work"),
    ("otel_verein/processors/clock_steps.py", "ClockSteps.end"): ([100_000_000], "a step of the wall clock"),
    ("otel_verein/processors/metrics/sums.py", "_MOST_POINTS"): ([200], "points that are kept, to bound memory"),
    ("otel_verein/processors/outbox/queue.py", "_EVENT_BYTES"): ([30], "the estimated size of an event"),
    ("otel_verein/processors/span_processor.py", "_FAILED_BEYOND"): ([100], "failed queries kept, to bound memory"),
    ("otel_verein/rendering/words.py", "ms"): ([100], "from where on a time is written without decimals"),
    ("otel_verein/serving/questions.py", "tell_trend"): ([2000, 3600], "steps of one trend, to bound the work"),
    ("otel_verein/store/backup_archive.py", "_DEPTH"): ([10], "the parts of a path in an archive"),
    ("otel_verein/store/compaction.py", "_SORTING_PERCENT"): ([50], "a share of the memory that is configured"),
    ("otel_verein/store/taking/exponential.py", "HIGHEST_SCALE"): ([20], "a bound of OTLP"),
    ("otel_verein/store/taking/exponential.py", "LOWEST_SCALE"): ([10], "a bound of OTLP"),
    ("otel_verein/store/taking/exponential.py", "is_possible"): ([16_384], "buckets that a histogram can have"),
    ("otel_verein/store/journal_opening.py", "_BUSY_S"): ([10.0], "how long a reader waits for a transaction"),
    ("otel_verein/store/lock.py", "_PAUSE_S"): ([0.01], "time between two tries to have the lock"),
    ("otel_verein/store/taking/otlp.py", "_KINDS"): ([5], "a number of OTLP"),
    ("otel_verein/store/parquet.py", "_BLOOM_WRONG"): ([0.01], "how often a filter of a file may be wrong"),
    ("otel_verein/store/intake.py", "NAMED_LINES"): ([5], "lines of a file that are named"),
    ("otel_verein/store/reading.py", "ATTEMPTS"): ([5], "tries of a reader whose files are replaced"),
    ("otel_verein/store/segments.py", "_is_closed"): ([60.0], "after which a file without a writer is not open"),
    ("otel_verein/store/state.py", "_entry"): ([60.0], "after which a file without a writer is not open"),
    ("otel_verein/store/taking/span_rows.py", "_ROOT_KINDS"): ([5], "a number of OTLP"),
    ("otel_verein/store/verify.py", "_FEW"): ([10], "names that one message lists"),
    ("otel_verein/store/verify.py", "_ROUNDS"): ([5], "rounds over files that come while others are looked at"),
}
"""Numbers that judge nothing: module and what holds it -> the numbers in it, and what they are."""


def values_of_options() -> dict[str, float]:
    """The default of each option that is a number."""
    return {
        f"{section}.{name}": option.default
        for section, name, option in option_fields()
        if isinstance(option.default, int | float) and not isinstance(option.default, bool)
    }


def judging_values() -> set[tuple[type, float]]:
    """The defaults and presets that no other code may repeat, with their types."""
    pairs = [*values_of_options().items(), *(pair for preset in PRESETS.values() for pair in preset.items())]
    return {(type(value), value) for key, value in pairs if key.split(".")[0] in JUDGING_SECTIONS}


def in_the_package() -> Iterator[Literal]:
    """Every threshold literal of the package, allowed or not."""
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    constants = {name: number for source in sources.values() for name, number in constants_of(source).items()}
    values = judging_values()
    for path, source in sources.items():
        if path not in HOMES:
            looked_for = set() if Path(path).parts[1] in NOT_JUDGING else values
            yield from in_python(source, path, looked_for, constants)


def found(source: str) -> list[tuple[str, float, str]]:
    """What the scan finds in the text of a module: what holds it, the number, the rule."""
    return [(each.inside, each.value, each.rule) for each in in_python(source, "module.py", judging_values())]


def test_no_threshold_stands_outside_the_schema():
    """What judges an application is an option; a number that judges nothing is listed above with its reason."""
    assert [] == [
        str(each) for each in in_the_package() if each.value not in ALLOWED.get((each.path, each.inside), ((), ""))[0]
    ]


def test_every_number_that_is_allowed_is_there():
    """What is gone from the code goes from the list."""
    there = defaultdict(set)
    for each in in_the_package():
        there[each.path, each.inside].add(each.value)

    assert {key: set(numbers) for key, (numbers, _) in ALLOWED.items()} == {key: there[key] for key in ALLOWED}


@pytest.mark.parametrize("folder", GENERATED)
def test_thresholds_of_what_is_deployed_say_where_they_are_from(folder: str):
    """Rules of alerts, dashboards and collectors repeat the number of an option, and name it at the end of the line."""
    paths = [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".yaml", ".yml", ".json", ".toml")]

    assert [] == [
        str(each)
        for path in paths
        for each in in_text(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)), values_of_options())
    ]


COMPARED = {
    "a local": ("def f(duration_s):\n    return duration_s > 2.7\n", ("f", 2.7, "compared")),
    "an attribute": ("slow = op.db_duration_ms >= 300\n", ("slow", 300, "compared")),
    "the number first": ("def f(op):\n    if 3 < op.query_count: pass\n", ("f", 3, "compared")),
    "a chain": ("def f(score):\n    return 40 <= score < 0\n", ("f", 40, "compared")),
    "a key": ("def f(row):\n    return row['memory'] > 64 * 1024\n", ("f", 65536, "compared")),
    "the result of a call": ("def f(op):\n    return op.error_ratio() > 0.02\n", ("f", 0.02, "compared")),
    "a sum": ("def f(a_ms, b):\n    return a_ms + b > 33\n", ("f", 33, "compared")),
    "a constant": ("_MUCH = 300\ndef f(repeats):\n    return repeats > _MUCH\n", ("f", 300, "compared")),
    "a constant of a class": (
        "class C:\n    MUCH = 300\n    def f(self, repeats):\n        return repeats > self.MUCH\n",
        ("C.f", 300, "compared"),
    ),
}


@pytest.mark.parametrize(("source", "expected"), COMPARED.values(), ids=COMPARED)
def test_a_figure_compared_with_a_number_is_found(source: str, expected: tuple[str, float, str]):
    """However the figure and the number are written."""
    assert [expected] == found(source)


def test_a_figure_compared_with_a_constant_of_another_module_is_found():
    """A threshold does not hide behind an import."""
    source = "from there import MUCH\ndef f(repeats):\n    return repeats > MUCH\n"

    assert [300] == [each.value for each in in_python(source, "module.py", elsewhere={"MUCH": 300, "much": 4})]


NAMED = {
    "a constant": ("SLOW_MS = 201\n", ("SLOW_MS", 201, "named")),
    "a private one with a type": ("_WARNING: Final = 0.33\n", ("_WARNING", 0.33, "named")),
    "a table": ("LEVELS = ((44, 'a'), (33, 'b'))\n", ("LEVELS", 44, "named"), ("LEVELS", 33, "named")),
    "a mapping": ("LIMITS = {'a': 44}\n", ("LIMITS", 44, "named")),
    "a default": ("def f(rows, budget=44): pass\n", ("f.budget", 44, "named")),
    "a default by keyword": ("def f(*, critical=44): pass\n", ("f.critical", 44, "named")),
    "a field": ("class C:\n    warning_s: float = 4.4\n", ("C.warning_s", 4.4, "named")),
    "an argument": ("def f(op):\n    judge(op, threshold=44)\n", ("f.threshold", 44, "named")),
    "a key": ("def f(op):\n    judge({'budget': 44})\n", ("f.budget", 44, "named")),
}


@pytest.mark.parametrize("case", NAMED.values(), ids=NAMED)
def test_a_number_with_a_name_that_judges_is_found(case: tuple[object, ...]):
    """A threshold that is compared elsewhere is found where it is written."""
    source, *expected = case

    assert expected == found(source)


SAME = {
    "an argument": ("def f(op):\n    judge(op, 30)\n", ("f", 30, "same")),
    "a constant": ("_OTHER = 0.95\n", ("_OTHER", 0.95, "same")),
    "a preset": ("def f(op):\n    return 7.5\n", ("f", 7.5, "same")),
}


@pytest.mark.parametrize(("source", "expected"), SAME.values(), ids=SAME)
def test_the_value_of_an_option_is_found(source: str, expected: tuple[str, float, str]):
    """A number that an option has, too, is a second home of that option until somebody says what it is."""
    assert [expected] == found(source)


SILENT = {
    "nothing, all and the sign": "def f(queries, share):\n    return queries > 0 and share >= 1 and queries != -1\n",
    "an option": "def f(duration_s, config):\n    return duration_s > config.duration_s\n",
    "no figure": "def f(fields):\n    return len(fields) > 3\n",
    "an equality": "def f(count):\n    return count == 3\n",
    "a percentage": "def f(share):\n    return share * 100\n",
    "a name that does not judge": "WIDTH = 121\n",
    "a switch": "warning = True\n",
    "text": "LEVEL = '95'\n",
}


@pytest.mark.parametrize("source", SILENT.values(), ids=SILENT)
def test_what_judges_nothing_is_not_found(source: str):
    """The scan does not cry at every number."""
    assert [] == found(source)


OPTIONS = {"thresholds.duration_s": 2.0, "health.objective": 0.95}
TEXTS = {
    "a key": ("latency: {threshold_ms: 2000}\n", [2000]),
    "an expression": ("expr: verein_overhead > 0.07\n", [0.07]),
    "a dashboard": ('{"thresholds": {"warning": 85}}', [85]),
    "from an option": ("threshold_s: 2  # from thresholds.duration_s\n", []),
    "in another unit": ("threshold_ms: 2000  # from thresholds.duration_s x 1000\n", []),
    "not what the option has": ("threshold_ms: 1500  # from thresholds.duration_s x 1000\n", [1500]),
    "from an option that is gone": ("threshold_s: 2  # from thresholds.time_s\n", [2]),
    "above nothing": ("expr: increase(verein_internal_errors_total[5m]) > 0\n", []),
    "no threshold": ("replicas: 3\nimage: collector:1.2\n", []),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_thresholds_of_other_files_are_found(text: str, expected: list[float]):
    """A number that judges is found unless its line names the option that it is, and has its value."""
    assert expected == [each.value for each in in_text(text, "rules.yaml", OPTIONS)]
