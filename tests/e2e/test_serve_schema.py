"""The service against its own document, by schemathesis: no fault, and no answer that is not described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.services.serving import Service, store

UNFIT = [positive_data_acceptance]
"""No schema says what is wrong with two parameters together, such as a window that ends before it begins."""

REFUSALS = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 404, 405, 413, 414, 415, 422, 431]}}}
"""By size, too: schemathesis itself does not think of URLs and heads that are too long."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that also takes changes, of a store that is its own, with no limit on how often it is asked."""
    directory = tmp_path_factory.mktemp("serve")
    (directory / "verein.yaml").write_text(f"store: {{directory: '{store(directory)}'}}\n")
    options = {"VEREIN_SERVE_REQUESTS_PER_S": "100000", "VEREIN_SERVE_BURST": "100000"}
    with Service(directory, ["--allow-changes"], options) as running:
        yield running


def _broken(service: Service, examples: int) -> list[str]:
    """What any operation answered that it should not have, to so many examples of each."""
    config = schemathesis.Config.from_dict(REFUSALS)
    document = schemathesis.openapi.from_dict(service.ask("/openapi.json").json, config=config)
    return [said for found in document.get_all_operations() for said in _asked(found.ok(), service.url, examples)]


def _asked(operation: Any, url: str, examples: int) -> Iterator[str]:
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @given(case=right | wrong)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=url, excluded_checks=UNFIT)

    try:
        ask()
    except (Failure, FailureGroup) as fault:
        yield f"{operation.label}: {fault!r}"


def test_no_answer_is_a_fault_or_unlike_the_document(service: Service) -> None:
    """Statuses, types and bodies are those that /openapi.json promises."""
    assert _broken(service, 5) == []


@pytest.mark.soak
def test_no_answer_is_a_fault_or_unlike_the_document_however_long_it_is_asked(service: Service) -> None:
    """The same with more of everything."""
    assert _broken(service, 40) == []
