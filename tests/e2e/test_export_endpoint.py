"""Scripts that send to an endpoint that fails: they end as without us, in time, and every loss is counted."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from tests import loss
from tests.e2e.launch import APPS, environment
from tests.services.otlp_grpc import GrpcReceiver
from tests.services.otlp_receiver import OK, SILENT, SLOW, Behaviour, OtlpReceiver, partial, status, too_large_above
from tests.services.ports import LOOPBACK, free_port
from tests.services.process import wait_until

QUIET = ("otel-verein", "run", "--quiet", "--")
OPERATIONS = 20
KEEP_ALL = {"VEREIN_SAMPLING_RATIO": "1.0", "VEREIN_COMMAND_OPERATION": "0"}
SHUTDOWN_S = 2.0
SHORT = {"VEREIN_EXPORT_SHUTDOWN_S": str(SHUTDOWN_S)}
AT_ONCE_S, IN_TIME_S = 1.8, SHUTDOWN_S + 1.0
"""An end that does not wait for anything, and one that waits as long as it may and takes what the interpreter takes."""


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """An endpoint of this test."""
    with OtlpReceiver() as made:
        yield made


@dataclass(frozen=True)
class Ended:
    """How a script ended; *end_s* is from its last own line to the end of the process."""

    status: int
    said: str
    log: list[str]
    end_s: float


def run(directory: Path, extra: dict[str, str], script: str = "script.py", *arguments: str) -> Ended:
    """Run a script of ``apps`` that says ``done`` last."""
    log = directory / "stderr.txt"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*QUIET, "python", str(APPS / script), *arguments],
            cwd=directory, env=environment(KEEP_ALL | SHORT | extra), stdout=subprocess.PIPE, stderr=sink, text=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        done = monotonic()
        code = process.wait(20)
        end_s = monotonic() - done
        said += process.stdout.read()
    finally:
        process.kill()
        process.stdout.close()
    return Ended(code, said, log.read_text().splitlines(), end_s)


def job(directory: Path, extra: dict[str, str]) -> Ended:
    """Run twenty operations."""
    return run(directory, extra, "script.py", str(OPERATIONS))


@dataclass(frozen=True)
class Case:
    """What an endpoint for traces does, and what comes of it."""

    behaviour: Behaviour
    exported: int
    dropped: dict[str, int]
    within_s: float
    lines: int = 1


CASES = {
    "ok": Case(OK, OPERATIONS, {}, AT_ONCE_S, 0),
    "400": Case(status(400), 0, {"export_failed": OPERATIONS}, AT_ONCE_S),
    "503": Case(status(503), 0, {"export_failed": OPERATIONS}, AT_ONCE_S),
    "503 for an hour": Case(status(503, Retry_After="3600"), 0, {"export_failed": OPERATIONS}, AT_ONCE_S),
    "413 above 2 kB": Case(too_large_above(2000), OPERATIONS, {}, AT_ONCE_S, 0),
    "413": Case(status(413), 0, {"too_large": OPERATIONS}, AT_ONCE_S, 0),
    "all rejected": Case(partial(10_000), 0, {"rejected": OPERATIONS}, AT_ONCE_S, 0),
    "silent": Case(SILENT, 0, {"shutdown": OPERATIONS}, IN_TIME_S, 0),
    "slow": Case(SLOW, 0, {"shutdown": OPERATIONS}, IN_TIME_S, 0),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_traces_that_fail_are_counted_on_metrics(case: Case, receiver: OtlpReceiver, tmp_path: Path) -> None:
    """With traces failing and metrics not: kept = exported + dropped by reason, and the script is as without us."""
    receiver.behave(case.behaviour, signal="spans")
    ended = job(tmp_path, receiver.environment())

    whole = loss.total(loss.assert_balanced(loss.of_lines(receiver.lines("metrics"))))
    assert (0, "done\n", case.lines) == (ended.status, ended.said, len(ended.log)), ended.log
    assert (OPERATIONS, case.exported, case.dropped) == (whole.started, whole.exported, dict(whole.dropped))
    assert ended.end_s < case.within_s
    assert sum("parentSpanId" not in span for span in receiver.spans()) in (case.exported, OPERATIONS)


def nowhere(_: OtlpReceiver) -> str:
    """A port that nobody listens on."""
    return f"http://{LOOPBACK}:{free_port()}"


WAYS_DOWN: dict[str, tuple[Callable[[OtlpReceiver], str], Behaviour, float]] = {
    "refused": (nowhere, OK, AT_ONCE_S),
    "no such host": (lambda _: "http://nowhere.invalid:4318", OK, IN_TIME_S),
    "no URL": (lambda _: "nowhere", OK, AT_ONCE_S),
    "silent": (lambda receiver: receiver.url, SILENT, IN_TIME_S),
    "slow": (lambda receiver: receiver.url, SLOW, IN_TIME_S),
    "503 for an hour": (lambda receiver: receiver.url, status(503, Retry_After="3600"), AT_ONCE_S),
}


WAYS_DOWN_BY_PROTOCOL = {
    f"{name} by {protocol}": (protocol, *way)
    for protocol in ("http/protobuf", "grpc")
    for name, way in WAYS_DOWN.items()
    if protocol != "grpc" or way[1] is OK  # the others speak HTTP
}


@pytest.mark.parametrize(
    ("protocol", "url", "behaviour", "within_s"), WAYS_DOWN_BY_PROTOCOL.values(), ids=WAYS_DOWN_BY_PROTOCOL.keys()
)
def test_exit_is_in_time_whatever_the_endpoint_does(
    protocol: str,
    url: Callable[[OtlpReceiver], str],
    behaviour: Behaviour,
    within_s: float,
    receiver: OtlpReceiver,
    tmp_path: Path,
) -> None:
    """Both signals fail, and the script ends in time with its own output and at most one line of ours."""
    receiver.behave(behaviour)
    extra = {"OTEL_EXPORTER_OTLP_ENDPOINT": url(receiver), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    ended = job(tmp_path, extra)

    assert (0, "done\n") == (ended.status, ended.said), ended.log
    assert ended.end_s < (within_s if protocol == "http/protobuf" else IN_TIME_S)
    assert len([line for line in ended.log if "otel-verein" in line]) <= 1, ended.log
    assert [] == [line for line in ended.log if "otel-verein" not in line]


@pytest.mark.parametrize("behaviour", [OK, SILENT, SLOW, status(503)], ids=["ok", "silent", "slow", "503"])
def test_metrics_of_the_application_share_the_time(
    behaviour: Behaviour, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """The SDK alone waits up to 30 s for them; with ours they have 5 s in all."""
    receiver.behave(behaviour)
    ended = run(tmp_path, receiver.environment(), "measuring.py")

    names = [
        metric["name"]
        for line in receiver.lines("metrics")
        for metric in line["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    ]
    assert (0, "done\n") == (ended.status, ended.said), ended.log
    assert ended.end_s < IN_TIME_S
    assert ("job.steps" in names) == (behaviour is OK)
    assert len(ended.log) <= 1, ended.log


@pytest.mark.soak
@pytest.mark.parametrize("behaviour", [SILENT, SLOW], ids=["silent", "slow"])
def test_exit_takes_five_seconds_at_most_by_default(
    behaviour: Behaviour, receiver: OtlpReceiver, tmp_path: Path
) -> None:
    """The same with the time that is in force where nobody sets it, and metrics of the application."""
    receiver.behave(behaviour)
    ended = run(tmp_path, receiver.environment(VEREIN_EXPORT_SHUTDOWN_S="5.0"), "measuring.py")

    assert (0, "done\n") == (ended.status, ended.said), ended.log
    assert 4 < ended.end_s < 6


def test_grpc_that_does_not_answer_costs_the_time_of_an_exit(tmp_path: Path) -> None:
    """A call that hangs is left behind."""
    gone = threading.Event()
    with GrpcReceiver() as receiver:
        receiver.answer = lambda _: gone.wait(20) and None
        ended = job(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        gone.set()

    assert (0, "done\n", []) == (ended.status, ended.said, ended.log)
    assert SHUTDOWN_S * 0.6 < ended.end_s < IN_TIME_S


def test_files_count_what_an_unwritable_directory_costs(tmp_path: Path) -> None:
    """Spans that no file takes are counted in the metrics that another one does."""
    directory = tmp_path / "otlp"
    directory.mkdir()
    (directory / "spans").write_text("in the way")
    ended = job(tmp_path, {"VEREIN_EXPORT_DIRECTORY": str(directory)})

    whole = loss.total(loss.assert_balanced(loss.of_files(directory)))
    assert (0, "done\n", 1) == (ended.status, ended.said, len(ended.log)), ended.log
    assert {"export_failed": OPERATIONS} == dict(whole.dropped)


def test_an_outage_loses_nothing_that_the_queue_holds(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """Down while a script works, up while it waits: all arrives, and two lines say what happened."""
    receiver.refuse()
    out = tmp_path / "out.txt"
    with out.open("wb") as sink:
        process = subprocess.Popen(
            [*QUIET, "python", str(APPS / "script.py"), str(OPERATIONS), "wait"],
            cwd=tmp_path, stdout=sink, stderr=sink,
            env=environment(KEEP_ALL | receiver.environment(VEREIN_EXPORT_RETRY_S="0.2")),
        )  # fmt: skip
    try:
        assert wait_until(lambda: "cannot send" in out.read_text(), 15), out.read_text()
        receiver.listen()
        assert wait_until(lambda: "leaves again" in out.read_text(), 15), out.read_text()
        process.terminate()
        process.wait(10)
    finally:
        process.kill()

    whole = loss.total(loss.assert_balanced(loss.of_lines(receiver.lines("metrics"))))
    assert (OPERATIONS, OPERATIONS, {}) == (whole.started, whole.exported, dict(whole.dropped))
    assert 3 == len(out.read_text().splitlines()), out.read_text()
    assert "; 0 operations were dropped meanwhile" in out.read_text()


def test_grpc_is_counted_as_http_is(tmp_path: Path) -> None:
    """The default protocol: spans and metrics arrive, and what they say adds up."""
    with GrpcReceiver() as receiver:
        extra = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
        }
        ended = job(tmp_path, extra)

    whole = loss.total(loss.assert_balanced(loss.of_lines(receiver.lines["metrics"])))
    assert (0, "done\n", []) == (ended.status, ended.said, ended.log)
    assert (OPERATIONS, OPERATIONS) == (whole.started, whole.exported)
