-- Tumbling, hopping and cumulating windows, with offsets, over a table, a view and a subquery.

CREATE TABLE t (k STRING, v INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE VIEW positive AS SELECT k, v, `at` FROM t WHERE v > 0;

CREATE TABLE counts (
  name STRING, k STRING, n BIGINT, total INT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), window_time TIMESTAMP(3)
) WITH ('connector' = 'redis', 'key' = '{name}:{k}:{window_start}:{window_end}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN

INSERT INTO counts SELECT 'tumble', k, COUNT(*), SUM(v), window_start, window_end, window_time
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, window_time, k;

INSERT INTO counts SELECT 'tumble, offset', 'all', COUNT(*), SUM(v), window_start, window_end, window_time
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND, INTERVAL '3' SECOND))
  GROUP BY window_start, window_end, window_time;

INSERT INTO counts SELECT 'hop', k, COUNT(*), SUM(v), window_start, window_end, window_time
  FROM TABLE(HOP(TABLE positive, DESCRIPTOR(`at`), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, window_time, k;

INSERT INTO counts SELECT 'cumulate', k, COUNT(*), SUM(v), window_start, window_end, window_time
  FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
  GROUP BY window_start, window_end, window_time, k;

-- A condition on the result, and a key that is computed.
INSERT INTO counts SELECT 'having', UPPER(k), COUNT(*), SUM(v), window_start, window_end, MAX(`at`)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND))
  WHERE v <> 3
  GROUP BY window_start, window_end, UPPER(k)
  HAVING COUNT(*) > 1 AND SUM(v) IS NOT NULL;

-- Over a subquery.
INSERT INTO counts SELECT 'subquery', kk, COUNT(*), SUM(doubled), window_start, window_end, window_time
  FROM TABLE(TUMBLE((SELECT k || '!' AS kk, v * 2 AS doubled, `at` FROM t), DESCRIPTOR(`at`), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end, window_time, kk;

END;
