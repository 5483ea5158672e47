//! Findings are fit to print, whatever the script contains: no control characters, no long quotations, and
//! only the part of a long line that matters.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use sql::error::{Diagnostic, render};
use sql::session::{Outcome, Session};

const TABLES: &str = "CREATE TABLE t (a INT, s STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) \
                      WITH ('connector' = 'x'); CREATE TABLE o (a INT) WITH ('connector' = 'x');\n";

/// Statements that are refused, and quote what stands for `~` in the reason.
const REFUSED: &[&str] = &[
    "~",
    "INSERT INTO o SELECT `~` FROM t",
    "INSERT INTO o SELECT t.`~` FROM t",
    "INSERT INTO o SELECT `~`.a FROM t",
    "INSERT INTO o SELECT a FROM `~`",
    "INSERT INTO `~` SELECT a FROM t",
    "INSERT INTO o (`~`) SELECT a FROM t",
    "INSERT INTO o SELECT 'a' '~' FROM t",
    "INSERT INTO o SELECT a AS `~` `~` FROM t",
    "INSERT INTO o SELECT DATE '~' FROM t",
    "INSERT INTO o SELECT TIMESTAMP '~' FROM t",
    "INSERT INTO o SELECT INTERVAL '~' DAY FROM t",
    "INSERT INTO o SELECT CAST(a AS `~`) FROM t",
    "INSERT INTO o SELECT `~`(a) FROM t",
    "INSERT INTO o SELECT a FROM t /*+ `~` */",
    "INSERT INTO o SELECT JSON_VALUE(s, '~[') FROM t",
    "INSERT INTO o SELECT REGEXP_EXTRACT(s, '(~') FROM t",
    "INSERT INTO o SELECT a FROM t WHERE '~'",
    "INSERT INTO o SELECT a FROM t GROUP BY s, `~`",
    "INSERT INTO o SELECT a FROM (SELECT a AS `~` FROM t)",
    "INSERT INTO o SELECT x FROM (SELECT a AS `~`, s AS `~` FROM t) AS u (x)",
    "INSERT INTO o SELECT MAX(a) OVER `~` FROM t",
    "SET 'pipeline.name' '~'",
    "SET 'weir.~' = 'x'",
    "SET 'table.local-time-zone' = '~'",
    "SET 'table.exec.state.ttl' = '~'",
    "SET 'weir.optimizer.disabled-rules' = '~'",
    "SET 'table.sql-dialect' = '~'",
    "CREATE TABLE u (a INT, `~` INT, `~` INT) WITH ('connector' = 'x')",
    "CREATE TABLE u (a INT) WITH ('~' = 'x', '~' = 'y')",
    "CREATE TABLE u (a INT, PRIMARY KEY (`~`) NOT ENFORCED) WITH ('connector' = 'x')",
    "CREATE TABLE u (a INT, WATERMARK FOR `~` AS a) WITH ('connector' = 'x')",
    "CREATE VIEW `~` AS SELECT 1 UNION SELECT 'a'; INSERT INTO `~` SELECT 1",
    "INSERT INTO o SELECT '~",
    "INSERT INTO o SELECT `~",
];

/// Compiles a script that is refused.
fn refused(statement: &str) -> (String, Vec<Diagnostic>) {
    let script = format!("{TABLES}{statement}");
    let found = sql::compile(&script, &|_| None).err();
    (script, found.unwrap_or_else(|| panic!("taken: {}", &statement[..statement.len().min(80)])))
}

fn texts(finding: &Diagnostic) -> impl Iterator<Item = &String> {
    std::iter::once(&finding.message).chain(&finding.detail).chain(&finding.hint)
}

#[test]
fn control_characters_reach_no_terminal() {
    for template in REFUSED {
        for odd in ["x\0y", "x\u{1b}[31my", "x\u{7f}", "x\u{9b}2J", "x\u{202e}y", "x\ry", "x\u{2028}y"] {
            let (script, found) = refused(&template.replace('~', odd));
            let is_bare = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202e}' | '\u{2028}');
            for text in found.iter().flat_map(texts) {
                assert!(!text.contains(is_bare) && !text.contains('\n'), "{template}: {text:?}");
            }
            let drawn = render(&found, &script, "x.sql", false);
            assert!(!drawn.contains(is_bare), "{template}: {drawn:?}");
        }
    }
}

