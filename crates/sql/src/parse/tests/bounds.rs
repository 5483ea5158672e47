//! Long and deep texts are parsed fast or refused with a message, and trees have at most 100 levels. Chains are
//! lists, whose items are counted.

use super::{query, script};
use crate::parse::ast::{FromKind, QueryBody};

/// Returns the message of the first finding about a text.
fn refusal(text: &str) -> String {
    let (_, diagnostics) = script(text);
    let first = diagnostics.first().unwrap_or_else(|| panic!("{} is taken", &text[..60]));
    first.message.clone()
}

const TOO_DEEP: &str = "this is nested more than 100 levels deep";

#[test]
fn chains_are_no_nesting() {
    for (first, next) in [
        ("SELECT * FROM t", " JOIN t ON TRUE"),
        ("SELECT * FROM t", " CROSS JOIN t"),
        ("SELECT * FROM t", ", t"),
        ("SELECT * FROM t", ", t RIGHT JOIN t ON TRUE"),
        ("SELECT * FROM t, t", " RIGHT JOIN t ON TRUE"),
        ("SELECT 1", " UNION ALL SELECT 1"),
        ("SELECT 1", " INTERSECT SELECT 1"),
        ("SELECT 1", " EXCEPT (SELECT 1) UNION SELECT 1 INTERSECT SELECT 1"),
        ("SELECT a", " + a"),
        ("SELECT a", " - a * a"),
        ("SELECT a", " || 'x'"),
        ("SELECT a", " AND b OR a"),
    ] {
        let chain = query(&format!("{first}{}", next.repeat(4_000)));
        assert!(chain.depth < 10, "{next}: {} levels", chain.depth);
    }
}

#[test]
fn chains_have_a_length_that_is_told() {
    for (first, next, items) in [
        ("SELECT * FROM t", " JOIN t ON TRUE", "tables"),
        ("SELECT * FROM t", ", t", "tables"),
        ("SELECT 1", " UNION ALL SELECT 1", "queries in a set operation"),
        ("SELECT a", " + a", "terms"),
        ("SELECT a", " AND a", "conditions"),
    ] {
        let refused = refusal(&format!("{first}{}", next.repeat(10_000)));
        assert_eq!(refused, format!("these are more than 10000 {items}"));
        query(&format!("{first}{}", next.repeat(9_999)));
    }
}

#[test]
fn a_chain_is_a_flat_list() {
    let joins = query(&format!("SELECT * FROM t{}", " JOIN t ON TRUE".repeat(90)));
    let QueryBody::Select(select) = joins.body else { panic!("this is a SELECT") };
    let FromKind::Joined(joined) = select.from.unwrap().kind else { panic!("these are joins") };
    assert_eq!(joined.joins.len(), 90);

    let unions = query(&format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(90)));
    let QueryBody::SetOperations(operations) = unions.body else { panic!("these are unions") };
    assert_eq!(operations.rest.len(), 90);
}

#[test]
fn levels_add_up_through_queries_and_expressions() {
    // Each part is within the limit, but the path through all of them is not.
    let nested = |inner: &str| format!("{}({inner}){}", "(1 + ".repeat(45), ")".repeat(45));
    let text = format!("SELECT {} FROM t", nested(&format!("SELECT {} FROM t", nested("SELECT 1"))));
    assert_eq!(refusal(&text), TOO_DEEP);
    let unions = format!("{}SELECT 1{}", "(SELECT 1 UNION ".repeat(40), ")".repeat(40));
    let text = format!("SELECT * FROM {}({unions}) t{}", "(t JOIN ".repeat(40), " ON TRUE)".repeat(40));
    assert_eq!(refusal(&text), TOO_DEEP);
}

