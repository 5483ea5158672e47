"""Asks Weir's SQL gateway with PyPI's py-flink-sql-gateway, a DB-API driver for Flink's SQL gateway.

    flink_sql_driver.py URL

Prints a line for each thing it was told.
"""

import sys

from flink_gateway import DatabaseError, connect

TABLE = """CREATE TABLE queries (query_id STRING, `user` ROW<user_type STRING, age INT>)
WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'EARLIEST-OFFSET', 'format' = 'json',
      'json.ignore-parse-errors' = 'TRUE')"""

VALUES = """SELECT CAST(1 AS TINYINT), CAST(-5 AS BIGINT), 1.50, CAST(0.25 AS DOUBLE), TRUE, 'một', CAST(NULL AS INT),
DATE '2026-01-02', TIME '01:02:03', TIMESTAMP '2026-01-01 00:00:00.125', INTERVAL '1' DAY"""

(url,) = sys.argv[1:]
with connect(url, query_timeout=60) as connection:
    with connection.cursor() as cursor:
        cursor.execute(VALUES)
        print("values", [str(value) for value in cursor.fetchone()])
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("SELECT query_id, `user` FROM queries WHERE query_id = 'q-1' LIMIT 1")
        for query_id, user in cursor.fetchall():
            print("row", query_id, user)
        cursor.execute("SHOW TABLES")
        print("tables", cursor.fetchall())
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT * FROM nosuch")
            cursor.fetchall()
        except DatabaseError as error:
            print("refused", "Object 'nosuch' not found" in str(error))
