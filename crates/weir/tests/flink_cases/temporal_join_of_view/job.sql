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
CREATE TABLE answers (
  question_id BIGINT,
  department STRING,
  rating INT,
  answered TIMESTAMP(3),
  WATERMARK FOR answered AS answered - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'answers', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  id BIGINT,
  rating INT
) WITH ('connector' = 'print');
CREATE TEMPORARY VIEW latest AS
SELECT department, rating, answered FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY department ORDER BY answered DESC) AS n FROM answers WHERE department IS NOT NULL
) WHERE n = 1;
INSERT INTO res
SELECT q.id, l.rating FROM questions q JOIN latest FOR SYSTEM_TIME AS OF q.asked AS l ON q.department = l.department;