#[test]
fn a_control_character_is_shown_where_it_stands() {
    let (script, found) = refused("-- \u{1b}[31m\nINSERT INTO o SELECT \0 FROM t -- \u{1b}[0m");
    let drawn = render(&found, &script, "x.sql", false);
    assert!(drawn.contains(r"found `\u{0}`"), "{drawn}");
    assert!(drawn.contains("INSERT INTO o SELECT ␀ FROM t -- ␛[0m"), "{drawn}");
}

#[test]
fn long_tokens_are_not_printed_whole() {
    // A text of a function may contain quotes, so only its length is limited.
    for (long, most) in
        [("x".repeat(200_000), 400), ("x y ".repeat(50_000), 400), ("đ'' ".repeat(40_000), 1_001)]
    {
        for template in REFUSED {
            let (script, found) = refused(&template.replace('~', &long));
            for text in found.iter().flat_map(texts) {
                assert!(text.chars().count() <= most, "{template}: {text}");
            }
            let drawn = render(&found, &script, "x.sql", false);
            assert!(drawn.len() / found.len() < 5_000, "{template}: {} bytes", drawn.len());
        }
    }
}

#[test]
fn a_long_line_is_cut_around_the_finding() {
    let (before, behind) = ("a + ".repeat(4_000), " + a".repeat(4_000));
    let (script, found) = refused(&format!("INSERT INTO o SELECT {before}wrong{behind} FROM t"));
    let drawn = render(&found, &script, "x.sql", false);
    // The line before is that of the tables.
    assert!(drawn.contains("x.sql:2:16022"), "{drawn}");
    assert!(drawn.contains("│ …a + a + a") && drawn.contains("a + wrong + a"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() < 200), "{drawn}");
}

#[test]
fn a_finding_of_several_long_lines_is_cut() {
    let blanks = " ".repeat(1_000);
    let (script, found) = refused(&format!("INSERT INTO o SELECT a,{blanks}\n{blanks}\n{blanks}a FROM t"));
    let drawn = render(&found, &script, "x.sql", false);
    assert!(found[0].span.end - found[0].span.start > 3_000, "the finding is about all items: {found:?}");
    assert!(drawn.contains("2 │") && drawn.contains("4 │") && drawn.contains("a FROM t"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() < 250), "{drawn}");
}

#[test]
fn the_end_of_a_script_is_shown_behind_its_last_text() {
    for end in ["", "\n", "\r\n\n", " \n\t\n"] {
        let (script, found) = refused(&format!("INSERT INTO o SELECT a FROM{end}"));
        let drawn = render(&found, &script, "x.sql", false);
        assert!(drawn.contains("x.sql:2:28") && drawn.contains("2 │ INSERT INTO o SELECT a FROM"), "{drawn}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let script = format!("\u{feff}{TABLES}INSERT INTO o SELECT a FROM t");
    assert!(sql::compile(&script, &|_| None).is_ok());
    let script = "\u{feff}INSERT INTO học SELECT 1";
    let found = sql::compile(script, &|_| None).unwrap_err();
    assert_eq!(&script[found[0].span.start..found[0].span.end], "học");
    let drawn = render(&found, script, "x.sql", false);
    assert!(drawn.contains("x.sql:1:13") && drawn.contains("│ INSERT"), "{drawn}");

    let mut session = Session::default();
    let none = |_: &str| None;
    for statement in TABLES.split_inclusive(';').filter(|statement| !statement.trim().is_empty()) {
        let created = session.execute(&format!("\u{feff}{}", statement.trim()), &none);
        assert!(matches!(created, Ok(Outcome::Done)), "{created:?}");
    }
    assert!(session.execute("\u{feff}INSERT INTO o SELECT a FROM t", &none).is_ok());
    let found = session.execute("\u{feff}SELECT b FROM t", &none).unwrap_err();
    assert_eq!((found[0].span.start, found[0].span.end), (10, 11));
    assert!(sql::session::only_asks("\u{feff}SHOW TABLES", &none));
}
