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
CREATE TABLE shared (
  department STRING
) WITH ('connector' = 'print');
CREATE TABLE rest (
  department STRING
) WITH ('connector' = 'print');
CREATE TABLE all_shared (
  n INT
) WITH ('connector' = 'print');
CREATE TABLE all_rest (
  n INT
) WITH ('connector' = 'print');
INSERT INTO shared
SELECT department FROM questions INTERSECT SELECT department FROM answers;
INSERT INTO rest
SELECT department FROM questions EXCEPT SELECT department FROM answers;
INSERT INTO all_shared
SELECT score FROM questions INTERSECT ALL SELECT rating FROM answers;
INSERT INTO all_rest
SELECT score FROM questions EXCEPT ALL SELECT rating FROM answers;
