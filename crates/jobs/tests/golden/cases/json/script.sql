-- Records as flink-json reads them with json.ignore-parse-errors: each form of a value for each type. What would be no
-- row is a dead letter with its reason.

CREATE TABLE t (
  n INT, v STRING, last STRING, wrong AS CAST(NULL AS INT)
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE text_out (n INT, v STRING, last STRING) WITH ('connector' = 'redis', 'key' = '{n}', 'ttl' = '60');
INSERT INTO text_out SELECT n, v, last FROM t;
