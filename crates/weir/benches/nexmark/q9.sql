-- The winning bid of each auction.
CREATE TABLE taken (id BIGINT, itemName STRING, seller BIGINT, category BIGINT, bidder BIGINT, price BIGINT, bid_at TIMESTAMP(3))
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT id, itemName, seller, category, bidder, price, bid_at FROM (
  SELECT a.id, a.itemName, a.seller, a.category, b.bidder, b.price, b.`dateTime` AS bid_at,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.`dateTime` ASC) AS place
  FROM auction AS a, bid AS b
  WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
) WHERE place <= 1;
