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
CREATE TABLE less (
  id BIGINT,
  rating INT
) WITH ('connector' = 'print');
CREATE TABLE same (
  id BIGINT,
  department STRING,
  rating INT
) WITH ('connector' = 'print');
INSERT INTO less
SELECT q.id, a.rating FROM questions q LEFT JOIN answers a ON q.score > a.rating AND a.rating > 3;
INSERT INTO same
SELECT q.id, a.department, a.rating FROM questions q JOIN answers a ON q.department IS NOT DISTINCT FROM a.department AND q.score = 10;
