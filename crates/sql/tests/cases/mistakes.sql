-- How findings are drawn, and that one mistake does not hide the next.
CREATE TABLE queries (
  id STRING,
  `user` ROW<kind STRING>,
  event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH ('connector' = 'file');
CREATE TABLE counts (kind STRING, n BIGINT) WITH ('connector' = 'file');

INSERT INTO counts SELECT `user`.knd, COUNT(*) FROM TABLE(
  TUMBLE(TABLE queries, DESCRIPTOR(event_tme), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, `user`.knd;

INSERT INTO counts
SELECT `user`.kind, 'học sinh' || COUNT(*)
FROM TABLE(TUMBLE(TABLE queries, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO cuonts SELECT id, 1 FROM queries;

CREATE TABLE broken (a INT b INT) WITH ('connector' = 'file');
INSERT INTO broken SELECT id FROM queries;