#[test]
fn deep_nesting_is_refused_without_end_of_the_stack() {
    for (open, middle, close) in [
        ("SELECT * FROM (", "SELECT 1", ")"),
        ("SELECT * FROM t, (", "SELECT 1", ")"),
        ("SELECT * FROM t JOIN (", "SELECT 1", ") ON TRUE"),
        ("SELECT * FROM t, LATERAL (", "SELECT 1", ")"),
        ("SELECT * FROM TABLE(TUMBLE((", "SELECT 1", "), DESCRIPTOR(ts), 1))"),
        ("SELECT (", "SELECT 1", ")"),
        ("SELECT 1 + (", "SELECT 1", ")"),
        ("SELECT a IN (", "SELECT 1", ")"),
        ("SELECT a > ANY (", "SELECT 1", ")"),
        ("SELECT EXISTS (", "SELECT 1", ")"),
        ("SELECT CASE WHEN a THEN (", "SELECT 1", ") END"),
        ("SELECT SUM(a) OVER (PARTITION BY (", "SELECT 1", "))"),
        ("SELECT JSON_OBJECT('a' VALUE (", "SELECT 1", "))"),
        ("WITH x AS (", "SELECT 1", ") SELECT 1"),
        ("SELECT 1 UNION (", "SELECT 1", ")"),
        ("SELECT 1 INTERSECT (", "SELECT 1", ")"),
        ("SELECT * FROM t WHERE a = (", "SELECT 1", ")"),
        ("SELECT * FROM t GROUP BY GROUPING SETS ((", "SELECT 1", "))"),
        ("(", "SELECT 1", ")"),
    ] {
        for many in [45, 99, 5_000] {
            let text = format!("{}{middle}{}", open.repeat(many), close.repeat(many));
            let (_, diagnostics) = script(&text);
            let is_deep = diagnostics.first().is_some_and(|found| found.message == TOO_DEEP);
            assert!(
                is_deep || (many < 100 && diagnostics.is_empty()),
                "{many} {open}: {:?}",
                diagnostics.first()
            );
        }
    }
}

#[test]
fn deep_parts_of_a_query_are_refused() {
    let many = 5_000;
    let group = "GROUPING SETS (".repeat(many);
    let parens = "(".repeat(many);
    for text in [
        format!("SELECT a FROM t GROUP BY {group}"),
        format!("SELECT * FROM t MATCH_RECOGNIZE (PATTERN ({parens}"),
        format!("SELECT * FROM t MATCH_RECOGNIZE (PATTERN ({}", "{- ".repeat(many)),
        format!("SELECT * FROM t MATCH_RECOGNIZE (PATTERN ({}", "PERMUTE(".repeat(many)),
        format!("SELECT * FROM {parens}t"),
        format!("SELECT * FROM {}t", "TABLE(f(TABLE ".repeat(many)),
        format!("SELECT a{} FROM t", "[1].f".repeat(many)),
        format!("SELECT {}", "ROW(".repeat(many)),
        format!("SELECT {}", "ARRAY[".repeat(many)),
        format!("SELECT {}", "MAP[1, ".repeat(many)),
    ] {
        assert_eq!(refusal(&text), TOO_DEEP, "{}", &text[..60]);
    }
}

#[test]
fn long_lists_are_read_or_refused() {
    let many = 20_000;
    let keys = vec!["a"; many].join(", ");
    for text in [
        format!("SELECT a FROM t ORDER BY {keys}"),
        format!("SELECT SUM(a) OVER (PARTITION BY {keys}) FROM t"),
        format!("SELECT a FROM t MATCH_RECOGNIZE (PATTERN (A {}) DEFINE A AS b)", "A ".repeat(many)),
        format!("SELECT a FROM t MATCH_RECOGNIZE (PATTERN (A {}) DEFINE A AS b)", "| A ".repeat(many)),
        format!("WITH x AS (SELECT 1){} SELECT 1", ", x AS (SELECT 1)".repeat(many)),
    ] {
        assert!(refusal(&text).starts_with("these are more than 10000"), "{}", &text[..60]);
    }
    for text in [
        format!("SELECT ROW({keys}) FROM t"),
        format!("SELECT ({keys}) IN (SELECT 1) FROM t"),
        format!("SELECT MAP[{keys}, {keys}] FROM t"),
        format!("SELECT * FROM t JOIN u USING ({keys})"),
    ] {
        query(&text);
    }
}
