CREATE TABLE students (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH (
  'connector' = 'kafka', 'topic' = 'students', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'debezium-json'
);
CREATE TABLE tops (
  student STRING,
  credits INT,
  place BIGINT
) WITH ('connector' = 'print');
CREATE TABLE some_of (
  student STRING,
  name STRING
) WITH ('connector' = 'print');
INSERT INTO tops
SELECT student, credits, place FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY credits DESC, student) AS place FROM students) WHERE place <= 2;
INSERT INTO some_of
SELECT student, name FROM students WHERE credits >= 3 AND name IS NOT NULL;
