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
CREATE TABLE inners (
  id BIGINT,
  rating INT,
  window_end TIMESTAMP(3)
) WITH ('connector' = 'print');
CREATE TABLE fulls (
  id BIGINT,
  question_id BIGINT,
  rating INT
) WITH ('connector' = 'print');
INSERT INTO inners
SELECT q.id, a.rating, q.window_end FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '10' SECOND)) q
JOIN TABLE(TUMBLE(TABLE answers, DESCRIPTOR(answered), INTERVAL '10' SECOND)) a ON q.department = a.department AND q.window_start = a.window_start AND q.window_end = a.window_end;
INSERT INTO fulls
SELECT q.id, a.question_id, a.rating FROM (SELECT * FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '10' SECOND))) q
FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE answers, DESCRIPTOR(answered), INTERVAL '10' SECOND))) a
ON q.id = a.question_id AND q.window_start = a.window_start AND q.window_end = a.window_end;
