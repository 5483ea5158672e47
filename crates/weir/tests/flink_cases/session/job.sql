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
  department STRING,
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  n BIGINT,
  total INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, window_start, window_end, COUNT(*), SUM(score)
FROM TABLE(SESSION(TABLE questions PARTITION BY department, DESCRIPTOR(asked), INTERVAL '3' SECOND))
GROUP BY department, window_start, window_end;
