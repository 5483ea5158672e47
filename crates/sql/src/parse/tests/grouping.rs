//! `GROUP BY` with grouping sets and group window functions.

use super::{reads, refuses};

#[test]
fn keys_stand_alone_and_in_sets() {
    let grouped = |keys: &str, shape: &str| -> (&'static str, &'static str) {
        let text = format!("SELECT a FROM t GROUP BY {keys} HAVING b");
        (text.leak(), format!("select[a] from t having b group[{shape}]").leak())
    };

    reads(&[
        grouped("a, b + 1", "a, (b + 1)"),
        grouped("()", "()"),
        grouped("(a, b), c", "(a, b), c"),
        grouped("(a + b) * 2", "((a + b) * 2)"),
        grouped("(a, b) = (1, 2)", "(row[a, b] Equal row[1, 2])"),
        grouped("ROLLUP (a, (b, c))", "rollup[(a), (b, c)]"),
        grouped("CUBE (a, b), c", "cube[(a), (b)], c"),
        grouped("GROUPING SETS ((a, b), a, ())", "sets[(a, b), a, ()]"),
        grouped(
            "GROUPING SETS (ROLLUP (a, b), GROUPING SETS (c, ()))",
            "sets[rollup[(a), (b)], sets[c, ()]]",
        ),
        grouped("TUMBLE(ts, INTERVAL '1' SECOND), k", "TUMBLE(ts, 1000), k"),
        grouped("HOP(ts, 1, 2), SESSION(ts, 3)", "HOP(ts, 1, 2), SESSION(ts, 3)"),
        grouped("ROW(a, b)", "row[a, b]"),
    ]);

    reads(&[(
        "SELECT TUMBLE_START(ts, 1), TUMBLE_ROWTIME(ts, 1), GROUPING(a), GROUPING_ID(a, b) FROM t",
        "select[TUMBLE_START(ts, 1), TUMBLE_ROWTIME(ts, 1), GROUPING(a), GROUPING_ID(a, b)] from t",
    )]);
}

#[test]
fn what_is_no_grouping_is_told_at_its_place() {
    refuses(&[
        ("SELECT a FROM t GROUP BY ROLLUP «a»", "expected `(`", ""),
        ("SELECT a FROM t GROUP BY CUBE («)»", "expected an expression", ""),
        ("SELECT a FROM t GROUP BY GROUPING SETS (a«;»", "expected `,` or `)`", ""),
        ("SELECT a FROM t GROUP BY «»", "expected an expression", ""),
        ("SELECT a FROM t GROUP BY (a, b«;»", "expected `,` or `)`", ""),
    ]);
}
