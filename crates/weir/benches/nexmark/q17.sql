-- Figures of each auction and day.
CREATE TABLE taken (auction BIGINT, `day` STRING, bids BIGINT, low BIGINT, middle BIGINT, high BIGINT, least BIGINT, most BIGINT,
  mean BIGINT, total BIGINT)
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT auction, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), COUNT(*), COUNT(*) FILTER (WHERE price < 10000),
  COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000),
  MIN(price), MAX(price), AVG(price), SUM(price)
FROM bid GROUP BY auction, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
