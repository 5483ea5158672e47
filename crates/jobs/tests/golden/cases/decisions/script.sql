-- Answers where Flink's depend on the order of the rows or on an accident, and ours are chosen:
-- zeros of both signs are one group, as in Flink; a record with malformed JSON in a field that no
-- query reads is dropped whole, as in Flink; text with anything behind the number is no DECIMAL (Flink takes '12%' and
-- '12x', but not '1 2'); a sum of more than 38 digits is null, whatever came before and comes after (Flink begins anew
-- with the next value).
CREATE TABLE t (n INT, d DOUBLE, x DOUBLE, s STRING, big DECIMAL(38, 0), unread STRING, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE zeros (d DOUBLE, n BIGINT) WITH ('connector' = 'redis', 'key' = 'zero:{d}', 'ttl' = '60');
CREATE TABLE extremes (least DOUBLE, greatest DOUBLE, total DECIMAL(38, 0), average DECIMAL(38, 6), n BIGINT)
  WITH ('connector' = 'redis', 'key' = 'extremes', 'ttl' = '60');
CREATE TABLE texts (n INT, s STRING, m DECIMAL(10, 2), i INT, d DOUBLE)
  WITH ('connector' = 'redis', 'key' = 'text:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO zeros SELECT d, COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end, d;
INSERT INTO extremes SELECT MIN(x), MAX(x), SUM(big), AVG(big), COUNT(*)
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
INSERT INTO texts SELECT n, s, TRY_CAST(s AS DECIMAL(10, 2)), TRY_CAST(s AS INT), TRY_CAST(s AS DOUBLE) FROM t;
END;
