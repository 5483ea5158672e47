-- The same for each channel, and when its last bid came.
CREATE TABLE taken (channel STRING, `day` STRING, `minute` STRING, bids BIGINT, low BIGINT, middle BIGINT, high BIGINT, bidders BIGINT,
  low_bidders BIGINT, high_bidders BIGINT, auctions BIGINT, low_auctions BIGINT, high_auctions BIGINT)
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT channel, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), MAX(DATE_FORMAT(`dateTime`, 'HH:mm')), COUNT(*),
  COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000),
  COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE price < 10000), COUNT(DISTINCT bidder) FILTER (WHERE price >= 1000000),
  COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (WHERE price < 10000), COUNT(DISTINCT auction) FILTER (WHERE price >= 1000000)
FROM bid GROUP BY channel, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
