-- Each form of a JSON value read as ROW<k INT>.

CREATE TABLE t (n INT, v ROW<k INT>, last STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
CREATE TABLE o (n INT, v INT, last STRING) WITH ('connector' = 'redis', 'key' = '{n}', 'ttl' = '60');
INSERT INTO o SELECT n, v.k, last FROM t;
