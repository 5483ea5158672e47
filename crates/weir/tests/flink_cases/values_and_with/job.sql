CREATE TABLE res (
  a INT,
  b STRING
) WITH ('connector' = 'print');
INSERT INTO res
WITH v AS (SELECT * FROM (VALUES (1, 'một'), (2, 'hai'), (2, 'hai'), (CAST(NULL AS INT), 'không')) AS t (a, b))
SELECT a, b FROM v WHERE a IS NULL OR a > 1;
