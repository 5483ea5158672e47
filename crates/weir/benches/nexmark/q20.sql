-- Bids with their auctions of category 10.
CREATE TABLE taken (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, bid_at TIMESTAMP(3), itemName STRING,
  description STRING, initialBid BIGINT, reserve BIGINT, opened TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT)
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.`dateTime`, a.itemName, a.description, a.initialBid, a.reserve,
  a.`dateTime`, a.expires, a.seller, a.category
FROM bid AS b JOIN auction AS a ON b.auction = a.id WHERE a.category = 10;
