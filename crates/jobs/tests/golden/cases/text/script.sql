-- Functions of text: Vietnamese, empty, null, blanks, characters beyond the first plane.

CREATE TABLE t (n INT, s STRING, u STRING, i INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'LOWER(s)', LOWER(s) FROM t;
INSERT INTO answers SELECT n, 'UPPER(s)', UPPER(s) FROM t;
INSERT INTO answers SELECT n, 'INITCAP(s)', INITCAP(s) FROM t;
INSERT INTO answers SELECT n, 'TRIM(s)', TRIM(s) FROM t;
INSERT INTO answers SELECT n, 'TRIM(BOTH ''a'' FROM s)', TRIM(BOTH 'a' FROM s) FROM t;
INSERT INTO answers SELECT n, 'TRIM(LEADING '' '' FROM s)', TRIM(LEADING ' ' FROM s) FROM t;
INSERT INTO answers SELECT n, 'TRIM(TRAILING ''?'' FROM s)', TRIM(TRAILING '?' FROM s) FROM t;
INSERT INTO answers SELECT n, 'LTRIM(s)', LTRIM(s) FROM t;
INSERT INTO answers SELECT n, 'RTRIM(s)', RTRIM(s) FROM t;
INSERT INTO answers SELECT n, 'BTRIM(s, '' Đe'')', BTRIM(s, ' Đe') FROM t;
INSERT INTO answers SELECT n, 'SUBSTRING(s, 2)', SUBSTRING(s, 2) FROM t;
INSERT INTO answers SELECT n, 'SUBSTRING(s, i, 3)', SUBSTRING(s, i, 3) FROM t;
INSERT INTO answers SELECT n, 'SUBSTRING(s FROM 2 FOR 3)', SUBSTRING(s FROM 2 FOR 3) FROM t;
INSERT INTO answers SELECT n, 'LEFT(s, i)', LEFT(s, i) FROM t;
INSERT INTO answers SELECT n, 'RIGHT(s, i)', RIGHT(s, i) FROM t;
INSERT INTO answers SELECT n, 'REVERSE(s)', REVERSE(s) FROM t;
INSERT INTO answers SELECT n, 'CONCAT(s, ''-'', u)', CONCAT(s, '-', u) FROM t;
INSERT INTO answers SELECT n, 's || ''|'' || u', s || '|' || u FROM t;
INSERT INTO answers SELECT n, 'CONCAT_WS(''-'', s, u, ''z'')', CONCAT_WS('-', s, u, 'z') FROM t;
INSERT INTO answers SELECT n, 'LPAD(s, 8, ''*'')', LPAD(s, 8, '*') FROM t;
INSERT INTO answers SELECT n, 'RPAD(s, 8, ''xy'')', RPAD(s, 8, 'xy') FROM t;
INSERT INTO answers SELECT n, 'LPAD(s, i, '''')', LPAD(s, i, '') FROM t;
INSERT INTO answers SELECT n, 'REPEAT(u, i)', REPEAT(u, i) FROM t;
INSERT INTO answers SELECT n, 'REPLACE(s, ''h'', ''H'')', REPLACE(s, 'h', 'H') FROM t;
INSERT INTO answers SELECT n, 'OVERLAY(s PLACING ''XY'' FROM 2)', OVERLAY(s PLACING 'XY' FROM 2) FROM t;
INSERT INTO answers SELECT n, 'OVERLAY(s PLACING ''XY'' FROM 2 FOR 4)', OVERLAY(s PLACING 'XY' FROM 2 FOR 4) FROM t;
INSERT INTO answers SELECT n, 'SPLIT_INDEX(s, '' '', i)', SPLIT_INDEX(s, ' ', i) FROM t;
INSERT INTO answers SELECT n, 'SPLIT_INDEX(s, '' '', 1)', SPLIT_INDEX(s, ' ', 1) FROM t;
INSERT INTO answers SELECT n, 'CHAR_LENGTH(s)', CAST(CHAR_LENGTH(s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CHARACTER_LENGTH(u)', CAST(CHARACTER_LENGTH(u) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'POSITION(u IN s)', CAST(POSITION(u IN s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOCATE(u, s)', CAST(LOCATE(u, s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOCATE(''h'', s, 5)', CAST(LOCATE('h', s, 5) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'INSTR(s, ''h'')', CAST(INSTR(s, 'h') AS STRING) FROM t;
INSERT INTO answers SELECT n, 'STARTSWITH(s, u)', CAST(STARTSWITH(s, u) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ENDSWITH(s, u)', CAST(ENDSWITH(s, u) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ASCII(s)', CAST(ASCII(s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'IS_ALPHA(u)', CAST(IS_ALPHA(u) AS STRING) FROM t;
INSERT INTO answers SELECT n, 's = ''Học phí kỳ này?''', CAST(s = 'Học phí kỳ này?' AS STRING) FROM t;
INSERT INTO answers SELECT n, 's < u', CAST(s < u AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CAST(s AS CHAR(3)) = ''Học''', CAST(CAST(s AS CHAR(3)) = 'Học' AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CAST(s AS VARCHAR(4))', CAST(s AS VARCHAR(4)) FROM t;
INSERT INTO answers SELECT n, 'CAST(u AS CHAR(4))', CAST(u AS CHAR(4)) FROM t;
END;
