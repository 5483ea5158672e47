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
CREATE TABLE rolled (
  department STRING,
  is_student BOOLEAN,
  n BIGINT
) WITH ('connector' = 'print');
CREATE TABLE cubed (
  department STRING,
  is_student BOOLEAN,
  g BIGINT,
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO rolled
SELECT department, is_student, COUNT(*) FROM questions GROUP BY ROLLUP (department, is_student);
INSERT INTO cubed
SELECT department, is_student, GROUPING(department), COUNT(DISTINCT score) FROM questions GROUP BY CUBE (department, is_student);
