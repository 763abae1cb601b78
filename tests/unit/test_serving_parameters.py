"""Parameters of questions and arguments of functions, as they arrive over HTTP."""

from __future__ import annotations

import time
from typing import Any

import pytest

from otel_verein.api.asking import LAST_NS, Side
from otel_verein.api.convenience import FUNCTIONS
from otel_verein.serving.functions import Argument, arguments, from_body, from_query
from otel_verein.serving.parameters import AFTER, ASK, FAILED, KIND, LIMIT, STEP, given
from otel_verein.serving.problems import Problem
from otel_verein.sources.base import Ask

KNOWN = (*ASK, LIMIT, KIND, STEP, AFTER, FAILED)
BY_NAME = {function.name: function for function in FUNCTIONS}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"service=a+b&operation=GET%20%2F*", {"service": "a b", "operation": "GET /*"}),
        (b"since=1970-01-02&until=1970-01-02T00:00:01Z", {"since": 86_400 * 10**9, "until": 86_401 * 10**9}),
        (b"until=9999-12-31T23:59:59Z", {"until": LAST_NS}),
        (b"limit=7", {"limit": 7}),
        (b"failed=true", {"failed": True}),
        (b"failed=false", {"failed": False}),
        (b"kind=errors,chatty&kind=errors", {"kind": ("errors", "chatty")}),
        (b"step=5m", {"step": 300}),
        (b"after=release:2,env:test", {"after": Side(Ask(version="2", environment="test"))}),
        (b"after=baseline:a@3", {"after": Side(Ask(), "a", 3)}),
    ],
)
def test_a_query_becomes_what_the_question_takes(query: bytes, expected: dict[str, Any]) -> None:
    """Times are nanoseconds, lists are told once."""
    assert given(query, KNOWN) == expected


def test_how_long_ago_begins_at_a_whole_minute() -> None:
    """So that questions within a minute share what was read."""
    since = given(b"since=2h", KNOWN)["since"]

    assert since % (60 * 10**9) == 0
    assert 7200 <= time.time() - since / 1e9 < 7200 + 120


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (b"servce=a", "'servce' is no parameter here; did you mean service?"),
        (b"service=a&service=b", "service: is given 2 times; it may be given once"),
        (b"service=", "service: is empty"),
        (b"service=" + b"a" * 1025, "service: has 1025 characters; it may have 1024"),
        (b"service=%00", "a text holds a NUL or half of a character"),
        (b"since=soon", "since: 'soon' is no time; it has to be such as 2h, 7d, 2026-11-25 or 2026-11-25T09:30:00Z"),
        (b"limit=0", "limit: '0' has to be a whole number from 1 to 1000"),
        (b"limit=1e3", "limit: '1e3' has to be a whole number from 1 to 1000"),
        (b"limit=-1", "limit: '-1' has to be a whole number from 1 to 1000"),
        ("limit=\u0663".encode(), None),
        (b"kind=all", None),
        (b"failed=yes", "failed: 'yes' has to be one of true, false"),
        (b"step=9s", "step: '9s' is no length of a step; it has to be such as 5m or 1h, and 10s at least"),
        (
            b"after=1",
            "after: '1' is no side; it has to be such as 2d..1d, 1d.., release:1.2, env:staging or baseline:NAME",
        ),
        (b"service=%ff", None),
        (b"&".join([b"a=1"] * 65), None),
    ],
)
def test_what_a_query_may_not_say_is_refused(query: bytes, detail: str | None) -> None:
    """With what would be right."""
    with pytest.raises(Problem) as refused:
        given(query, KNOWN)

    assert refused.value.status == 422
    assert detail in (None, refused.value.detail)


def test_arguments_are_those_of_the_signature() -> None:
    """With the types that it names, and without what the program says itself."""
    assert arguments(BY_NAME["batch_member_analysis"]) == (
        Argument("member_names", ("array", "string"), True),
        Argument("limit", ("integer", "string"), False),
        Argument("entity_type", ("string", "null"), False),
        Argument("hours", ("number", "string", "null"), False),
    )


def test_every_function_has_arguments_that_can_be_described() -> None:
    """A type that HTTP has no word for would be found here."""
    assert [function.name for function in FUNCTIONS if {each.name for each in arguments(function)} & {"source"}] == []


def test_a_list_is_given_member_by_member_or_as_one_text() -> None:
    """The function reads both."""
    function = BY_NAME["batch_member_analysis"]

    assert from_query(function, b"member_names=a&member_names=b&limit=5") == {"member_names": ["a", "b"], "limit": "5"}
    assert from_query(function, b"member_names=%5B%22a%22%5D") == {"member_names": '["a"]'}
    assert from_body(function, {"member_names": ["a"], "limit": 5.0, "hours": None}) == {
        "member_names": ["a"],
        "limit": 5.0,
        "hours": None,
    }


@pytest.mark.parametrize(
    ("name", "body", "detail"),
    [
        ("quick_health_check", {"source": "x"}, None),
        ("quick_health_check", {"hours": []}, "hours: has to be number or string or null"),
        ("quick_health_check", {"hours": True}, "hours: has to be number or string or null"),
        ("quick_health_check", {"hours": 10**10}, "hours: is out of bounds; a number may be 1e+09"),
        ("comprehensive_member_analysis", {}, "member_name is missing; it has to be given"),
        ("batch_member_analysis", {"member_names": [1]}, "member_names: has to be array or string"),
        ("get_performance_measurement_history", {"step": ["hour"]}, "step: has to be string"),
        ("run_basic_data_retention", {"dry_run": 1}, "dry_run: has to be boolean or string"),
        ("update_performance_config", {"changes": 5}, "changes: has to be object or string"),
    ],
)
def test_a_body_of_other_arguments_is_refused(name: str, body: dict[str, Any], detail: str | None) -> None:
    """Before the function hears of it."""
    with pytest.raises(Problem) as refused:
        from_body(BY_NAME[name], body)

    assert refused.value.status == 422
    assert detail in (None, refused.value.detail)


@pytest.mark.parametrize(
    "key",
    [
        "store.directory",
        "export.directory",
        "source.address",
        "serve.host",
        "backends.token_file",
        "collector.http_endpoint",
    ],
)
@pytest.mark.parametrize("name", ["update_performance_config", "validate_performance_config"])
def test_no_place_of_the_machine_is_named_over_http(name: str, key: str) -> None:
    """Neither in an object nor in a text of one."""
    for changes in ({"thresholds.queries": 1, key: 1}, f'{{"{key}": 1}}'):
        with pytest.raises(Problem) as refused:
            from_body(BY_NAME[name], {"changes": changes})

        assert refused.value.status == 403


@pytest.mark.parametrize("key", ["thresholds.queries", "sampling.ratio", "no.such_option"])
def test_other_options_are_the_functions_to_judge(key: str) -> None:
    """They pass as they are."""
    assert from_body(BY_NAME["update_performance_config"], {"changes": {key: 1}}) == {"changes": {key: 1}}
