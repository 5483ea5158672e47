-- STATE_TTL says how long each side of a join, and each group, is kept; the setting says it of the rest.
SET 'table.exec.state.ttl' = '1 h';
CREATE TABLE orders (id BIGINT, customer BIGINT) WITH ('connector' = 'kafka', 'topic' = 'orders');
CREATE TABLE customers (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'customers');
CREATE TABLE cities (name STRING, zone STRING) WITH ('connector' = 'kafka', 'topic' = 'cities');
CREATE TABLE named (id BIGINT, name STRING, zone STRING) WITH ('connector' = 'blackhole');
CREATE TABLE counts (customer BIGINT, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO named
SELECT /*+ STATE_TTL('o' = '1 d', 'customers' = '0 s'), STATE_TTL('o' = '9 d', 'c' = '2 d', 'c' = '3 d') */ o.id, customers.name, c.zone
FROM orders AS o
JOIN customers ON o.customer = customers.id
JOIN cities AS c ON c.name = customers.name;
INSERT INTO counts SELECT /*+ STATE_TTL('orders' = '10 min') */ customer, COUNT(*) FROM orders GROUP BY customer;
INSERT INTO counts SELECT /*+ STATE_TTL('d' = '10 s') */ customer, COUNT(*) FROM (
  SELECT DISTINCT id, customer FROM orders
) AS d GROUP BY customer;
INSERT INTO counts SELECT /*+ STATE_TTL('o' = '20 min') */ DISTINCT o.id, o.customer FROM orders AS o;
