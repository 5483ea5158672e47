-- MATCH_RECOGNIZE as an operator: what it reads, and what it gives.
CREATE TABLE t (k STRING, id INT, n INT, unread INT, x DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

CREATE TABLE found (k STRING, a INT, s DOUBLE, rt TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO found
SELECT k, a, s, rt FROM t MATCH_RECOGNIZE (
  PARTITION BY k
  ORDER BY ts, n DESC
  MEASURES A.id AS a, SUM(B.x * 2) AS s, unread AS u, MATCH_ROWTIME() AS rt
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO LAST B
  PATTERN (A (B{2,3} C)) WITHIN INTERVAL '1' HOUR
  DEFINE A AS n = 1, B AS B.n > LAST(B.n, 1), C AS AVG(B.x) < C.x
) AS m;
