-- Values that fit their columns pass the checks of the sink.
SET 'table.exec.sink.type-length-enforcer' = 'ERROR';

CREATE TABLE t (n INT, a INT, s VARCHAR(3), c CHAR(3), b BINARY(2))
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE rows_out (n INT, a INT NOT NULL, s VARCHAR(3), c CHAR(3), b BINARY(2))
  WITH ('connector' = 'redis', 'key' = 'row:{n}', 'ttl' = '60');

INSERT INTO rows_out SELECT n, a, s, c, b FROM t;
