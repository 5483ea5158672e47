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
  total INT,
  mean DECIMAL(38, 6)
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, window_start, window_end, COUNT(*), SUM(score), AVG(cost)
FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '10' SECOND)) GROUP BY department, window_start, window_end;
