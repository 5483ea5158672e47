-- The statements of a script: settings, tables with computed columns, views on views, several sinks, and names that
-- stand in back-quotes. `${NAME:default}` is filled before the script is read.

SET 'table.local-time-zone' = '${ZONE_THAT_NOBODY_SETS:Asia/Ho_Chi_Minh}';
SET 'parallelism.default' = '1'; /* a comment
of two lines */

CREATE TABLE events (
  id INT NOT NULL,                 -- NOT NULL is taken as a promise
  `user` ROW<name STRING, `year` INT, address ROW<city STRING>>,
  price DECIMAL(10, 2),
  amount INT,
  seen TIMESTAMP_LTZ(3),
  total AS price * amount,         -- computed
  `day` AS CAST(seen AS DATE),
  WATERMARK FOR seen AS seen - INTERVAL '1' SECOND,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'kafka', 'topic' = 't', 'format' = 'json',
  'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE VIEW known AS SELECT id, `user`.name AS name, `user`.address.city AS city, total, `day`, seen FROM events WHERE id <> 3;
CREATE VIEW dear (id, buyer, total) AS SELECT id, name, total FROM known WHERE total > 10;

CREATE TABLE rows_out (id INT, name STRING, city STRING, total DECIMAL(20, 2), `day` DATE, seen TIMESTAMP_LTZ(3))
  WITH ('connector' = 'redis', 'key' = 'row:{id}', 'ttl' = '60');
CREATE TABLE dear_out (id INT, buyer STRING, total DECIMAL(20, 2)) WITH ('connector' = 'redis', 'key' = 'dear:{id}', 'ttl' = '60');
CREATE TABLE nowhere (id INT) WITH ('connector' = 'blackhole');

INSERT INTO rows_out SELECT id, name, city, total, `day`, seen FROM known;
INSERT INTO dear_out (total, id, buyer) SELECT total, id, buyer FROM dear;
INSERT INTO nowhere SELECT id FROM events;
