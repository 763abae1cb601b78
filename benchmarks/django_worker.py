"""A process that serves the page of the Django project: a number of pages per line, the CPU time they took as answer.

The line `flush` has what waits exported; its answer is the CPU time of everything since the last `flush`. `finish` ends
the process with what it knows of its work. The first argument says how the process is watched; `prepare` fills the
database instead.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from variants import Endpoints, Variant, written

QUERIES = 5
PRODUCTS = 200
SESSION = "s" * 32
PAGE = "/shop/garden/"
SAYING = "A tool that does what it says and lasts as long as the one who uses it takes care of it now and then"

Serve = Callable[[], bytes]


class Otel(Variant):
    """The SDK with the stock instrumentations."""

    def __init__(self, kept: bool, queries: bool = True) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

        self._provider = TracerProvider(sampler=ALWAYS_ON if kept else ALWAYS_OFF)
        if kept:
            exporter = OTLPSpanExporter(endpoint=f"{os.environ['BENCH_SINK']}/v1/traces")
            patient = BatchSpanProcessor(exporter, max_queue_size=200_000, schedule_delay_millis=60_000)
            self._provider.add_span_processor(patient)
        trace.set_tracer_provider(self._provider)
        DjangoInstrumentor().instrument()
        if queries:
            PsycopgInstrumentor().instrument()

    def flush(self) -> None:
        self._provider.force_flush()


class Distro(Variant):
    """otel-verein, which has set itself up before this program began."""

    def __init__(self) -> None:
        from opentelemetry import trace

        self._provider: Any = trace.get_tracer_provider()

    def flush(self) -> None:
        self._provider.force_flush()

    def finish(self) -> dict[str, int]:
        self._provider.shutdown()
        return written(Path(os.environ["VEREIN_EXPORT_DIRECTORY"]))


def create(name: str) -> Variant:
    """The variant called *name*, set up before Django is."""
    basics: dict[str, Callable[[], Variant]] = {
        "bare": Variant,
        "verein": Distro,
        "middleware": lambda: Otel(kept=False, queries=False),
        "always_off": lambda: Otel(kept=False),
        "always_on": lambda: Otel(kept=True),
    }
    if name in basics:
        return basics[name]()
    from django_agents import DJANGO_AGENTS

    return DJANGO_AGENTS[name].make(Endpoints(os.environ["BENCH_SINK"], os.environ["BENCH_SCOUT"]), True)


def prepare() -> None:
    """Make and fill the tables: a user who is logged in, and a category of products."""
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.core.management import call_command
    from shop.models import Brand, Category, Product

    call_command("migrate", run_syncdb=True, verbosity=0)
    user = User.objects.create_user("ada", first_name="Ada", last_name="Example")
    logged_in = {
        SESSION_KEY: str(user.pk),
        HASH_SESSION_KEY: user.get_session_auth_hash(),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
    }
    until = datetime.now(timezone.utc) + timedelta(days=7)
    Session.objects.create(session_key=SESSION, session_data=SessionStore().encode(logged_in), expire_date=until)
    garden = Category.objects.create(name="Garden", slug="garden")
    brands = [Brand.objects.create(name=f"Brand {number}") for number in range(12)]
    begun = datetime(2026, 1, 1, tzinfo=timezone.utc)
    words = SAYING.split()
    Product.objects.bulk_create(
        Product(
            category=garden, brand=brands[number % 12], title=f"garden tool number {number}", price=number + 0.95,
            description=" ".join(words[number % 9 :]), stock=number % 11, added=begun + timedelta(hours=number),
        )
        for number in range(PRODUCTS)
    )  # fmt: skip


def page() -> Serve:
    """A function that serves the page as a WSGI server would have it served, with all that a browser sends."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    environ = {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": PAGE, "QUERY_STRING": "page=2", "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "", "SERVER_NAME": "shop.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "shop.example", "HTTP_ACCEPT": "text/html,application/xhtml+xml",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate", "HTTP_ACCEPT_LANGUAGE": "en;q=0.9,de;q=0.5",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0",
        "HTTP_COOKIE": f"sessionid={SESSION}; csrftoken={'c' * 32}", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr, "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip

    def serve() -> bytes:
        status: list[str] = []
        response = application(
            environ | {"wsgi.input": io.BytesIO()}, lambda code, headers, exc_info=None: status.append(code)
        )
        try:
            body = b"".join(response)
        finally:
            response.close()
        if status != ["200 OK"]:
            raise SystemExit(f"error: the page answered {status}")
        return body

    return serve


def check(serve: Serve) -> dict[str, int]:
    """What one page is: its queries, as Django itself sees them, and its bytes."""
    from django.db import connection

    ran: list[str] = []

    def seen(execute: Any, sql: str, *rest: Any) -> Any:
        ran.append(sql)
        return execute(sql, *rest)

    serve()
    with connection.execute_wrapper(seen):
        body = serve()
    if len(ran) != QUERIES or b"Ada Example" not in body or body.count(b"<article") != 24:
        raise SystemExit(f"error: not the page that was meant: {len(ran)} queries, {len(body)} bytes")
    return {"queries": len(ran), "bytes": len(body)}


def main() -> None:
    if sys.argv[1] == "prepare":
        prepare()
        print(json.dumps({"prepared": True}), flush=True)
        return
    variant = create(sys.argv[1])
    flush = variant.flush
    serve = page()
    print(json.dumps(check(serve)), flush=True)
    flush()
    total = time.process_time_ns()
    for line in sys.stdin:
        if line == "finish\n":
            print(json.dumps(variant.finish()), flush=True)
            break
        begun = time.process_time_ns()
        if line == "flush\n":
            # With what other threads did since the last time, while this one had nothing to serve.
            flush()
            begun, total = total, time.process_time_ns()
            print(json.dumps({"cpu_ns": total - begun}), flush=True)
            continue
        for _ in range(int(line)):
            serve()
        print(json.dumps({"cpu_ns": time.process_time_ns() - begun}), flush=True)


if __name__ == "__main__":
    main()
