-- A missing `;` is one error: what follows is read all the same.
CREATE TABLE t (n INT) WITH ('connector' = 'x')
CREATE TABLE o (n INT, m INT) WITH ('connector' = 'x');
SET 'parallelism.default' = '2'
INSERT INTO o SELECT n, n FROM t;
INSERT INTO o SELECT n FROM t;
