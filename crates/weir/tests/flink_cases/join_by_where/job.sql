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
CREATE TABLE plain (
  id BIGINT,
  rating INT
) WITH ('connector' = 'print');
CREATE TABLE timed (
  id BIGINT,
  rating INT,
  asked TIMESTAMP(3)
) WITH ('connector' = 'print');
CREATE TABLE three (
  id BIGINT,
  rating INT,
  other INT
) WITH ('connector' = 'print');
INSERT INTO plain
SELECT q.id, a.rating FROM questions q, answers a WHERE q.id = a.question_id AND a.rating > 1 AND q.score IS NOT NULL;
INSERT INTO timed
SELECT q.id, a.rating, q.asked FROM questions q, answers a
WHERE q.department = a.department AND a.answered BETWEEN q.asked AND q.asked + INTERVAL '5' SECOND AND q.is_student;
INSERT INTO three
SELECT q.id, a.rating, b.rating FROM questions q, answers a, answers b
WHERE q.id = a.question_id AND a.question_id = b.question_id AND a.rating < b.rating;
