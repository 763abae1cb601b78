"""Flask: the work in the view, streamed pages do it in their generator."""

from __future__ import annotations

from flask import Flask
from matrix_work import work

app = Flask(__name__)


@app.get("/do/<int:number>")
def page(number: int) -> str:
    work(number)
    return "done"
