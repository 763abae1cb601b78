"""What is read when nothing is said: the store if there is one, else the files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from otel_verein.api.places import segments_of, source_of
from otel_verein.api.traces import trace
from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.store import StoreSource
from otel_verein.store.ingest import ingest
from otel_verein.store.layout import Store
from tests.unit.otlp_lines import metrics_request, operation_metrics, spans_request, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: two segments, one of a collector."""
    monkeypatch.chdir(tmp_path)
    request = metrics_request(operation_metrics("GET /", duration=[0.1]))
    write(tmp_path / ".verein" / "otlp" / "metrics" / "a.jsonl", request)
    write(tmp_path / ".verein" / "collector" / "otlp" / "spans" / "long.jsonl", spans_request("GET /", [], number=3))
    return tmp_path


def test_files_are_read_while_there_is_no_store(here: Path):
    """Without a store the directory of the segments is the place, as before there were stores."""
    source = source_of(Config())

    assert (type(source), source.name) == (OtlpFiles, ".verein/otlp")


def test_store_is_read_with_all_that_goes_into_it(here: Path):
    """With a store it is the place, and what our files and the collector's hold beyond it is read, too."""
    config = Config()
    store = Store(Path(config.store.directory))
    ingest(store, [here / "elsewhere"], config.store)

    source = source_of(config)

    assert (type(source), source.name) == (StoreSource, ".verein")
    assert segments_of(config, store) == [Path(".verein/otlp"), Path(".verein/collector/otlp")]
    assert [row.count for row in source.read().histograms] == [1]
    assert [span.name for span in trace(config, f"{3:032x}")] == ["GET /"]


def test_named_place_is_what_it_is(here: Path):
    """A directory with a store in it is read as a store, any other as files."""
    config = Config()
    (here / "other").mkdir()
    ingest(Store(here / "other"), [here / "elsewhere"], config.store)

    assert type(source_of(config, here / "other")) is StoreSource
    assert segments_of(config, Store(here / "other")) == []
    assert type(source_of(config, here / ".verein" / "otlp")) is OtlpFiles


def test_store_without_its_packages_is_told(here: Path, monkeypatch: pytest.MonkeyPatch):
    """Where there is a store, and not what reads it, the extra is named."""
    ingest(Store(Path(".verein")), [here / "elsewhere"], Config().store)
    found = importlib.util.find_spec
    monkeypatch.setattr("otel_verein.api.places.find_spec", lambda name: None if name == "msgspec" else found(name))

    with pytest.raises(MissingExtraError) as caught:
        source_of(Config())

    assert str(caught.value) == (
        "reading a store needs msgspec, which is not installed: pip install 'otel-verein[store]'"
    )
