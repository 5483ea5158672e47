-- Days and hours of a zone without summer time, over instants: midnight there is 17:00 UTC.

SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh';

CREATE TABLE t (k STRING, seen TIMESTAMP_LTZ(3), WATERMARK FOR seen AS seen)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601');

CREATE TABLE counts (name STRING, k STRING, n BIGINT, h BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), label STRING)
  WITH ('connector' = 'redis', 'key' = '{name}:{k}:{window_end}', 'ttl' = '60');

INSERT INTO counts SELECT 'day', k, COUNT(*), MAX(HOUR(seen)), window_start, window_end, DATE_FORMAT(window_start, 'yyyy-MM-dd')
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(seen), INTERVAL '1' DAY)) GROUP BY window_start, window_end, k;
INSERT INTO counts SELECT 'hour', k, COUNT(*), HOUR(window_start), window_start, window_end, DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss')
  FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(seen), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, k;
