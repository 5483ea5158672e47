-- There is one database, by Flink's name for that which needs no declaration.

CREATE TABLE t (n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

INSERT INTO answers SELECT n, 'CURRENT_DATABASE()', CURRENT_DATABASE() FROM t;
