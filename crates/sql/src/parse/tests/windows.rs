//! `OVER`, its frames, and named windows.

use super::{reads, reads_exprs, refuses};

#[test]
fn over_has_partitions_order_and_frame() {
    reads_exprs(&[
        (
            "ROW_NUMBER() OVER (PARTITION BY a, b ORDER BY c DESC)",
            "ROW_NUMBER() over(partition[a, b] order[c desc])",
        ),
        ("SUM(a) OVER ()", "SUM(a) over()"),
        ("SUM(a) OVER w", "SUM(a) over(w)"),
        ("SUM(a) OVER (w ORDER BY b)", "SUM(a) over(w order[b])"),
        ("SUM(a) OVER (ORDER BY b ROWS 2 PRECEDING)", "SUM(a) over(order[b] rows -2 to 0)"),
        (
            "SUM(a) OVER (ORDER BY b ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) + 1",
            "(SUM(a) over(order[b] rows -2 to 0) + 1)",
        ),
        (
            "SUM(a) OVER (ORDER BY b RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW)",
            "SUM(a) over(order[b] range -5000 to 0)",
        ),
        ("SUM(a) OVER (ORDER BY b RANGE UNBOUNDED PRECEDING)", "SUM(a) over(order[b] range -inf to 0)"),
        (
            "SUM(a) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
            "SUM(a) over(rows -inf to +inf)",
        ),
        ("SUM(a) OVER (ROWS BETWEEN 1 + 1 PRECEDING AND 3 FOLLOWING)", "SUM(a) over(rows -(1 + 1) to +3)"),
        ("LAG(a, 1, 'x') IGNORE NULLS OVER w", "LAG(a, 1, 'x') ignore nulls over(w)"),
        ("LAG(a) RESPECT NULLS OVER (ORDER BY b)", "LAG(a) respect nulls over(order[b])"),
    ]);
}

#[test]
fn windows_have_names() {
    reads(&[(
        "SELECT SUM(a) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY ts), v AS (w ROWS CURRENT ROW)",
        "select[SUM(a) over(w)] from t window w = (partition[k] order[ts]) window v = (w rows 0 to 0)",
    )]);
}

#[test]
fn rows_are_filtered_by_qualify() {
    reads(&[(
        "SELECT * FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY n) <= 2 LIMIT 1",
        "select[*] from t qualify (ROW_NUMBER() over(partition[k] order[n]) LessOrEqual 2) limit 1",
    )]);
}

#[test]
fn what_is_no_window_is_told_at_its_place() {
    refuses(&[
        ("SELECT SUM(a) OVER (ORDER BY b «2» PRECEDING)", "expected `,`, `ROWS`, `RANGE` or `)`", ""),
        ("SELECT SUM(a) OVER (PARTITION BY b «2»)", "expected `,`, `ORDER BY`", ""),
        ("SELECT SUM(a) OVER (w «2»)", "expected `PARTITION BY`, `ORDER BY`", ""),
        ("SELECT SUM(a) OVER (ROWS «)»", "expected an expression", ""),
        ("SELECT SUM(a) OVER (ROWS 2«)»", "expected `PRECEDING` or `FOLLOWING`", ""),
        ("SELECT SUM(a) OVER (ROWS BETWEEN 2 PRECEDING «,»", "expected `AND`", ""),
        ("SELECT SUM(a) OVER («GROUPS» 2 PRECEDING)", "GROUPS frames are not supported", "ROWS or RANGE"),
        ("SELECT SUM(a) OVER «1»", "expected a window's name or `(`", ""),
        ("SELECT a FROM t WINDOW w «(»ORDER BY a)", "expected `AS`", ""),
    ]);
}
