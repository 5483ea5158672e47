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
  window_end TIMESTAMP(3),
  department STRING,
  is_student BOOLEAN,
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_end, department, is_student, COUNT(*)
FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '20' SECOND))
GROUP BY window_start, window_end, ROLLUP (department, is_student);
