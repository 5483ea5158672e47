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
  total DECIMAL(38, 2),
  mean DECIMAL(38, 6),
  ms DOUBLE,
  ms_mean DOUBLE,
  spread DOUBLE
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, SUM(cost), AVG(cost), SUM(ms), AVG(ms), STDDEV_POP(ms) FROM questions GROUP BY department;
