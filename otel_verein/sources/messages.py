"""Messages in memory, as a source that fetches whole traces has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.sources.viewed import Needs, Viewed, check_extra, in_memory, only_roots

if TYPE_CHECKING:
    from otel_verein.store.intake import Intake
    from otel_verein.store.reading import Reading

_T = TypeVar("_T")


class Messages(Viewed):
    """Answers from *messages*, each an OTLP/JSON request with ids in hexadecimal digits; from *name* they are.

    They may be asked for several times. Spans are counted once; metrics among them count as those of files.
    """

    def __init__(self, messages: Iterable[bytes], name: str, config: StoreConfig | None = None) -> None:
        self._messages = messages
        self._name = name
        self._config = config or StoreConfig()

    @property
    def name(self) -> str:
        """What the user calls where they are from."""
        return self._name

    def _answered(self, question: Callable[[Reading], _T], needs: Needs) -> _T:
        check_extra()
        from otel_verein.store.intake import Intake
        from otel_verein.store.unstored import Wanted

        intake = Intake(self._config, Wanted(needs.texts, only_roots if needs.roots else None))
        for message in self._messages:
            intake.take(message)
        return in_memory(question, intake.unstored(_notes), needs, self._config, self._name)


def _notes(intake: Intake) -> Iterator[str]:
    for (signal, reason), items in sorted(intake.counts.items()):
        yield f"{items} {signal} of what was answered: {reason}; not counted"
    yield from intake.finding_notes()
