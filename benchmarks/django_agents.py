"""Other agents on the Django page, each set up as its documentation says for Django, with everything kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from agent_variants import Datadog, Logfire, NewRelic, Sentry
from variants import Endpoints, Variant


class ElasticOnDjango(Variant):
    """elastic-apm as an application of the project, with its middleware."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        os.environ.update(
            ELASTIC_APM_SERVER_URL=endpoints.http, ELASTIC_APM_SERVICE_NAME="bench", ELASTIC_APM_CLOUD_PROVIDER="none"
        )

    def flush(self) -> None:
        from elasticapm import get_client

        if (client := get_client()) is not None:
            client._transport.flush()


class LogfireOnDjango(Logfire):
    """logfire with its instrumentations of Django and psycopg."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        super().__init__(endpoints, keep)
        self._logfire.instrument_django()
        self._logfire.instrument_psycopg("psycopg")


class NewRelicOnDjango(NewRelic):
    """newrelic without its script in the page, which would be another page."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        os.environ["NEW_RELIC_BROWSER_MONITORING_AUTO_INSTRUMENT"] = "false"
        super().__init__(endpoints, keep)
        import newrelic.agent

        newrelic.agent.global_settings().browser_monitoring.enabled = False


class ScoutOnDjango(Variant):
    """scout-apm as an application of the project."""

    def __init__(self, endpoints: Endpoints, keep: bool) -> None:
        os.environ.update(
            SCOUT_MONITOR="true", SCOUT_KEY="key", SCOUT_NAME="bench", SCOUT_CORE_AGENT_LAUNCH="false",
            SCOUT_CORE_AGENT_DOWNLOAD="false", SCOUT_CORE_AGENT_SOCKET_PATH=endpoints.scout,
            SCOUT_ERRORS_ENABLED="false",
        )  # fmt: skip

    def flush(self) -> None:
        from scout_apm.core.agent.socket import CoreAgentSocketThread

        CoreAgentSocketThread.wait_until_drained(timeout_seconds=60)


@dataclass(frozen=True)
class DjangoAgent:
    """An agent in the environment of that name; *app* and *middleware* go first into the settings."""

    label: str
    environment: str
    make: Callable[[Endpoints, bool], Variant]
    app: str = ""
    middleware: str = ""


DJANGO_AGENTS = {
    "ddtrace": DjangoAgent("ddtrace", "ddtrace", Datadog),
    "sentry": DjangoAgent("sentry-sdk", "sentry-sdk", Sentry),
    "elastic": DjangoAgent(
        "elastic-apm", "elastic-apm", ElasticOnDjango, app="elasticapm.contrib.django",
        middleware="elasticapm.contrib.django.middleware.TracingMiddleware",
    ),
    "logfire": DjangoAgent("logfire", "logfire", LogfireOnDjango),
    "newrelic": DjangoAgent("newrelic, offline, adaptive sampling", "newrelic", NewRelicOnDjango),
    "scout": DjangoAgent("scout-apm", "scout-apm", ScoutOnDjango, app="scout_apm.django"),
}  # fmt: skip
