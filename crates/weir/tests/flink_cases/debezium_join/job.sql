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
CREATE TABLE inners (
  student STRING,
  rating INT,
  question_id BIGINT
) WITH ('connector' = 'print');
CREATE TABLE lefts (
  student STRING,
  rating INT
) WITH ('connector' = 'print');
INSERT INTO inners
SELECT s.student, a.rating, a.question_id FROM students s JOIN answers a ON s.credits = a.rating * 3;
INSERT INTO lefts
SELECT s.student, a.rating FROM students s LEFT JOIN answers a ON s.credits = a.rating * 3 AND a.department = 'Toán';
