"""How this process ends: by itself, by an exception, by ``sys.exit``; known for certain or not at all."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from wrapt import wrap_function_wrapper

from otel_verein.faults import FAULTS, Faults


@dataclass(frozen=True, slots=True)
class Ending:
    """What a process ended with: its exit code (None: not known), and the exception that ended it, if one did."""

    code: int | None
    error_type: str | None = None
    exception: BaseException | None = None


class ExitWatch:
    """Sees the code of the ``sys.exit`` that really ends the process, apart from those that somebody catches.

    The interpreter tells no handler its exit code. The frame of the call that raised ``SystemExit`` lives as long as
    that exception; when the frame dies with no Python code left running, nobody caught it.
    """

    def __init__(self, faults: Faults = FAULTS) -> None:
        self._faults = faults
        self.code: int | None = None

    def install(self) -> None:
        """Watch ``sys.exit`` from now on."""

        def exit(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
            status = _Status(self, args[0] if args else kwargs.get("status"))  # noqa: F841 - dies with this frame
            return wrapped(*args, **kwargs)

        wrap_function_wrapper(sys, "exit", exit)

    def died(self, status: Any) -> None:
        """The frame of a ``sys.exit`` with *status* is gone; it was the last one if nothing runs below us."""
        try:
            sys._getframe(2)
        except ValueError:
            if threading.current_thread() is threading.main_thread():
                self.code = exit_code(status)
        except Exception as fault:  # noqa: BLE001 - reported; this runs while the interpreter frees objects
            self._faults.report("script.exit", fault)


class _Status:
    __slots__ = ("_status", "_watch")

    def __init__(self, watch: ExitWatch, status: Any) -> None:
        self._watch, self._status = watch, status

    def __del__(self) -> None:
        self._watch.died(self._status)


def exit_code(status: Any) -> int:
    """The exit code that the interpreter makes of the argument of ``sys.exit``."""
    if status is None:
        return 0
    return status & 0xFF if isinstance(status, int) else 1


def ending(watch: ExitWatch) -> Ending:
    """How the process ends, asked by a handler at its exit."""
    uncaught = _uncaught()
    if uncaught is not None:
        code = 130 if isinstance(uncaught, KeyboardInterrupt) else 1
        return Ending(code, type(uncaught).__qualname__, uncaught)
    if watch.code is not None:
        return Ending(watch.code, "SystemExit" if watch.code else None)
    return Ending(0 if _main_returned() else None)


def restore_interrupt() -> None:
    """Have the process die of SIGINT after an uncaught ``KeyboardInterrupt``, as it would without us.

    To be registered with ``atexit`` before all else of ours, so that it runs last. The interpreter keeps the interrupt
    in a flag, which it clears whenever it compiles and runs text, as an import at exit may do; the same way sets it.
    """
    if isinstance(_uncaught(), KeyboardInterrupt):
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")


def _uncaught() -> BaseException | None:
    """The exception that ended the program, as far as the interpreter printed one."""
    value = getattr(sys, "last_value", None)
    return value if isinstance(value, BaseException) and _left_main(getattr(sys, "last_traceback", None)) else None


def _left_main(traceback: TracebackType | None) -> bool:
    """Whether *traceback* starts where the program does; one printed half-way starts elsewhere."""
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__") in ("runpy", "_frozen_runpy"):
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code.co_name if traceback is not None else ""
    return (
        traceback is not None and code == "<module>" and traceback.tb_frame.f_globals is vars(sys.modules["__main__"])
    )


def _main_returned() -> bool:
    """Whether a script ran to its end: the interpreter takes ``__file__`` back then, and not after ``SystemExit``.

    Under ``python -m`` nothing tells the two apart, and the code is not known.
    """
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is None and not hasattr(main, "__file__")
