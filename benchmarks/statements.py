# ruff: noqa: E501, SIM905  (statements are easier to read in long lines and lists of words)
"""Statements as applications send them: the text's template, its dialect, and how to vary its values.

``{0}`` to ``{3}`` are values that the application writes into the text; ``{list}`` is a list of placeholders or
literals whose length varies; ``{comment}`` is a comment made anew for each request.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Template:
    """One statement of a program; *item* is one element of its list."""

    name: str
    dialect: str
    text: str
    item: str = "%s"

    def filled(self, seed: int) -> str:
        """The text with the values of *seed*, which no other seed has."""
        values = (str(100 + seed), f"name {seed}", f"2024-01-{1 + seed % 28:02}", f"{seed}.25")
        items = ", ".join(self.item.format(seed * 100 + number) for number in range(2 + seed % 50))
        text = self.text.replace("{list}", items)
        for number, value in enumerate(values):
            text = text.replace(f"{{{number}}}", value)
        return text.replace("{comment}", f"/*traceparent='00-{seed:032x}-{seed:016x}-01',route='shop%2Fbook'*/")


def _columns(table: str, names: str, quote: str = '"') -> str:
    return ", ".join(f"{quote}{table}{quote}.{quote}{name}{quote}" for name in names.split())


_BOOK = _columns("shop_book", "id title author_id price published created_at stock isbn publisher_id rating")
_AUTHOR = _columns("shop_author", "id name email country_id born")
_USER = _columns(
    "auth_user", "id password last_login is_superuser username first_name last_name email is_staff is_active"
)
_LINE = _columns(
    "basket_line", "id basket_id product_id quantity price_currency price_excl_tax price_incl_tax date_created", "`"
)
_ALCHEMY = ", ".join(
    f"orders.{name} AS orders_{name}" for name in "id customer_id status total created_at updated_at".split()
)
_FRAPPE = ", ".join(
    f"`{name}`" for name in "name creation modified owner customer grand_total status posting_date".split()
)

DJANGO = [
    Template("django-get-user", "postgresql", f'SELECT {_USER} FROM "auth_user" WHERE "auth_user"."id" = %s LIMIT 21'),
    Template("django-session", "postgresql", 'SELECT "django_session"."session_key", "django_session"."session_data", '
             '"django_session"."expire_date" FROM "django_session" WHERE ("django_session"."expire_date" > %s AND '
             '"django_session"."session_key" = %s) LIMIT 21'),
    Template("django-prefetch", "postgresql", f'SELECT {_BOOK} FROM "shop_book" WHERE "shop_book"."author_id" IN ({{list}})'),
    Template("django-page", "postgresql", f'SELECT {_BOOK}, {_AUTHOR} FROM "shop_book" INNER JOIN "shop_author" ON '
             '("shop_book"."author_id" = "shop_author"."id") WHERE ("shop_author"."name" LIKE %s AND NOT ("shop_book"."stock" = '
             '%s)) ORDER BY "shop_book"."title" ASC, "shop_book"."id" DESC LIMIT 20 OFFSET {0}'),
    Template("django-count", "postgresql", 'SELECT COUNT(*) AS "__count" FROM "shop_book" WHERE "shop_book"."published" >= %s'),
    Template("django-exists", "postgresql", 'SELECT 1 AS "a" FROM "shop_book" WHERE ("shop_book"."isbn" = %s AND NOT '
             '("shop_book"."id" = %s)) LIMIT 1'),
    Template("django-subquery", "postgresql", f'SELECT {_AUTHOR}, (SELECT COUNT(U0."id") AS "n" FROM "shop_book" U0 WHERE '
             '(U0."author_id" = ("shop_author"."id") AND U0."price" > %s)) AS "dear" FROM "shop_author" WHERE EXISTS(SELECT 1 '
             'AS "a" FROM "shop_review" V0 WHERE (V0."author_id" = ("shop_author"."id")) LIMIT 1) LIMIT 50 OFFSET {0}'),
    Template("django-insert", "postgresql", 'INSERT INTO "shop_review" ("author_id", "text", "stars", "created_at") VALUES '
             '(%s, %s, %s, %s) RETURNING "shop_review"."id"'),
    Template("django-bulk", "postgresql", 'INSERT INTO "shop_review" ("author_id", "text", "stars") VALUES {list}', "(%s, %s, %s)"),
    Template("django-update", "postgresql", 'UPDATE "shop_book" SET "stock" = ("shop_book"."stock" - %s), "price" = %s WHERE '
             '"shop_book"."id" = %s {comment}'),
    Template("django-delete", "postgresql", 'DELETE FROM "basket_line" WHERE "basket_line"."id" IN ({list})'),
    Template("django-mysql", "mysql", f"SELECT {_LINE} FROM `basket_line` WHERE `basket_line`.`basket_id` = %s {{comment}}"),
    Template("django-sqlite", "sqlite", f'SELECT {_BOOK} FROM "shop_book" WHERE "shop_book"."id" IN ({{list}}) ORDER BY '
             '"shop_book"."id" ASC'),
]  # fmt: skip

SQLALCHEMY = [
    Template("alchemy-load", "postgresql", f"SELECT {_ALCHEMY} \nFROM orders \nWHERE orders.id = %(pk_1)s"),
    Template("alchemy-selectin", "postgresql", "SELECT lines_1.order_id AS lines_1_order_id, lines_1.id AS lines_1_id, "
             "lines_1.product AS lines_1_product \nFROM order_lines AS lines_1 \nWHERE lines_1.order_id IN ({list})",
             "%(primary_keys_{0})s::INTEGER"),
    Template("alchemy-joined", "postgresql", f"SELECT {_ALCHEMY}, customers_1.id AS customers_1_id, customers_1.name AS "
             "customers_1_name \nFROM orders LEFT OUTER JOIN customers AS customers_1 ON customers_1.id = orders.customer_id "
             "\nWHERE orders.status = %(status_1)s ORDER BY orders.id DESC \n LIMIT %(param_1)s OFFSET %(param_2)s"),
    Template("alchemy-asyncpg", "postgresql", f"SELECT {_ALCHEMY} \nFROM orders \nWHERE orders.id IN ({{list}})", "${0}::INTEGER"),
    Template("alchemy-insert-many", "postgresql", "INSERT INTO order_lines (order_id, product, quantity) VALUES {list} RETURNING "
             "order_lines.id", "(%(order_id__{0})s, %(product__{0})s, %(quantity__{0})s)"),
    Template("alchemy-oracle", "oracle.db", "SELECT orders.id, orders.total \nFROM orders \nWHERE orders.status = :status_1 AND "
             "orders.total > :total_1 FETCH FIRST 10 ROWS ONLY"),
    Template("alchemy-sqlite", "sqlite", f"SELECT {_ALCHEMY} \nFROM orders \nWHERE orders.id IN ({{list}})", "?"),
    Template("alchemy-mssql", "microsoft.sql_server", "SELECT TOP 10 [orders].[id], [orders].[total], [user].[name] \nFROM [orders] "
             "JOIN [user] ON [user].[id] = [orders].[user_id] \nWHERE [orders].[status] = ? AND [orders].[id] > {0}"),
]  # fmt: skip

FRAPPE = [
    Template("frappe-get-list", "mariadb", f"select {_FRAPPE} from `tabSales Invoice` where `tabSales Invoice`.customer = '{{1}}' and "
             "`tabSales Invoice`.posting_date >= '{2}' order by `tabSales Invoice`.`modified` desc limit 20 offset {0}"),
    Template("frappe-get-value", "mariadb", "SELECT `value` FROM `tabSingles` WHERE `doctype`='System Settings' AND `field`='{1}'"),
    Template("frappe-double-quotes", "mariadb", 'select name, parent from `tabHas Role` where parent="{1}" and parenttype="User"'),
    Template("frappe-in", "mariadb", "select `name`, `item_code`, `qty`, `rate` from `tabSales Invoice Item` where `parent` in "
             "({list}) order by `idx` asc", "'SINV-{0}'"),
    Template("frappe-stock", "mariadb", "select sum(actual_qty), sum(stock_value_difference) from `tabStock Ledger Entry` where "
             "item_code = '{1}' and warehouse = 'Stores - {0}' and posting_date <= '{2}' and is_cancelled = 0 group by item_code"),
    Template("frappe-insert", "mariadb", "INSERT INTO `tabComment` (`name`, `creation`, `owner`, `docstatus`, `idx`, `content`) "
             "VALUES ('c{0}', '{2} 10:00:00.000000', '{1}', 0, 0, 'a comment of some words'), ('d{0}', '{2}', '{1}', 0, 1, 'x')"),
]  # fmt: skip

BY_HAND = [
    Template("hand-report", "postgresql", "SELECT o.id, o.total, c.name, c.email, a.city FROM orders o JOIN customers c ON c.id = "
             "o.customer_id LEFT JOIN addresses a ON a.id = o.ship_id WHERE o.status = 'paid' AND o.created > '{2}' AND "
             "c.country IN ({list}) AND o.total > {3} ORDER BY o.created DESC LIMIT 50", "'D{0}'"),
    Template("hand-pretty", "postgresql", "\n    WITH best AS (\n        SELECT product_id, SUM(quantity) AS sold\n          FROM "
             "order_lines\n         WHERE created >= '{2}'\n         GROUP BY product_id\n        HAVING SUM(quantity) > {0}\n    )\n"
             "    SELECT p.id, p.title, best.sold\n      FROM products p\n      JOIN best ON best.product_id = p.id\n     WHERE "
             "p.active AND p.title <> '{1}'\n     ORDER BY best.sold DESC\n     LIMIT 10\n"),
    Template("hand-upsert", "postgresql", "INSERT INTO counters (day, name, hits) VALUES ('{2}', '{1}', {0}) ON CONFLICT (day, name) "
             "DO UPDATE SET hits = counters.hits + EXCLUDED.hits"),
    Template("hand-rows", "mysql", "INSERT INTO points (x, y, label) VALUES {list}", "({0}, 1.5, 'point {0}')"),
    Template("hand-numbers", "sqlite", "select id, parent_id, name from nodes where id in ({list}) and depth < 7", "{0}"),
    Template("hand-commented", "postgresql", "SELECT id, name FROM products WHERE category_id = %s AND active {comment}"),
    Template("hand-json", "postgresql", "SELECT id, doc->>'title', doc #>> '{{a,b}}' FROM docs WHERE doc @> '{\"kind\": \"{1}\"}'::jsonb "
             "AND tags ? 'x' LIMIT {0}"),
]  # fmt: skip

TEMPLATES = [*DJANGO, *SQLALCHEMY, *FRAPPE, *BY_HAND]
