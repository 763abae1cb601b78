"""A backend that is asked over the network, and how."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a backend answers, and what asking it may take.

    ``url`` is http or https, without credentials. ``token``, ``user`` and ``password`` are empty where it wants none,
    and never part of an error. ``traces`` bounds what is fetched for one question.
    """

    url: str
    user: str = ""
    password: str = ""
    token: str = ""
    ca_file: str = ""
    tenant: str = ""
    timeout_s: float = 10.0
    traces: int = 2000
