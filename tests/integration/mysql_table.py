"""The table of the MariaDB dialects."""

from __future__ import annotations

import pymysql

from tests.integration.dialects import SCHEMA
from tests.services import MariaDB


def prepare(server: MariaDB) -> None:
    """Make the table anew."""
    with pymysql.connect(**server.address) as connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists item")
        cursor.execute(SCHEMA.format(name="item", auto=" auto_increment"))
        cursor.execute("insert into item values (1, 1)")
        connection.commit()
