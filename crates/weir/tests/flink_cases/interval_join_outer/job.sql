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
CREATE TABLE lefts (
  id BIGINT,
  rating INT
) WITH ('connector' = 'print');
CREATE TABLE fulls (
  id BIGINT,
  question_id BIGINT,
  rating INT
) WITH ('connector' = 'print');
INSERT INTO lefts
SELECT q.id, a.rating FROM questions q LEFT JOIN answers a ON q.id = a.question_id
AND a.answered BETWEEN q.asked - INTERVAL '10' SECOND AND q.asked + INTERVAL '10' SECOND;
INSERT INTO fulls
SELECT q.id, a.question_id, a.rating FROM questions q FULL JOIN answers a ON q.id = a.question_id
AND a.answered >= q.asked AND a.answered < q.asked + INTERVAL '20' SECOND;
