-- Each subquery used as a value is joined once, in the clause that reads it.
CREATE TABLE t (k INT, n INT, s STRING) WITH ('connector' = 'kafka');
CREATE TABLE u (n INT, p INT) WITH ('connector' = 'kafka');
CREATE TABLE o (a BOOLEAN, b INT) WITH ('connector' = 'print');

INSERT INTO o
SELECT ((SELECT MIN(n) FROM u), k) IN (SELECT n, p FROM u WHERE n > 0), (SELECT MAX(p) FROM u)
FROM t
WHERE n > (SELECT MAX(n) FROM u);
