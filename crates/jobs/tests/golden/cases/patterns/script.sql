-- LIKE, SIMILAR TO and regular expressions.

CREATE TABLE t (n INT, s STRING, p STRING)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 's LIKE ''a%''', CAST(s LIKE 'a%' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's LIKE p', CAST(s LIKE p AS STRING) FROM t;
INSERT INTO answers SELECT n, 's LIKE p ESCAPE ''!''', CAST(s LIKE p ESCAPE '!' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's NOT LIKE ''%b%''', CAST(s NOT LIKE '%b%' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's LIKE ''a\b''', CAST(s LIKE 'a\b' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's SIMILAR TO ''(a|f)[0-9a-z]*''', CAST(s SIMILAR TO '(a|f)[0-9a-z]*' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's NOT SIMILAR TO ''a%''', CAST(s NOT SIMILAR TO 'a%' AS STRING) FROM t;
INSERT INTO answers SELECT n, 'REGEXP(s, ''\d+'')', CAST(REGEXP(s, '\d+') AS STRING) FROM t;
INSERT INTO answers SELECT n, 'REGEXP(s, '''')', CAST(REGEXP(s, '') AS STRING) FROM t;
INSERT INTO answers SELECT n, 's LIKE ''''', CAST(s LIKE '' AS STRING) FROM t;
INSERT INTO answers SELECT n, 'REGEXP_REPLACE(s, ''\d+'', ''#'')', REGEXP_REPLACE(s, '\d+', '#') FROM t;
INSERT INTO answers SELECT n, 'REGEXP_REPLACE(s, ''(\d)'', ''<$1>'')', REGEXP_REPLACE(s, '(\d)', '<$1>') FROM t;
INSERT INTO answers SELECT n, 'REGEXP_EXTRACT(s, ''foo(.*?)(bar)'', 2)', REGEXP_EXTRACT(s, 'foo(.*?)(bar)', 2) FROM t;
INSERT INTO answers SELECT n, 'REGEXP_EXTRACT(s, ''\d+'')', REGEXP_EXTRACT(s, '\d+') FROM t;
INSERT INTO answers SELECT n, 'REGEXP_EXTRACT(s, ''b'', 5)', REGEXP_EXTRACT(s, 'b', 5) FROM t;
END;
