"""Contexts that are left quietly, and generators whose every step runs in one: nothing stays attached over a yield.

The consumer of a generator may be another task or thread at each step, so whatever is attached while it is
suspended would leak into foreign code. Protocol of ``yield from``: PEP 380 and PEP 525.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import context as context_api


def detach(token: Any) -> None:
    """Take *token*'s context off; silent where that is another context's, as in a generator closed elsewhere."""
    variable = getattr(token, "var", None)
    if variable is None:
        context_api.detach(token)
        return
    try:
        variable.reset(token)
    except ValueError:
        return  # the context that it was attached in has gone, and the attachment with it


Entered = Callable[[], AbstractContextManager[Any]]


def stepped(generator: Generator[Any, Any, Any], entered: Entered) -> Generator[Any, Any, Any]:
    """*generator*, each step of which runs in a context that *entered* gives; sent and thrown values reach it."""
    step: Callable[[], Any] = lambda: next(generator)  # noqa: E731 - replaced at each turn
    while True:
        try:
            with entered():
                item = step()
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            with entered():
                generator.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - thrown into the generator, which judges it
            step = _bound(generator.throw, thrown)
        else:
            step = _bound(generator.send, sent)


async def stepped_async(generator: AsyncGenerator[Any, Any], entered: Entered) -> AsyncGenerator[Any, Any]:
    """The same for asynchronous generators."""
    step: Callable[[], Any] = generator.__anext__
    while True:
        try:
            with entered():
                item = await step()
        except StopAsyncIteration:
            return
        try:
            sent = yield item
        except GeneratorExit:
            with entered():
                await generator.aclose()
            raise
        except BaseException as thrown:  # noqa: BLE001 - thrown into the generator, which judges it
            step = _bound(generator.athrow, thrown)
        else:
            step = _bound(generator.asend, sent)


def _bound(method: Callable[[Any], Any], value: Any) -> Callable[[], Any]:
    return lambda: method(value)
