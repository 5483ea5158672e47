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
CREATE TABLE some_of (
  id BIGINT,
  score INT
) WITH ('connector' = 'print');
CREATE TABLE all_of (
  id BIGINT,
  score INT
) WITH ('connector' = 'print');
INSERT INTO some_of
SELECT id, score FROM questions WHERE score > ANY (SELECT rating FROM answers);
INSERT INTO all_of
SELECT id, score FROM questions WHERE score >= ALL (SELECT rating FROM answers WHERE rating IS NOT NULL);
