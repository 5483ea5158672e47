//! STATE_TTL hints that name no table or no duration.

use super::check;

const TABLES: &str = "
CREATE TABLE orders (id BIGINT) WITH ('connector' = 'x');
CREATE TABLE b (id BIGINT) WITH ('connector' = 'x');
CREATE TABLE n (id BIGINT) WITH ('connector' = 'x');
";

#[test]
fn hints_that_name_no_table_or_no_time() {
    let hinted = |hint: &str| -> &'static str {
        format!("{TABLES}INSERT INTO n SELECT /*+ {hint} */ x.id FROM orders AS x JOIN b ON x.id = b.id")
            .leak()
    };
    check(&[
        (
            hinted("STATE_TTL(«'orders'» = '1 d')"),
            "`orders`, which is not a table in this FROM",
            "the table's alias",
        ),
        (hinted("STATE_TTL(«'bb'» = '1 d')"), "`bb`, which is not a table", "did you mean `b`"),
        (hinted("STATE_TTL('x' = «'soon'»)"), "'soon' is not a duration", "'5 s'"),
        (hinted("STATE_TTL(«x»)"), "how long `x` is kept", "STATE_TTL('x' = '1 d')"),
    ]);
}
