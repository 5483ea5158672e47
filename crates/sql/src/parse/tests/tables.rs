//! Table references: joins, table functions, UNNEST, LATERAL, temporal tables and hints.

use super::{query, reads, refuses};
use crate::parse::ast::{FromKind, QueryBody};

#[test]
fn joins_are_left_deep() {
    reads(&[
        ("SELECT * FROM a JOIN b ON x = y", "select[*] from (a inner b on (x Equal y))"),
        (
            "SELECT * FROM a LEFT JOIN b ON x RIGHT OUTER JOIN c ON y FULL JOIN d USING (k, l)",
            "select[*] from (((a left b on x) right c on y) full d using[k, l])",
        ),
        (
            "SELECT * FROM a NATURAL JOIN b NATURAL LEFT OUTER JOIN c",
            "select[*] from ((a inner b natural) left c natural)",
        ),
        ("SELECT * FROM a CROSS JOIN b INNER JOIN c ON TRUE", "select[*] from ((a cross b) inner c on true)"),
        ("SELECT * FROM a AS x JOIN b y ON z WHERE w", "select[*] from (a as x inner b as y on z) where w"),
    ]);
}

#[test]
fn a_comma_binds_looser_than_a_join() {
    reads(&[
        ("SELECT * FROM a, b, c", "select[*] from ((a cross b) cross c)"),
        // These give the same rows over both sides of the comma, so the tree stays left-deep.
        ("SELECT * FROM a, b JOIN c ON x", "select[*] from ((a cross b) inner c on x)"),
        ("SELECT * FROM a, b LEFT JOIN c ON x, d", "select[*] from (((a cross b) left c on x) cross d)"),
        // These do not: the padded rows and the common columns are those of `b` and `c`.
        ("SELECT * FROM a, b RIGHT JOIN c ON x", "select[*] from (a cross (b right c on x))"),
        (
            "SELECT * FROM a, b JOIN c ON x FULL JOIN d ON y",
            "select[*] from (a cross ((b inner c on x) full d on y))",
        ),
        ("SELECT * FROM a, b NATURAL JOIN c", "select[*] from (a cross (b inner c natural))"),
        ("SELECT * FROM a, b JOIN c USING (k)", "select[*] from (a cross (b inner c using[k]))"),
    ]);
}

#[test]
fn parentheses_hold_a_query_or_joins() {
    reads(&[
        (
            "SELECT * FROM a JOIN (b JOIN c ON x) ON y",
            "select[*] from (a inner nested (b inner c on x) on y)",
        ),
        (
            "SELECT * FROM ((a JOIN b ON x) JOIN c ON y)",
            "select[*] from nested (nested (a inner b on x) inner c on y)",
        ),
        ("SELECT * FROM (SELECT 1) AS t (a)", "select[*] from (select[1]) as t(a)"),
        ("SELECT * FROM ((SELECT 1)) t", "select[*] from (select[1]) as t"),
        ("SELECT * FROM ((SELECT 1) UNION SELECT 2) t", "select[*] from ((select[1] union select[2])) as t"),
        ("SELECT * FROM ((SELECT 1) LIMIT 2)", "select[*] from (select[1] limit 2)"),
        ("SELECT * FROM ((SELECT 1) a JOIN b ON x)", "select[*] from nested ((select[1]) as a inner b on x)"),
        (
            "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, s)",
            "select[*] from values[1, 'a', 2, 'b'] as v(n, s)",
        ),
        ("SELECT * FROM ((VALUES 1) UNION ALL VALUES 2)", "select[*] from ((values[1] union all values[2]))"),
        ("SELECT * FROM (VALUES 1 LIMIT 1)", "select[*] from (values[1] limit 1)"),
    ]);
}

#[test]
fn tables_have_versions_and_hints() {
    reads(&[
        (
            "SELECT * FROM o LEFT JOIN r FOR SYSTEM_TIME AS OF o.ts AS x ON o.k = x.k",
            "select[*] from (o left r at o.ts as x on (o.k Equal x.k))",
        ),
        ("SELECT * FROM r FOR SYSTEM_TIME AS OF PROCTIME() x", "select[*] from r at PROCTIME() as x"),
        (
            "SELECT * FROM `c`.`d`.t /*+ OPTIONS('a' = 'b') */ AS x",
            "select[*] from OPTIONS[a=b][] c.d.t as x",
        ),
        (
            "SELECT /*+ STATE_TTL('a' = '1d', b = '2h'), BROADCAST(t, u) */ * FROM t",
            "STATE_TTL[a=1d,b=2h][] BROADCAST[][t,u] select[*] from t".replace(',', ", ").leak(),
        ),
        (
            "SELECT /*+ LOOKUP('table' = 'd', 'retry-predicate' = 'lookup_miss') */ a FROM t /*+ MULTI_JOIN */",
            "LOOKUP[table=d, retry-predicate=lookup_miss][] select[a] from MULTI_JOIN[][] t",
        ),
    ]);
}

