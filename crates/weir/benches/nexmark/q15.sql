-- Bids, bidders and auctions of a day, by ranks of prices.
CREATE TABLE taken (`day` STRING, bids BIGINT, low BIGINT, middle BIGINT, high BIGINT, bidders BIGINT, low_bidders BIGINT,
  middle_bidders BIGINT, high_bidders BIGINT, auctions BIGINT, low_auctions BIGINT, middle_auctions BIGINT, high_auctions BIGINT)
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), COUNT(*),
  COUNT(*) FILTER (WHERE price < 10000), COUNT(*) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(*) FILTER (WHERE price >= 1000000),
  COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE price < 10000),
  COUNT(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(DISTINCT bidder) FILTER (WHERE price >= 1000000),
  COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (WHERE price < 10000),
  COUNT(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000), COUNT(DISTINCT auction) FILTER (WHERE price >= 1000000)
FROM bid GROUP BY DATE_FORMAT(`dateTime`, 'yyyy-MM-dd');
