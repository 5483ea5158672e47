//! Expressions: subqueries, rows, collections, fields, and calls with keywords between their arguments.

use super::{reads, reads_exprs, refuses};

#[test]
fn queries_stand_in_expressions() {
    reads_exprs(&[
        ("(SELECT 1)", "(select[1])"),
        ("(SELECT 1) + 1", "((select[1]) + 1)"),
        ("((SELECT 1) + 1)", "((select[1]) + 1)"),
        ("((SELECT 1))", "(select[1])"),
        ("((SELECT 1) UNION SELECT 2)", "((select[1] union select[2]))"),
        ("(VALUES 1)", "(values[1])"),
        ("(WITH x AS (SELECT 1) SELECT * FROM x)", "(with x = (select[1]) select[*] from x)"),
        ("EXISTS (SELECT 1)", "exists(select[1])"),
        ("NOT EXISTS (SELECT 1)", "not(exists(select[1]))"),
        ("a IN (SELECT 1)", "(a in (select[1]))"),
        ("a NOT IN ((SELECT 1) UNION SELECT 2)", "(a not in ((select[1] union select[2])))"),
        ("(a, b) IN (SELECT 1, 2)", "(row[a, b] in (select[1, 2]))"),
        ("a IN ((SELECT 1), 2)", "(a in [(select[1]), 2])"),
        ("a IN ((SELECT 1) + 1)", "(a in [((select[1]) + 1)])"),
        ("a IN (VALUES 1, 2)", "(a in (values[1, 2]))"),
        ("a > ANY (SELECT 1)", "(a Greater any (select[1]))"),
        ("a = SOME (SELECT 1) AND b", "((a Equal any (select[1])) and b)"),
        ("a <= ALL (SELECT 1)", "(a LessOrEqual all (select[1]))"),
        ("CASE WHEN a THEN (SELECT 1) END", "case[a, (select[1])]"),
    ]);

    reads(&[(
        "SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.k = t.k) OR b IN (SELECT c FROM v)",
        "select[a] from t where (exists(select[*] from u where (u.k Equal t.k)) or (b in (select[c] from v)))",
    )]);
}

#[test]
fn rows_and_collections_are_values() {
    reads_exprs(&[
        ("ROW(1, 'a')", "row[1, 'a']"),
        ("(1, 'a')", "row[1, 'a']"),
        ("(a, b) = (1, 2)", "(row[a, b] Equal row[1, 2])"),
        ("(a, b) IN ((1, 2), (3, 4))", "(row[a, b] in [row[1, 2], row[3, 4]])"),
        ("(a, b) OVERLAPS (c, INTERVAL '1' SECOND) AND d", "(OVERLAPS(a, b, c, 1000) and d)"),
        ("(a)", "a"),
        ("ARRAY[1, 2]", "array[1, 2]"),
        ("ARRAY[]", "array[]"),
        ("ARRAY[ARRAY[1], ARRAY[2]]", "array[array[1], array[2]]"),
        ("MAP['a', 1, 'b', 2]", "map['a': 1, 'b': 2]"),
        ("MAP[]", "map[]"),
    ]);
}

#[test]
fn elements_and_fields_are_reached_behind_any_expression() {
    reads_exprs(&[
        ("a[1]", "a[1]"),
        ("a.b.c[1][2]", "a.b.c[1][2]"),
        ("a[1].f", "a[1]->f"),
        ("a[1].f.g['k']", "a[1]->f->g['k']"),
        ("f(x).g", "f(x)->g"),
        ("(a).b", "a->b"),
        ("ROW(1, 2).EXPR$0", "row[1, 2]->EXPR$0"),
        ("ARRAY[1, 2][1]", "array[1, 2][1]"),
        ("CAST(a AS ROW<f INT>).f", "cast(a as ROW<`f` INT>)->f"),
        ("-a[1].f * 2", "(-a[1]->f * 2)"),
        ("LAST(b.x, 1)", "LAST(b.x, 1)"),
    ]);
}

