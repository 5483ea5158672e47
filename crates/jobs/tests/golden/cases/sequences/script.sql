-- Sequences of rows: skips, quantifiers, aggregates, a limit of time, and a match whose time is an event time. The answers
-- are those of a real Flink 2.3.

CREATE TABLE t (k STRING, id INT, n INT, x INT, `at` TIMESTAMP(3), WATERMARK FOR `at` AS `at` - INTERVAL '5' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE found (
  name STRING, k STRING, first_id INT, last_id INT, n BIGINT, total INT, `at` TIMESTAMP(3)
) WITH ('connector' = 'redis', 'key' = '{name}:{k}:{first_id}:{last_id}', 'ttl' = '60');

CREATE VIEW rises AS
SELECT * FROM t MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY `at`, id
  MEASURES FIRST(A.id) AS first_id, B.id AS last_id, COUNT(*) AS n, SUM(A.x) AS total, MATCH_ROWTIME() AS rt
  AFTER MATCH SKIP TO LAST A
  PATTERN (C A+ B)
  DEFINE A AS A.x >= LAST(x, 1), B AS B.x < LAST(A.x)
);

EXECUTE STATEMENT SET BEGIN

INSERT INTO found SELECT 'rises', k, first_id, last_id, n, total, rt FROM rises;

INSERT INTO found SELECT 'greedy', k, a, c, n, total, rt FROM t MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY `at`, id
  MEASURES A.id AS a, C.id AS c, COUNT(B.id) AS n, SUM(B.x) AS total, MATCH_ROWTIME() AS rt
  ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
  PATTERN (A B* C) DEFINE A AS n = 1, B AS n > 1, C AS n <= 1
) AS m;

INSERT INTO found SELECT 'reluctant', k, a, c, n, total, rt FROM t MATCH_RECOGNIZE (
  PARTITION BY k ORDER BY `at`, id
  MEASURES A.id AS a, C.id AS c, COUNT(B.id) AS n, MAX(B.x) AS total, MATCH_ROWTIME() AS rt
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (A B{1,3}? C) WITHIN INTERVAL '6' SECOND DEFINE A AS x > 1, C AS C.x > A.x OR C.n IS NULL
) AS m;

INSERT INTO found SELECT 'all rows', 'all', a, b, 2, s, rt FROM t MATCH_RECOGNIZE (
  ORDER BY `at`, x DESC, id
  MEASURES A.id AS a, B.id AS b, A.x + x AS s, MATCH_ROWTIME() AS rt
  PATTERN (A B) DEFINE B AS B.x = A.x
) AS m;

-- Windows over the times of matches.
INSERT INTO found SELECT 'windows', k, 0, CAST(MAX(last_id) AS INT), COUNT(*), SUM(total), window_end
  FROM TABLE(TUMBLE(TABLE rises, DESCRIPTOR(rt), INTERVAL '20' SECOND))
  GROUP BY window_start, window_end, k;

END;
