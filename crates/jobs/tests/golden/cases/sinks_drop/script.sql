-- What does not fit a sink's column: rows with a null for a NOT NULL column are left out, texts and bytes are brought to
-- their length. A JSON source takes values of any length.
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
SET 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD';

CREATE TABLE t (n INT, a INT, s VARCHAR(3), c CHAR(3), y VARBINARY(2), b BINARY(2), ts TIMESTAMP(3), m DECIMAL(10, 2),
  j INT, WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE rows_out (n INT, a INT NOT NULL, s VARCHAR(3) NOT NULL, c CHAR(3), y VARBINARY(2), b BINARY(2))
  WITH ('connector' = 'redis', 'key' = 'row:{n}', 'ttl' = '60');
CREATE TABLE groups_out (time_of_day TIME(0), n BIGINT, a INT NOT NULL)
  WITH ('connector' = 'redis', 'key' = 'group:{time_of_day}', 'ttl' = '60');
CREATE TABLE texts_out (n INT, rounded STRING, cut STRING)
  WITH ('connector' = 'redis', 'key' = 'text:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO rows_out SELECT n, a, s, c, y, b FROM t;
INSERT INTO groups_out SELECT CAST(ts AS TIME), COUNT(*), MIN(a)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, CAST(ts AS TIME);
INSERT INTO texts_out SELECT n, CAST(ROUND(m, j) AS STRING), CAST(TRUNCATE(m, j) AS STRING) FROM t;
END;