#[test]
fn aggregates_have_clauses() {
    reads_exprs(&[
        ("COUNT(*) FILTER (WHERE a > 1)", "COUNT(*) filter (a Greater 1)"),
        ("COUNT(DISTINCT a, b)", "COUNT(distinct a, b)"),
        ("SUM(ALL a)", "SUM(a)"),
        ("LISTAGG(a, ',') WITHIN GROUP (ORDER BY b DESC, c)", "LISTAGG(a, ',') within[b desc, c]"),
        ("ARRAY_AGG(a ORDER BY b)", "ARRAY_AGG(a) within[b]"),
        ("FIRST_VALUE(a IGNORE NULLS)", "FIRST_VALUE(a) ignore nulls"),
        ("SUM(a) FILTER (WHERE b) OVER (PARTITION BY c)", "SUM(a) filter b over(partition[c])"),
        ("f(a => 1, b => 'x')", "f(a => 1, b => 'x')"),
        ("f(1, b => 'x')", "f(1, b => 'x')"),
    ]);
}

#[test]
fn functions_of_json_have_words() {
    reads_exprs(&[
        ("JSON_OBJECT(KEY 'a' VALUE b, 'c' VALUE d)", "JSON_OBJECT('a', b, 'c', d, 'NULL')"),
        ("JSON_OBJECT('a' : b ABSENT ON NULL)", "JSON_OBJECT('a', b, 'ABSENT')"),
        ("JSON_OBJECT()", "JSON_OBJECT('NULL')"),
        ("JSON_OBJECT(key VALUE value_)", "JSON_OBJECT(key, value_, 'NULL')"),
        ("JSON_ARRAY(1, 'a' NULL ON NULL)", "JSON_ARRAY(1, 'a', 'NULL')"),
        ("JSON_ARRAY(NULL)", "JSON_ARRAY(null, 'ABSENT')"),
        ("JSON_ARRAY(NULL ON NULL)", "JSON_ARRAY('NULL')"),
        ("JSON_OBJECTAGG(KEY k VALUE v NULL ON NULL)", "JSON_OBJECTAGG(k, v, 'NULL')"),
        (
            "JSON_OBJECTAGG(k VALUE v ABSENT ON NULL) FILTER (WHERE b)",
            "JSON_OBJECTAGG(k, v, 'ABSENT') filter b",
        ),
        ("JSON_ARRAYAGG(v)", "JSON_ARRAYAGG(v, 'ABSENT')"),
        ("JSON_ARRAYAGG(v ORDER BY w NULL ON NULL)", "JSON_ARRAYAGG(v, 'NULL') within[w]"),
        ("JSON_EXISTS(j, '$.a' TRUE ON ERROR)", "JSON_EXISTS(j, '$.a', 'TRUE')"),
        ("JSON_EXISTS(j, '$.a')", "JSON_EXISTS(j, '$.a')"),
        ("JSON_QUERY(j, '$.a')", "JSON_QUERY(j, '$.a')"),
        (
            "JSON_QUERY(j, '$' WITH CONDITIONAL ARRAY WRAPPER EMPTY ARRAY ON EMPTY ERROR ON ERROR)",
            "JSON_QUERY(j, '$', 'CONDITIONAL', 'EMPTY ARRAY', 'ERROR')",
        ),
    ]);
}

#[test]
fn what_is_no_expression_is_told_at_its_place() {
    refuses(&[
        ("SELECT (1, 2«;»", "expected `,` or `)`", ""),
        ("SELECT (1 «2»)", "expected `)`, found `2`", ""),
        ("SELECT MAP[1«]»", "expected `,` and a value", "keys and values in turn"),
        ("SELECT ARRAY[1«)»", "expected `]`", ""),
        ("SELECT a[1].«'f'»", "expected a field's name", ""),
        ("SELECT EXISTS («1»)", "expected `SELECT`", ""),
        ("SELECT a > ANY («1»)", "expected `SELECT`", ""),
        ("SELECT a IN «b»", "expected `(`", ""),
        ("SELECT JSON_OBJECT('a'«,» b)", "expected `VALUE` or `:`", ""),
        ("SELECT LISTAGG(a) WITHIN GROUP («a»)", "expected `ORDER BY`", ""),
        ("SELECT SUM(a) FILTER («a»)", "expected `WHERE`", ""),
        ("SELECT JSON_QUERY(j, '$' WITH «a»)", "expected `WRAPPER`", ""),
        ("SELECT (SELECT 1«;»", "expected `)`", ""),
        ("SELECT «a» OVERLAPS (b, c)", "OVERLAPS compares two spans of time", "(start, end)"),
    ]);
}
