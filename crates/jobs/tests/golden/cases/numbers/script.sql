-- Arithmetic: whole numbers wrap and truncate, decimals keep their scale, doubles are IEEE 754.

CREATE TABLE t (n INT, i INT, b BIGINT, d DOUBLE, f FLOAT, m DECIMAL(10, 2), y TINYINT, h SMALLINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'i + 1', CAST(i + 1 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i - 8', CAST(i - 8 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i * 2', CAST(i * 2 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i / 2', CAST(i / 2 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i % 4', CAST(i % 4 AS STRING) FROM t;
INSERT INTO answers SELECT n, '-i', CAST(-i AS STRING) FROM t;
INSERT INTO answers SELECT n, '+i', CAST(+i AS STRING) FROM t;
INSERT INTO answers SELECT n, 'b + 1', CAST(b + 1 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'b * 2', CAST(b * 2 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'b - i', CAST(b - i AS STRING) FROM t;
INSERT INTO answers SELECT n, 'd + 1', CAST(d + 1 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'd * d', CAST(d * d AS STRING) FROM t;
INSERT INTO answers SELECT n, 'd / 2', CAST(d / 2 AS STRING) FROM t;
INSERT INTO answers SELECT n, '1 / d', CAST(1 / d AS STRING) FROM t;
INSERT INTO answers SELECT n, 'f + f', CAST(f + f AS STRING) FROM t;
INSERT INTO answers SELECT n, 'f * 2', CAST(f * 2 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'm + 1', CAST(m + 1 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'm * m', CAST(m * m AS STRING) FROM t;
INSERT INTO answers SELECT n, 'm / 3', CAST(m / 3 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'm - 0.005', CAST(m - 0.005 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i + m', CAST(i + m AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i * 1.5', CAST(i * 1.5 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i / 2.0', CAST(i / 2.0 AS STRING) FROM t;
INSERT INTO answers SELECT n, '1 / 3.0 + i - i', CAST(1 / 3.0 + i - i AS STRING) FROM t;
INSERT INTO answers SELECT n, 'y + 1', CAST(y + 1 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'h + y', CAST(h + y AS STRING) FROM t;
INSERT INTO answers SELECT n, 'MOD(i, 4)', CAST(MOD(i, 4) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'MOD(b, 4)', CAST(MOD(b, 4) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'MOD(m, 0.7)', CAST(MOD(m, 0.7) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ABS(i)', CAST(ABS(i) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ABS(d)', CAST(ABS(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ABS(m)', CAST(ABS(m) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SIGN(i)', CAST(SIGN(i) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SIGN(d)', CAST(SIGN(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SIGN(m)', CAST(SIGN(m) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ROUND(d)', CAST(ROUND(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ROUND(d, 1)', CAST(ROUND(d, 1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ROUND(m, 1)', CAST(ROUND(m, 1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ROUND(i, -1)', CAST(ROUND(i, -1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ROUND(2.345 + m, 2)', CAST(ROUND(2.345 + m, 2) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'TRUNCATE(m, 1)', CAST(TRUNCATE(m, 1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'TRUNCATE(COALESCE(d, 0e0), 1)', CAST(TRUNCATE(COALESCE(d, 0e0), 1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'FLOOR(d)', CAST(FLOOR(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'FLOOR(m)', CAST(FLOOR(m) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CEIL(d)', CAST(CEIL(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CEILING(m)', CAST(CEILING(m) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'FLOOR(i)', CAST(FLOOR(i) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SQRT(d)', CAST(SQRT(d) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'POWER(d, 2)', CAST(POWER(d, 2) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'GREATEST(i, 3, 2)', CAST(GREATEST(i, 3, 2) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LEAST(d, 1.0e0)', CAST(LEAST(d, 1.0e0) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'GREATEST(m, 0.1)', CAST(GREATEST(m, 0.1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i = b', CAST(i = b AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i > b', CAST(i > b AS STRING) FROM t;
INSERT INTO answers SELECT n, 'd >= m', CAST(d >= m AS STRING) FROM t;
INSERT INTO answers SELECT n, 'm <> 1.5', CAST(m <> 1.5 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'i BETWEEN -7 AND 7', CAST(i BETWEEN -7 AND 7 AS STRING) FROM t;
INSERT INTO answers SELECT n, 'd NOT BETWEEN SYMMETRIC 1 AND -1', CAST(d NOT BETWEEN SYMMETRIC 1 AND -1 AS STRING) FROM t;
END;
