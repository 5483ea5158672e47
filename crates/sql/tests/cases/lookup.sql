SET 'table.exec.async-lookup.timeout' = '5 min';

CREATE TABLE orders (
  id BIGINT,
  customer INT,
  code STRING,
  total DECIMAL(10, 2),
  proctime AS PROCTIME()
) WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json');

CREATE TABLE changes (
  id BIGINT,
  customer INT,
  proctime AS PROCTIME()
) WITH ('connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'debezium-json');

CREATE TABLE customers (
  id BIGINT,
  name STRING,
  kind STRING,
  least DECIMAL(10, 2),
  notes STRING,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'redis',
  'key' = 'customer:{id}',
  'lookup.cache' = 'PARTIAL',
  'lookup.partial-cache.expire-after-write' = '10 min'
);

CREATE TABLE codes (code STRING, meaning STRING)
WITH ('connector' = 'filesystem', 'path' = '/data/codes', 'format' = 'json');

CREATE TABLE named (id BIGINT, name STRING, kind STRING) WITH ('connector' = 'print');
CREATE TABLE coded (id BIGINT, meaning STRING) WITH ('connector' = 'print');

-- A key of the left row and a literal; what is left is judged afterwards.
INSERT INTO named
SELECT o.id, c.name, c.kind
FROM orders AS o
LEFT JOIN customers FOR SYSTEM_TIME AS OF o.proctime AS c
  ON o.customer = c.id AND c.kind = 'b' AND o.total > c.least AND o.id <> 7;

-- A key that is computed, and a hint.
INSERT INTO coded
SELECT /*+ LOOKUP('table' = 'c', 'async' = 'true', 'output-mode' = 'allow_unordered', 'capacity' = '500', 'timeout' = '30 s',
  'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '2 s', 'max-attempts' = '3') */
  o.id, c.meaning
FROM orders AS o
JOIN codes FOR SYSTEM_TIME AS OF o.proctime AS c ON UPPER(o.code) = c.code;

-- Rows that are updated: what each was joined with is kept.
INSERT INTO named
SELECT o.id, c.name, c.kind
FROM changes AS o
JOIN customers FOR SYSTEM_TIME AS OF o.proctime AS c ON o.customer = c.id;
