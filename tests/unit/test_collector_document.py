"""A tree becomes commented YAML that reads as the tree."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from otel_verein.collector.document import Env, From, Noted, plain, text_of

TEXTS = st.text(max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e6, 1e6) | TEXTS
KEYS = st.from_regex(r"[a-z_/]{1,12}", fullmatch=True)


def noted(nodes: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """These, some of them with a reason."""
    return nodes | st.builds(Noted, nodes, st.just("why it is so"))


VALUES = SCALARS | st.builds(From, SCALARS, st.just("tiers.long_d")) | st.lists(SCALARS, max_size=3)
MAPPINGS = st.dictionaries(KEYS, noted(VALUES), max_size=3)
DEEPER = st.dictionaries(KEYS, noted(MAPPINGS | st.lists(noted(MAPPINGS | SCALARS), max_size=3)), max_size=3)


@given(st.dictionaries(KEYS, noted(VALUES | MAPPINGS | DEEPER), max_size=5))
def test_what_is_written_reads_as_what_was_meant(document: dict[str, object]) -> None:
    """Whatever the values are: words of YAML, quotes, line ends, signs that a terminal would obey."""
    assert yaml.safe_load(text_of(document, "head")) == (plain(document) or None)


@pytest.mark.parametrize(
    "word", ["yes", "No", "null", "~", "1", "1e3", "0x1f", "1:30", "- a", "a: b", "#a", "", " a", "a "]
)
def test_text_that_yaml_reads_as_something_else_stays_text(word: str) -> None:
    """A word, a number or a sign of YAML is quoted."""
    assert yaml.safe_load(text_of({"key": word, "list": [word]}, "head")) == {"key": word, "list": [word]}


def test_options_and_reasons_stand_where_they_belong() -> None:
    """The option a value is from ends its line; a reason stands above its key."""
    document = {"queue": Noted({"size": From(10, "collector.queue_mib", 1024), "live": True}, "Survives.")}

    assert text_of(document, "Head.\n\nMore.") == (
        "# Head.\n#\n# More.\n\n# Survives.\nqueue:\n  size: 10  # from collector.queue_mib x 1024\n  live: true\n"
    )


def test_a_dollar_is_doubled_and_a_variable_is_not() -> None:
    """The collector replaces ``$NAME``: what a user wrote has to come through, and what we mean as one has to work."""
    document = {"pattern": "^a$", "password": Env("KAFKA_PASSWORD"), "name": Env("COLLECTOR_INSTANCE", "here")}

    assert text_of(document, "head") == (
        "# head\n\npattern: '^a$$'\n\npassword: '${env:KAFKA_PASSWORD}'\n\nname: '${env:COLLECTOR_INSTANCE:-here}'\n"
    )
