"""What to do about findings that are no repeats of one statement; the same for every library."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.advising.raw import Words

SLOW: Final = Words(
    "query plan",
    "Look at the plan of the statement",
    "One run of the statement takes long. Time alone does not tell why: a missing index, many rows, a "
    "lock that it waits "
    "for, or a busy database.",
    "EXPLAIN ANALYZE <statement>  -- with values that were slow; SQLite: EXPLAIN QUERY PLAN; it runs the statement",
)

UNINDEXED: Final = Words(
    "index",
    "See whether the plan reads the whole table, and add an index if so",
    "The figures look like those of a scan: much time for few rows. That is a guess from outside; the "
    "plan is the proof. An "
    "index costs each write to the table a little.",
    "EXPLAIN <statement>\nCREATE INDEX ... ON <table> (<columns of WHERE and ORDER BY>)  -- if the plan "
    "scans the table",
)

CHATTY: Final = Words(
    "fewer queries",
    "Let the operation ask less often",
    "The operation runs many queries, not only the same one again and again. Findings of repeats in the "
    "same operation, "
    "where there are any, say which part of them can go; for the rest, a trace shows what each is for.",
    "otel-verein slow --operation <operation>\notel-verein trace <its id>  # which queries it runs, and from where\n"
    "start with the repeats of this operation; then join what is fetched together, and keep what changes rarely",
)

ERRORS: Final = Words(
    "errors",
    "Find out why the operation fails",
    "A part of the operations ended with an error. What they took was spent for nothing, and figures of "
    "failed ones say "
    "little about the others.",
    "otel-verein slow --failed --operation <operation>\n"
    "otel-verein trace <its id>  # the error stands on the span that failed",
)

BY_KIND: Final = {"slow_query": SLOW, "looks_unindexed": UNINDEXED, "chatty": CHATTY, "errors": ERRORS}
