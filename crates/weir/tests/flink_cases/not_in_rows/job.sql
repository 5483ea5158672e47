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
CREATE TABLE by_rows (
  id BIGINT
) WITH ('connector' = 'print');
CREATE TABLE by_constant (
  id BIGINT
) WITH ('connector' = 'print');
INSERT INTO by_rows
SELECT id FROM questions WHERE (department, score) NOT IN (SELECT department, rating FROM answers WHERE question_id > 10);
INSERT INTO by_constant
SELECT id FROM questions WHERE 3 NOT IN (SELECT rating FROM answers WHERE answers.question_id = questions.id);
