CREATE TABLE students (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH (
  'connector' = 'kafka', 'topic' = 'students', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'canal-json'
);
CREATE TABLE res (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH ('connector' = 'print');
INSERT INTO res
SELECT student, name, credits FROM students;
