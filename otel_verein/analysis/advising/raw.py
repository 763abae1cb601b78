"""What to write where no library, or none that is known, stands between the code and the statement."""

from __future__ import annotations

from typing import Final, NamedTuple


class Words(NamedTuple):
    """The parts of advice that does not depend on a library."""

    feature: str
    title: str
    why: str
    how: str


REPEATED: Final = {
    "select": Words(
        "IN",
        "Ask for all values in one statement",
        "The same statement runs once for each value.",
        "SELECT ... WHERE <key> IN (...)  -- once, before the loop; or join the table that the values come from",
    ),
    "insert": Words(
        "many rows",
        "Insert all rows in one statement",
        "The same INSERT runs once for each row. `executemany` of some drivers still sends them one by "
        "one (of psycopg2, "
        "for one, which has `execute_values`); a statement of many rows never does.",
        "INSERT INTO ... VALUES (...), (...), ...",
    ),
    "update": Words(
        "IN",
        "Change all rows in one statement",
        "The same UPDATE runs once for each row.",
        "UPDATE ... SET <column> = CASE <key> WHEN ... THEN ... END WHERE <key> IN (...)\n"
        "-- or, where all get the same value: SET <column> = ... WHERE <key> IN (...)",
    ),
    "delete": Words(
        "IN",
        "Delete all rows in one statement",
        "The same DELETE runs once for each row.",
        "DELETE FROM ... WHERE <key> IN (...)",
    ),
}

OTHER: Final = Words(
    "batch",
    "Do it for all in one statement",
    "The same statement runs once for each pass of a loop.",
    "one statement before or after the loop, with all its values",
)

DUPLICATE: Final = Words(
    "keep the result",
    "Ask once, and keep the result while the operation lasts",
    "The same statement ran with the same parameters each time, so each answer but the first was known already, unless "
    "something wrote in between.",
    "run it before the loop and pass the result on; or keep it on the object or the request that it belongs to",
)

WRITTEN_AGAIN: Final = Words(
    "write once",
    "Write it once",
    "The same statement wrote the same values each time.",
    "collect what is to be written and write it once, at the end",
)
