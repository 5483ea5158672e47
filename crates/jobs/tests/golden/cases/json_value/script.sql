-- JSON_VALUE: paths, modes, and what happens where there is nothing.

CREATE TABLE t (n INT, j STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.a'')', JSON_VALUE(j, '$.a') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.b.c'')', JSON_VALUE(j, '$.b.c') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.b'')', JSON_VALUE(j, '$.b') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.l[1]'')', JSON_VALUE(j, '$.l[1]') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.t'')', JSON_VALUE(j, '$.t') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''$.z'')', JSON_VALUE(j, '$.z') FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''lax $.none'' DEFAULT ''empty'' ON EMPTY)', JSON_VALUE(j, 'lax $.none' DEFAULT 'empty' ON EMPTY) FROM t;
INSERT INTO answers SELECT n, 'JSON_VALUE(j, ''strict $.none'' DEFAULT ''error'' ON ERROR)', JSON_VALUE(j, 'strict $.none' DEFAULT 'error' ON ERROR) FROM t;
END;
