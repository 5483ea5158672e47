-- Every aggregate over every type it takes: plain, DISTINCT, with FILTER, and both.

CREATE TABLE t (
  k STRING, `at` TIMESTAMP(3), i INT, b BIGINT, d DOUBLE, f FLOAT, m DECIMAL(10, 2), s STRING, o BOOLEAN, dt DATE,
  WATERMARK FOR `at` AS `at`
)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (k STRING, expression STRING, answer STRING, window_end TIMESTAMP(3))
  WITH ('connector' = 'redis', 'key' = '{expression}:{k}:{window_end}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT k, 'COUNT(*)', CAST(COUNT(*) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(*) FILTER (WHERE o)', CAST(COUNT(*) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(*) FILTER (WHERE NOT o)', CAST(COUNT(*) FILTER (WHERE NOT o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(*) FILTER (WHERE o IS NOT TRUE)', CAST(COUNT(*) FILTER (WHERE o IS NOT TRUE) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(i)', CAST(COUNT(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT i)', CAST(COUNT(DISTINCT i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(s)', CAST(COUNT(s) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT s)', CAST(COUNT(DISTINCT s) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(o)', CAST(COUNT(o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT o)', CAST(COUNT(DISTINCT o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(d)', CAST(COUNT(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT d)', CAST(COUNT(DISTINCT d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(m)', CAST(COUNT(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT m)', CAST(COUNT(DISTINCT m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(dt)', CAST(COUNT(dt) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT dt)', CAST(COUNT(DISTINCT dt) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(DISTINCT s) FILTER (WHERE o)', CAST(COUNT(DISTINCT s) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(i) FILTER (WHERE o)', CAST(COUNT(i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(i)', CAST(SUM(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(b)', CAST(SUM(b) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(d)', CAST(SUM(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(f)', CAST(SUM(f) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(m)', CAST(SUM(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(DISTINCT i)', CAST(SUM(DISTINCT i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(DISTINCT d)', CAST(SUM(DISTINCT d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(DISTINCT m)', CAST(SUM(DISTINCT m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(i) FILTER (WHERE o)', CAST(SUM(i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(DISTINCT i) FILTER (WHERE o)', CAST(SUM(DISTINCT i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(i)', CAST(AVG(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(b)', CAST(AVG(b) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(d)', CAST(AVG(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(f)', CAST(AVG(f) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(m)', CAST(AVG(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(DISTINCT i)', CAST(AVG(DISTINCT i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(DISTINCT d)', CAST(AVG(DISTINCT d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(DISTINCT m)', CAST(AVG(DISTINCT m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(i) FILTER (WHERE o)', CAST(AVG(i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'AVG(DISTINCT i) FILTER (WHERE o)', CAST(AVG(DISTINCT i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(i)', CAST(MIN(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(b)', CAST(MIN(b) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(d)', CAST(MIN(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(f)', CAST(MIN(f) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(m)', CAST(MIN(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(o)', CAST(MIN(o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(dt)', CAST(MIN(dt) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(s)', MIN(s), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(DISTINCT i)', CAST(MIN(DISTINCT i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MIN(s) FILTER (WHERE o)', MIN(s) FILTER (WHERE o), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(i)', CAST(MAX(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(b)', CAST(MAX(b) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(d)', CAST(MAX(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(f)', CAST(MAX(f) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(m)', CAST(MAX(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(o)', CAST(MAX(o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(dt)', CAST(MAX(dt) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(s)', MAX(s), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(DISTINCT i)', CAST(MAX(DISTINCT i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(s) FILTER (WHERE o)', MAX(s) FILTER (WHERE o), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(i)', CAST(FIRST_VALUE(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(d)', CAST(FIRST_VALUE(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(m)', CAST(FIRST_VALUE(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(o)', CAST(FIRST_VALUE(o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(s)', FIRST_VALUE(s), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'FIRST_VALUE(i) FILTER (WHERE o)', CAST(FIRST_VALUE(i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(i)', CAST(LAST_VALUE(i) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(d)', CAST(LAST_VALUE(d) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(m)', CAST(LAST_VALUE(m) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(o)', CAST(LAST_VALUE(o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(s)', LAST_VALUE(s), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'LAST_VALUE(i) FILTER (WHERE o)', CAST(LAST_VALUE(i) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(d, 0.5)', CAST(PERCENTILE(d, 0.5) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(d, 0.95)', CAST(PERCENTILE(d, 0.95) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(i, 0.5)', CAST(PERCENTILE(i, 0.5) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(d, 0)', CAST(PERCENTILE(d, 0) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(d, 1)', CAST(PERCENTILE(d, 1) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(d, 0.5) FILTER (WHERE o)', CAST(PERCENTILE(d, 0.5) FILTER (WHERE o) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'PERCENTILE(DISTINCT d, 0.5)', CAST(PERCENTILE(DISTINCT d, 0.5) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(CASE WHEN o THEN 1 ELSE 0 END)', CAST(SUM(CASE WHEN o THEN 1 ELSE 0 END) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(i) + COUNT(*)', CAST(SUM(i) + COUNT(*) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'COUNT(*) * 100.0 / COUNT(*)', CAST(COUNT(*) * 100.0 / COUNT(*) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'SUM(i * 2)', CAST(SUM(i * 2) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
INSERT INTO answers SELECT k, 'MAX(CHAR_LENGTH(s))', CAST(MAX(CHAR_LENGTH(s)) AS STRING), window_end
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(`at`), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end;
END;
