//! Queries: set operations, parentheses, WITH, VALUES, ORDER BY and LIMIT.

use super::{query, reads, refuses};

#[test]
fn set_operators_bind_as_in_the_standard() {
    reads(&[
        ("SELECT 1 UNION SELECT 2 UNION ALL SELECT 3", "((select[1] union select[2]) union all select[3])"),
        ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3", "(select[1] union (select[2] intersect select[3]))"),
        (
            "SELECT 1 INTERSECT ALL SELECT 2 EXCEPT SELECT 3",
            "((select[1] intersect all select[2]) except select[3])",
        ),
        ("SELECT 1 EXCEPT DISTINCT SELECT 2", "(select[1] except select[2])"),
        ("(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3", "((select[1] union select[2]) intersect select[3])"),
        ("SELECT 1 EXCEPT (SELECT 2 EXCEPT SELECT 3)", "(select[1] except (select[2] except select[3]))"),
        ("VALUES (1) UNION ALL VALUES (2)", "(values[1] union all values[2])"),
        ("SELECT a FROM t UNION ALL TABLE u", "(select[a] from t union all select[*] from u)"),
    ]);
}

#[test]
fn clauses_behind_a_query_belong_to_all_of_it() {
    reads(&[
        ("SELECT a FROM t ORDER BY a DESC, b NULLS LAST", "select[a] from t order[a desc, b nulls last]"),
        ("SELECT a FROM t ORDER BY a ASC NULLS FIRST", "select[a] from t order[a nulls first]"),
        (
            "SELECT 1 UNION ALL SELECT 2 ORDER BY 1 LIMIT 3",
            "(select[1] union all select[2]) order[1] limit 3",
        ),
        ("SELECT 1 UNION ALL (SELECT 2 LIMIT 3)", "(select[1] union all select[2] limit 3)"),
        ("(SELECT 1 LIMIT 3) UNION ALL SELECT 2", "(select[1] limit 3 union all select[2])"),
        ("(SELECT 1) ORDER BY 1", "select[1] order[1]"),
        ("(SELECT 1 LIMIT 5) ORDER BY 1 LIMIT 3", "nested(select[1] limit 5) order[1] limit 3"),
        ("((SELECT 1))", "select[1]"),
        ("SELECT 1 LIMIT ALL", "select[1]"),
        ("SELECT 1 LIMIT 2 OFFSET 3", "select[1] limit 2 offset 3"),
        ("SELECT 1 OFFSET 3 ROWS FETCH NEXT 2 ROWS ONLY", "select[1] limit 2 offset 3"),
        ("SELECT 1 FETCH FIRST ROW ONLY", "select[1] limit 1"),
        ("SELECT a FROM t OFFSET 1 ROW", "select[a] from t offset 1"),
    ]);
}

#[test]
fn with_names_queries() {
    reads(&[
        (
            "WITH x AS (SELECT 1), y (a, b) AS (VALUES (1, 2)) SELECT * FROM x, y",
            "with x = (select[1]) with y(a, b) = (values[1, 2]) select[*] from (x cross y)",
        ),
        (
            "WITH x AS (SELECT 1) SELECT 2 UNION SELECT 3 ORDER BY 1",
            "with x = (select[1]) (select[2] union select[3]) order[1]",
        ),
        (
            "WITH x AS (SELECT 1) (WITH y AS (SELECT 2) SELECT 3)",
            "with x = (select[1]) nested(with y = (select[2]) select[3])",
        ),
        (
            "SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x)",
            "select[*] from (with x = (select[1]) select[*] from x)",
        ),
    ]);
}

#[test]
fn a_select_has_its_clauses() {
    reads(&[
        ("SELECT DISTINCT a, t.* FROM t", "select distinct[a, t.*] from t"),
        ("SELECT ALL a b FROM t", "select[a as b] from t"),
        (
            "SELECT a FROM t WHERE b GROUP BY c HAVING d WINDOW w AS (ORDER BY e) QUALIFY f",
            "select[a] from t where b having d qualify f group[c] window w = (order[e])",
        ),
        ("VALUES 1, 2", "values[1, 2]"),
        ("VALUES (1, 'a'), ROW(2, 'b')", "values[1, 'a', 2, 'b']"),
    ]);
}

#[test]
fn places_cover_what_they_stand_for() {
    let text = "SELECT 1 UNION ALL SELECT 2 ORDER BY 1 LIMIT 3 OFFSET 4";
    let whole = query(text);
    let place = |of: crate::error::Span| &text[of.start..of.end];
    assert_eq!(place(whole.span), text);
    assert_eq!(place(whole.limit.unwrap().span), "LIMIT 3");
    assert_eq!(place(whole.offset.unwrap().span), "OFFSET 4");
}

#[test]
fn what_is_no_query_is_told_at_its_place() {
    refuses(&[
        ("SELECT a FROM t «MINUS» SELECT a FROM u", "MINUS is not supported", "EXCEPT"),
        (
            "SELECT a FROM t «ORDER BY a» UNION SELECT b FROM u",
            "must be behind the last query",
            "in parentheses",
        ),
        ("SELECT a FROM t UNION «»", "expected `SELECT`, found the end", ""),
        ("SELECT a FROM t UNION ALL «b»", "expected `SELECT`, found `b`", ""),
        ("(SELECT a FROM t«;»", "expected `)`, found `;`", ""),
        ("WITH «RECURSIVE» x AS (SELECT 1) SELECT * FROM x", "WITH RECURSIVE is not supported", ""),
        ("WITH x «SELECT» 1", "expected `AS`", ""),
        ("SELECT a FROM t LIMIT «b»", "expected a number of rows", ""),
        ("SELECT a FROM t FETCH «3» ROWS ONLY", "expected `FIRST` or `NEXT`", ""),
        ("SELECT a FROM t ORDER BY a NULLS «b»", "expected `FIRST` or `LAST`", ""),
        ("SELECT a FROM t ORDER BY «»", "expected an expression", ""),
        ("SELECT a «WHERE» b", "expected `,` or `FROM`", ""),
        ("SELECT a «FORM» t", "expected `,` or `FROM`", "did you mean `FROM`"),
        ("SELECT a FROM t WHERE b «c»", "expected `;`, found `c`", ""),
        ("SELECT DISTINCT «FROM» t", "expected an expression", ""),
    ]);
}
