"""Giving way to the applications on the same machine."""

from __future__ import annotations

import os

_NICE = 15
"""A thirtieth of what an application gets where both want the processor: not nothing, or a busy machine's lag would
have no end."""


def give_way() -> str:
    """Lower the priority of this thread, and of those it starts; says what it is then, in words."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    if before < _NICE:  # where that is so already, no call is made that a sandbox may refuse
        try:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        except OSError as fault:
            return f"nice {before} ({fault.strerror})"
    return f"nice {max(before, _NICE)}"
