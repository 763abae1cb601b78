"""A Flask application: pages, streams, work after the response, a session that queries."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, copy_current_request_context, request, stream_with_context
from flask.sessions import SecureCookieSessionInterface
from web_work import done, endless, parts, queries, waiting


class QueryingSession(SecureCookieSessionInterface):
    """Opens and saves the session with a query each, if the client asks for it."""

    def open_session(self, app: Flask, request: object) -> object:
        """The session, after one query."""
        if "X-Session" in request.headers:
            queries(1)
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: object, response: Response) -> None:
        """Save it with one query."""
        if "X-Session" in request.headers:
            queries(1)
        super().save_session(app, session, response)


app = Flask(__name__)
app.secret_key = "test"
app.session_interface = QueryingSession()


@app.get("/orders/<int:number>")
def order(number: int) -> str:
    """Run *number* queries."""
    queries(number)
    return "done"


@app.get("/stream/<int:number>")
def stream(number: int) -> Response:
    """Run *number* queries while the response is sent."""
    return Response(parts(number))


@app.get("/context/<int:number>")
def stream_in_context(number: int) -> Response:
    """The same in Flask's request context."""

    @stream_with_context
    def body() -> Iterator[bytes]:
        assert request.path
        yield from parts(number)

    return Response(body())


@app.get("/endless")
def endless_stream() -> Response:
    """A stream the client leaves."""
    return Response(endless(2))


@app.get("/endless-context")
def endless_stream_in_context() -> Response:
    """The same in Flask's request context."""
    return Response(stream_with_context(endless(2)))


@app.get("/waiting")
def waiting_stream() -> Response:
    """A stream that waits."""
    return Response(waiting())


@app.get("/done")
def done_queries() -> str:
    """How many queries that stream ran."""
    return str(done())


@app.get("/fail/<int:number>")
def fail(number: int) -> str:
    """Raise after *number* queries."""
    queries(number)
    raise ValueError("on purpose")


@app.get("/failing-stream/<int:number>")
def failing_stream(number: int) -> Response:
    """Raise within the stream after *number* queries."""

    def body() -> Iterator[bytes]:
        yield from parts(number)
        raise ValueError("on purpose")

    return Response(body())


@app.get("/refuse/<int:number>")
def refuse(number: int) -> tuple[str, int]:
    """Answer 403 after *number* queries."""
    queries(number)
    return "no", 403


@app.get("/background/<int:number>")
def background(number: int) -> Response:
    """Run *number* queries after the response."""
    response = Response("done")

    @response.call_on_close
    def send_mail() -> None:
        queries(number)

    return response


@app.get("/copied/<int:number>")
def copied(number: int) -> str:
    """Run *number* queries in a thread with a copy of the request context, and *number* after it."""

    @copy_current_request_context
    def work() -> None:
        assert request.path
        queries(number)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    queries(number)
    return "done"
