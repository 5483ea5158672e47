CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  cost DECIMAL(10, 2),
  ms DOUBLE,
  question STRING,
  is_student BOOLEAN,
  asked TIMESTAMP(3),
  WATERMARK FOR asked AS asked - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  windows BIGINT,
  n BIGINT,
  most BIGINT
) WITH ('connector' = 'print');
CREATE TEMPORARY VIEW small AS
SELECT department, window_time AS moment, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '5' SECOND))
GROUP BY department, window_start, window_end, window_time;
INSERT INTO res
SELECT window_start, window_end, COUNT(*), SUM(n), MAX(n) FROM TABLE(
  TUMBLE(TABLE small, DESCRIPTOR(moment), INTERVAL '20' SECOND))
GROUP BY window_start, window_end;
