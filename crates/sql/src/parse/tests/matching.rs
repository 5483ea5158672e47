//! `MATCH_RECOGNIZE` and its patterns.

use super::{reads, refuses};

#[test]
fn all_clauses_are_read() {
    reads(&[
        (
            "SELECT * FROM t MATCH_RECOGNIZE (
               PARTITION BY k, l ORDER BY ts
               MEASURES A.id AS a, LAST(B.x, 1) AS b, MATCH_ROWTIME() AS rt
               ONE ROW PER MATCH
               AFTER MATCH SKIP PAST LAST ROW
               PATTERN (A B+) WITHIN INTERVAL '3' SECOND
               SUBSET u = (A, B)
               DEFINE A AS A.n = 1, B AS B.n > LAST(B.n, 1)
             ) AS m (x, y)",
            "select[*] from match(t partition[k, l] order[ts] measures[A.id as a, LAST(B.x, 1) as b, MATCH_ROWTIME() as rt] \
             skip past last pattern[(A B{1,})] within 3000 subset u=[A, B] \
             define[A as (A.n Equal 1), B as (B.n Greater LAST(B.n, 1))]) as m(x, y)",
        ),
        (
            "SELECT * FROM (SELECT 1) MATCH_RECOGNIZE (ORDER BY ts ALL ROWS PER MATCH PATTERN (A) DEFINE A AS TRUE) m",
            "select[*] from match((select[1]) order[ts] all rows pattern[A] define[A as true]) as m",
        ),
    ]);
}

#[test]
fn after_a_match_reading_goes_on_somewhere() {
    let after = |words: &str, shape: &str| -> (&'static str, &'static str) {
        let text =
            format!("SELECT * FROM t MATCH_RECOGNIZE (AFTER MATCH SKIP {words} PATTERN (A) DEFINE A AS b)");
        (text.leak(), format!("select[*] from match(t skip {shape} pattern[A] define[A as b])").leak())
    };
    reads(&[
        after("TO NEXT ROW", "to next"),
        after("PAST LAST ROW", "past last"),
        after("TO FIRST A", "to first A"),
        after("TO LAST A", "to last A"),
        after("TO A", "to last A"),
    ]);
}

#[test]
fn patterns_are_regular_expressions() {
    let of = |pattern: &str, shape: &str| -> (&'static str, &'static str) {
        let text = format!("SELECT * FROM t MATCH_RECOGNIZE (PATTERN ({pattern}) DEFINE A AS b)");
        (text.leak(), format!("select[*] from match(t pattern[{shape}] define[A as b])").leak())
    };
    reads(&[
        of("A", "A"),
        of("A B C", "(A B C)"),
        of("A* B+ C?", "(A{0,} B{1,} C{0,1})"),
        of("A*? B+? C??", "(A{0,}? B{1,}? C{0,1}?)"),
        of("A{3} B{2,} C{2,5} D{,4}", "(A{3,3} B{2,} C{2,5} D{,4})"),
        of("A{3}? B{2,}?", "(A{3,3}? B{2,}?)"),
        of("A | B C", "(A | (B C))"),
        of("A (B | C)+ D", "(A group (B | C){1,} D)"),
        of("A {- B C -} D", "(A exclude (B C) D)"),
        of("PERMUTE(A, B C)", "permute[A, (B C)]"),
        of("`a b` B", "(a b B)"),
    ]);
}

#[test]
fn what_is_no_pattern_is_told_at_its_place() {
    refuses(&[
        ("SELECT * FROM t MATCH_RECOGNIZE («)»", "expected `PATTERN`", ""),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN («)» DEFINE A AS b)", "expected a pattern variable", ""),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A «1») DEFINE A AS b)", "a quantifier or `)`", ""),
        (
            "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A{«x»}) DEFINE A AS b)",
            "expected a number of repetitions",
            "",
        ),
        (
            "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A«{3,2}») DEFINE A AS b)",
            "exceeds the upper bound",
            "{2,5}",
        ),
        (
            "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A |«)» DEFINE A AS b)",
            "expected a pattern variable",
            "",
        ),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A)«)»", "expected `DEFINE`", ""),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A) DEFINE A «b»)", "expected `AS`", ""),
        ("SELECT * FROM t MATCH_RECOGNIZE (MEASURES a «PATTERN» (A) DEFINE A AS b)", "expected `AS`", ""),
        ("SELECT * FROM t MATCH_RECOGNIZE (MEASURES «RUNNING» LAST(a) AS b)", "RUNNING is not", ""),
        (
            "SELECT * FROM t MATCH_RECOGNIZE (AFTER MATCH SKIP «A» PATTERN (A) DEFINE A AS b)",
            "expected `PAST LAST ROW`",
            "",
        ),
        (
            "SELECT * FROM t AS x «MATCH_RECOGNIZE» (PATTERN (A) DEFINE A AS b)",
            "behind the table's name",
            "AS m",
        ),
    ]);
}
