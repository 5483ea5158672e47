-- Windows whose results late rows correct, read by an operator: a correction replaces the row of its group.

SET 'weir.allowed-lateness' = '10 min';

CREATE TABLE q (k STRING, v INT, seen TIMESTAMP_LTZ(3), WATERMARK FOR seen AS seen - INTERVAL '1' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

CREATE TABLE best (n BIGINT, times BIGINT) WITH ('connector' = 'print');

INSERT INTO best
SELECT n, COUNT(*) AS times
FROM (
  SELECT k, COUNT(*) AS n
  FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(seen), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end, k
  HAVING SUM(v) > 5
)
GROUP BY n;
