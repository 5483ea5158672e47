CREATE TABLE students (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH (
  'connector' = 'kafka', 'topic' = 'students', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'debezium-json'
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
CREATE TABLE lessons (
  n INT
) WITH ('connector' = 'print');
CREATE TABLE inside (
  student STRING
) WITH ('connector' = 'print');
INSERT INTO lessons
SELECT credits FROM students INTERSECT SELECT rating FROM answers;
INSERT INTO inside
SELECT student FROM students WHERE credits NOT IN (SELECT rating FROM answers WHERE rating IS NOT NULL);
