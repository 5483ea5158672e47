CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  asked TIMESTAMP(3),
  WATERMARK FOR asked AS asked
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  window_start TIMESTAMP(3),
  op STRING,
  n BIGINT,
  last_asked TIMESTAMP(3)
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_start, op, COUNT(*), MAX(asked)
FROM TABLE(TUMBLE(
  (SELECT * FROM TO_CHANGELOG(input => TABLE questions, on_time => DESCRIPTOR(asked))),
  DESCRIPTOR(rowtime), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, op;
