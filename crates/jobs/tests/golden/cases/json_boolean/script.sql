-- Each form of a JSON value read as BOOLEAN.

CREATE TABLE t (n INT, v BOOLEAN, last STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
CREATE TABLE o (n INT, v BOOLEAN, last STRING) WITH ('connector' = 'redis', 'key' = '{n}', 'ttl' = '60');
INSERT INTO o SELECT n, v, last FROM t;