#[test]
fn lateral_and_unnest_stand_where_tables_stand() {
    reads(&[
        ("SELECT * FROM t, UNNEST(t.a) AS x (e)", "select[*] from (t cross unnest(t.a) as x(e))"),
        (
            "SELECT * FROM t LEFT JOIN UNNEST(t.a) WITH ORDINALITY AS x (e, o) ON TRUE",
            "select[*] from (t left unnest(t.a) ordinality as x(e, o) on true)",
        ),
        (
            "SELECT * FROM t CROSS JOIN LATERAL UNNEST(ARRAY[1]) x",
            "select[*] from (t cross unnest(array[1]) as x)",
        ),
        (
            "SELECT * FROM t, LATERAL (SELECT * FROM u WHERE u.k = t.k) x",
            "select[*] from (t cross lateral(select[*] from u where (u.k Equal t.k)) as x)",
        ),
        (
            "SELECT * FROM t, LATERAL TABLE(f(t.a)) AS x (b)",
            "select[*] from (t cross function f(t.a) as x(b))",
        ),
    ]);
}

#[test]
fn table_functions_take_tables_and_columns() {
    reads(&[
        (
            "SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), 1))",
            "select[*] from window TUMBLE(table t, descriptor[ts], 1)",
        ),
        (
            "SELECT * FROM TABLE(session(DATA => TABLE t PARTITION BY k, TIMECOL => DESCRIPTOR(ts), GAP => 2)) w",
            "select[*] from window session(DATA => table t partition[k], TIMECOL => descriptor[ts], GAP => 2) as w",
        ),
        (
            "SELECT * FROM TABLE(SESSION(TABLE t PARTITION BY (k, l) ORDER BY (ts, n DESC), DESCRIPTOR(ts), 2))",
            "select[*] from window SESSION(table t partition[k, l] order[ts, n desc], descriptor[ts], 2)",
        ),
        (
            "SELECT * FROM HOP(TABLE t, DESCRIPTOR(ts), 1, 2)",
            "select[*] from window HOP(table t, descriptor[ts], 1, 2)",
        ),
        (
            "SELECT * FROM TABLE(TUMBLE((SELECT * FROM t), DESCRIPTOR(ts), 1))",
            "select[*] from window TUMBLE(table (select[*] from t), descriptor[ts], 1)",
        ),
        (
            "SELECT * FROM FROM_CHANGELOG(input => TABLE t, op => DESCRIPTOR(o), op_mapping => MAP['c', 'INSERT'])",
            "select[*] from function FROM_CHANGELOG(input => table t, op => descriptor[o], op_mapping => map['c': 'INSERT'])",
        ),
        (
            "SELECT * FROM TABLE(TO_CHANGELOG(input => TABLE v))",
            "select[*] from function TO_CHANGELOG(input => table v)",
        ),
        ("SELECT * FROM TABLE(f())", "select[*] from function f()"),
    ]);
}

#[test]
fn a_window_without_table_is_told_from_one_with_it() {
    let text = "SELECT * FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), 1, 2)), HOP(TABLE t, DESCRIPTOR(ts), 1, 2)";
    let QueryBody::Select(select) = query(text).body else { panic!("{text}") };
    let FromKind::Joined(mut joined) = select.from.unwrap().kind else { panic!("{text}") };
    let starts = [joined.first, joined.joins.remove(0).right].map(|side| match side.kind {
        FromKind::Window(call) => (call.span.start, call.function.span.start),
        other => panic!("{other:?}"),
    });
    assert_eq!(starts, [(14, 20), (57, 57)]);
}

#[test]
fn what_is_no_table_is_told_at_its_place() {
    refuses(&[
        (
            "SELECT * FROM a «JOIN» b WHERE x",
            "a join without a condition expected `ON` or `USING`, found `WHERE`",
            "CROSS JOIN",
        ),
        ("SELECT * FROM a CROSS JOIN b «ON» x", "a CROSS JOIN has no condition", "[INNER] JOIN"),
        ("SELECT * FROM a NATURAL JOIN b «USING» (k)", "a NATURAL JOIN has no condition", ""),
        ("SELECT * FROM a «NATURAL CROSS» JOIN b", "never NATURAL", ""),
        ("SELECT * FROM a LEFT «SEMI» JOIN b ON x", "expected `JOIN`, found `SEMI`", ""),
        ("SELECT * FROM a JOIN b USING «k»", "expected `(`", ""),
        ("SELECT * FROM a JOIN «»", "expected a table's name", ""),
        ("SELECT * FROM (a«,» b)", "expected `)`, found `,`", ""),
        ("SELECT * FROM a AS x «FOR» SYSTEM_TIME AS OF y", "behind the table's name", "AS r"),
        ("SELECT * FROM a FOR SYSTEM_TIME «OF» y", "expected `AS`", ""),
        ("SELECT * FROM a «TABLESAMPLE» (1)", "TABLESAMPLE is not supported", ""),
        ("SELECT * FROM «VALUES» (1)", "in parentheses", "AS t (a)"),
        ("SELECT * FROM LATERAL «t»", "expected a query in parentheses, `TABLE(` or `UNNEST(`", ""),
        ("SELECT * FROM UNNEST(«)»", "expected an expression", ""),
        ("SELECT * FROM TABLE(«1»)", "expected a window table function", ""),
        ("SELECT * FROM TABLE(f(1)«,»", "expected `)`", ""),
        ("SELECT * FROM t /*+ LOOKUP('a' = «b») */", "value in single quotes", ""),
        ("SELECT * FROM t /*+ BROADCAST(«=») */", "expected a name, or a key and a value", ""),
    ]);
}
