"""A script that turns out to be a server: ``serving.py flask|uvicorn|forking PORT START_UP_QUERIES``."""

from __future__ import annotations

import os
import signal
import sys

import command


def main(how: str, port: int, queries: int) -> None:
    """Query, then serve on *port* until a signal comes."""
    command.query(queries)
    if how == "uvicorn":
        import uvicorn
        from fastapi_app import app

        uvicorn.run(app, port=port, log_level="warning")
        return
    from flask_app import app as flask

    if how == "forking" and (child := os.fork()):
        signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
        os.waitpid(child, 0)
        return
    flask.run(port=port, threaded=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
