"""What to write with Frappe."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.advising.rule import Rule

_DATABASE = "https://docs.frappe.io/framework/user/en/api/database"
_DOCUMENTS = "https://docs.frappe.io/framework/user/en/api/document"

RULES: Final = (
    Rule(
        r"(?:Document\.)?(?:get_doc|get_last_doc|load_from_db|reload)|Document\.__init__",
        "get_all",
        "Fetch the fields of all documents at once",
        "Each pass of the loop loads a whole document, with a query for each of its child tables. "
        "Where the documents rarely change, `frappe.get_cached_doc` keeps them between requests.",
        'frappe.get_all("{model}", filters={{"name": ["in", names]}}, fields=["name", "<field>"])',
        f"{_DATABASE}#frappedbget_list",
        verb="select",
    ),
    Rule(
        r"(?:Database\.)?(?:get_value|get_values|get_single_value|exists|get)|get_cached_value|get_cached_doc",
        "get_all",
        "Fetch the values of all documents at once",
        "Each pass of the loop asks for the values of one document.",
        'rows = frappe.get_all("{model}", filters={{"name": ["in", names]}}, fields=["name", "<field>"])\n'
        "by_name = {{row.name: row for row in rows}}",
        f"{_DATABASE}#frappedbget_list",
        verb="select",
    ),
    Rule(
        r"(?:Database\.)?(?:set_value|bulk_update)|(?:Document\.)?(?:db_set|save|db_update)",
        "bulk_update",
        "Change all documents together",
        "Each document is written by statements of its own. "
        "`bulk_update` runs no controller and no hook of the documents; where they matter, the loop has to stay.",
        'frappe.db.bulk_update("{model}", {{name: {{"<field>": value}} for name, value in changes.items()}})',
        f"{_DATABASE}",
        verb="update",
        since=(15,),
        before='frappe.db.set_value("{model}", {{"name": ["in", names]}}, "<field>", value)  # the same value for all',
    ),
    Rule(
        r"(?:Document\.)?(?:insert|save|db_insert)|(?:BaseDocument\.)?db_insert",
        "bulk_insert",
        "Insert all documents together",
        "Each document is inserted by statements of its own. "
        "`bulk_insert` runs no controller, no naming and no hook; where they matter, the loop has to stay.",
        'frappe.db.bulk_insert("{model}", fields=["name", "<field>"], values=rows)',
        f"{_DATABASE}",
        verb="insert",
    ),
    Rule(
        r"(?:Database\.)?sql(?:_list|_ddl)?",
        "sql IN",
        "Ask for all values in one statement",
        "Each pass of the loop runs a statement of its own.",
        'frappe.db.sql("SELECT ... WHERE name IN %(names)s", {{"names": tuple(names)}}, as_dict=True)',
        f"{_DATABASE}#frappedbsql",
        verb="select",
    ),
    Rule(
        r"get_all|get_list|DatabaseQuery\.\w+|(?:Database\.)?(?:get_all|get_list|count)|Engine\.\w+|\w*[Qq]uery\S*",
        "filters in",
        "Ask for all of them in one query",
        "Each pass of the loop runs a query with other filters.",
        'frappe.get_all("{model}", filters={{"<field>": ["in", values]}}, fields=["name", "<field>"])',
        f"{_DATABASE}#frappedbget_list",
        verb="select",
    ),
)
