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
  n BIGINT,
  place BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, n, place FROM (
  SELECT department, n, ROW_NUMBER() OVER (ORDER BY n DESC, department) AS place
  FROM (SELECT department, COUNT(*) AS n FROM questions GROUP BY department)
) WHERE place <= 3;
