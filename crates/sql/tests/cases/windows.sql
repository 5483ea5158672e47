-- The three windows, with positions and with names, over a table, a view and a subquery.
CREATE TABLE t (k STRING, n INT, d DECIMAL(10, 2), x DOUBLE, ok BOOLEAN, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts) WITH ('connector' = 'file');
CREATE VIEW v AS SELECT k AS key_text, n, d, x, ok, ts AS moment FROM t WHERE n > 0;
CREATE TABLE out_t (a BIGINT, b STRING, c INT) WITH ('connector' = 'file');
CREATE TABLE out_d (s DECIMAL(38, 2), a DECIMAL(38, 6), m INT, p DOUBLE, q DOUBLE, f STRING) WITH ('connector' = 'file');
CREATE TABLE out_w (h BIGINT, start_at STRING, c BIGINT) WITH ('connector' = 'file');

BEGIN STATEMENT SET;
INSERT INTO out_t SELECT COUNT(DISTINCT k), k, SUM(n)
FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE, INTERVAL '-1' MINUTE))
GROUP BY window_start, window_end, k;

INSERT INTO out_d SELECT SUM(d), AVG(d), AVG(n), PERCENTILE(n, 0.5), PERCENTILE(n, ARRAY[0.5, 0.95])[2], MAX(key_text)
FROM TABLE(HOP(DATA => TABLE v, TIMECOL => DESCRIPTOR(moment), SLIDE => INTERVAL '5' SECOND, SIZE => INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO out_w SELECT HOUR(window_start), CAST(window_start AS STRING), COUNT(*) + COUNT(*) FILTER (WHERE ok)
FROM TABLE(CUMULATE((SELECT * FROM v WHERE ok IS NOT FALSE), DESCRIPTOR(moment), INTERVAL '1' HOUR, INTERVAL '1' DAY))
WHERE window_start >= TIMESTAMP '2025-01-01 00:00:00' AND key_text IS NOT NULL AND MINUTE(window_end) = 0
GROUP BY window_start, window_end, HOUR(window_start)
HAVING COUNT(*) > 1 AND COUNT(*) < 1000;

-- A stage on top of an aggregate: its condition is a HAVING, its columns are computed from the results.
INSERT INTO out_w SELECT h, UPPER(label), c * 2 FROM (
  SELECT HOUR(window_end) AS h, key_text || '!' AS label, COUNT(*) AS c, window_end AS unused
  FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(moment), INTERVAL '1' HOUR))
  GROUP BY key_text || '!', window_end, window_start
) WHERE c > 10;
END;
