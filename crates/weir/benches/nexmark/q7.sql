-- The highest bids of each ten seconds.
CREATE TABLE taken (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra STRING)
WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT b.auction, b.bidder, b.price, b.`dateTime`, b.extra FROM bid AS b JOIN (
  SELECT MAX(price) AS most, window_end AS ended
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
) AS top ON b.price = top.most AND b.`dateTime` BETWEEN top.ended - INTERVAL '10' SECOND AND top.ended;
