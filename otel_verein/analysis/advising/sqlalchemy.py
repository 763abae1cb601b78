"""What to write with SQLAlchemy."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.advising.rule import Rule

_RELATIONS = "https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html"
_DML = "https://docs.sqlalchemy.org/en/20/orm/queryguide/dml.html"
_SELECT = "https://docs.sqlalchemy.org/en/20/orm/queryguide/select.html"

RULES: Final = (
    Rule(
        r"LazyLoader\._load_for_state",
        "selectinload",
        "Load {model}.{relation} with the rows",
        "Each {model} loads its `{relation}` when the attribute is read. `joinedload` does it in the "
        "same statement, which "
        "is the better one for what is one object each; `raiseload` makes whatever is still read late an error.",
        "from sqlalchemy.orm import selectinload\nselect({model}).options(selectinload({model}.{relation}))",
        f"{_RELATIONS}#select-in-loading",
        since=(1, 4),
        before="from sqlalchemy.orm import selectinload\n"
        "session.query({model}).options(selectinload({model}.{relation}))",
    ),
    Rule(
        r"AppenderMixin\.\w+",
        "in_",
        "Select {relation} of all {model} rows at once",
        "`{relation}` is a dynamic relationship: each use is a query of its own, and no loader option reaches it.",
        "session.scalars(select(<Other>).where(<Other>.<key>.in_(keys)))  # once; then group the rows by <key>",
        f"{_RELATIONS}",
        since=(1, 4),
        before="session.query(<Other>).filter(<Other>.<key>.in_(keys))",
    ),
    Rule(
        r"DeferredColumnLoader\._load_for_state",
        "undefer",
        "Load {model}.{relation} with the rest",
        "`{relation}` is a deferred column; each {model} loads it when it is read.",
        "from sqlalchemy.orm import undefer\nselect({model}).options(undefer({model}.{relation}))",
        "https://docs.sqlalchemy.org/en/20/orm/queryguide/columns.html",
        since=(1, 4),
        before="from sqlalchemy.orm import undefer\nsession.query({model}).options(undefer({model}.{relation}))",
    ),
    Rule(
        r"load_scalar_attributes",
        "expire_on_commit",
        "Do not let each {model} expire before it is read",
        "Each {model} is read anew since a commit, a rollback or `expire()` came before. "
        "Commit once, after the loop, or select them again together.",
        "Session(engine, expire_on_commit=False)  # where no other transaction's changes have to be seen\n"
        "# or, after the commit: session.scalars(select({model}).where({model}.id.in_(keys))).all()",
        "https://docs.sqlalchemy.org/en/20/orm/session_basics.html#committing",
        since=(1, 4),
        before="sessionmaker(bind=engine, expire_on_commit=False)\n"
        "# or, after the commit: session.query({model}).filter({model}.id.in_(keys)).all()",
    ),
    Rule(
        r"(?:Session|Query)\.get|Session\.get_one",
        "in_",
        "Load all {model} rows by their keys at once",
        "Each key is asked for by itself. What one query has loaded, and somebody still holds, `get` "
        "finds without asking.",
        "by_key = {{each.id: each for each in session.scalars(select({model}).where({model}.id.in_(keys)))}}",
        f"{_SELECT}",
        since=(1, 4),
        before="by_key = {{each.id: each for each in session.query({model}).filter({model}.id.in_(keys))}}",
    ),
    Rule(
        r"Session\.(?:_flush|merge)",
        "bulk INSERT",
        "Insert all rows together",
        "Each new object is inserted by itself. Where each pass of the loop flushes (by `flush()`, "
        "`commit()`, or a query, "
        "before which the session flushes), one flush after it is enough on databases that tell the new keys in "
        "order, such as PostgreSQL; SQLite and MySQL still get an INSERT for each object.",
        'session.execute(insert(<Model>), [{{"<field>": 1}}, ...])  # few statements on every database',
        f"{_DML}#orm-bulk-insert-statements",
        verb="insert",
        since=(2, 0),
        before="session.bulk_save_objects(objects)  # once, after the loop",
    ),
    Rule(
        r"Session\.(?:_flush|merge)",
        "bulk UPDATE by primary key",
        "Change all rows together",
        "Each object that was changed is written by a statement of its own, or each pass of the loop flushes.",
        'session.execute(update(<Model>), [{{"id": 1, "<field>": 2}}, ...])  # values of their own\n'
        "session.execute(update(<Model>).where(<Model>.id.in_(keys)).values(<field>=value))  # the same value",
        f"{_DML}#orm-bulk-update-by-primary-key",
        verb="update",
        since=(2, 0),
        before='session.bulk_update_mappings(<Model>, [{{"id": 1, "<field>": 2}}, ...])',
    ),
    Rule(
        r"Session\.(?:_flush|merge)",
        "delete where",
        "Delete all rows together",
        "Each object is deleted by itself. Cascades of the ORM are not run by the one statement, those "
        "of the database are.",
        "session.execute(delete(<Model>).where(<Model>.id.in_(keys)))",
        f"{_DML}#orm-update-and-delete-with-custom-where-criteria",
        verb="delete",
        since=(1, 4),
        before="session.query(<Model>).filter(<Model>.id.in_(keys)).delete(synchronize_session=False)",
    ),
    Rule(
        r"Query\.count",
        "group_by",
        "Count for all in one query, by group",
        "Each pass of the loop counts by a query of its own.",
        "select(<Model>.<key>, func.count()).where(<Model>.<key>.in_(keys)).group_by(<Model>.<key>)",
        f"{_SELECT}",
        since=(1, 4),
        before="session.query(<Model>.<key>, func.count()).filter(<Model>.<key>.in_(keys)).group_by(<Model>.<key>)",
    ),
    Rule(
        r"(?:Session|Query|Connection|AsyncSession|AsyncConnection|Engine)\.\w+",
        "execute many",
        "Hand all rows to one call",
        "Each pass of the loop inserts one row.",
        'session.execute(insert(<Model>), [{{"<field>": 1}}, ...])  # a list of rows: few statements',
        f"{_DML}#orm-bulk-insert-statements",
        verb="insert",
        since=(2, 0),
        before='connection.execute(<table>.insert(), [{{"<field>": 1}}, ...])',
    ),
    Rule(
        r"(?:Session|Query|Connection|AsyncSession|AsyncConnection|Engine|\w*Result)\.\w+",
        "in_",
        "Ask for all of them in one query",
        "Each pass of the loop runs a query of its own with other values.",
        "session.scalars(select(<Model>).where(<Model>.<key>.in_(keys)))  # once; then group the rows by <key>",
        f"{_SELECT}",
        verb="select",
        since=(1, 4),
        before="session.query(<Model>).filter(<Model>.<key>.in_(keys))",
    ),
)
