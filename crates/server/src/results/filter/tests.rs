//! Filters: what they let through, and where their mistakes are.

use super::super::tests::table;
use super::*;
use crate::analytics::intern::Texts;

fn clicks() -> ResultTable {
    table(
        "clicks",
        "clicks:{page}:{window_end}",
        &[
            ("page", ColumnKind::Text),
            ("n", ColumnKind::Integer),
            ("price", ColumnKind::Number),
            ("ok", ColumnKind::Boolean),
            ("window_end", ColumnKind::Time),
            ("select", ColumnKind::Json),
        ],
    )
}

fn holds(filter: &str, row: [&str; 6]) -> bool {
    let table = clicks();
    let mut texts = Texts::default();
    let cells: Vec<Cell> = row
        .iter()
        .zip(&table.columns)
        .map(|(json, column)| Cell::read(json.as_bytes(), column.kind, &mut texts))
        .collect();
    let filter =
        Filter::parse(filter, &table, &TimeZone::UTC).unwrap_or_else(|error| panic!("{filter}: {error}"));
    filter.holds(|column| cells[column], false, texts.pages())
}

const ROW: [&str; 6] = [r#""/a'b""#, "12", "2.50", "true", r#""2025-12-09 11:30:00""#, r#"{"a":1}"#];

#[test]
fn conditions_hold_as_in_sql() {
    for (filter, expected) in [
        ("", true),
        ("  ", true),
        ("page = '/a''b'", true),
        ("page <> '/a''b'", false),
        ("page like '/%'", true),
        ("page NOT LIKE '_a_b'", false),
        ("page LIKE '%%b%'", true),
        ("page LIKE 'x%'", false),
        ("page IN ('/x', '/a''b')", true),
        ("page NOT IN ('/x')", true),
        ("page > '/a' and page < '/b'", true),
        ("n = 12 AND n >= 12.0 AND n != 13 AND n > -1", true),
        ("n IN (1, 2)", false),
        ("price = 2.5", true),
        ("price < 2.5", false),
        ("price > 2e0", true),
        ("ok = TRUE", true),
        ("ok = false", false),
        ("window_end >= '2025-12-09'", true),
        ("window_end < '2025-12-09T11:30'", false),
        ("window_end = '2025-12-09T11:30:00'", true),
        ("`n` = 12 AND \"select\" LIKE '%1%'", true),
        ("n IS NULL", false),
        ("n IS NOT NULL", true),
        ("_is_final = false", true),
    ] {
        assert_eq!(holds(filter, ROW), expected, "{filter}");
    }
    for filter in ["n = 1", "n <> 1", "n NOT IN (1)", "n IS NOT NULL"] {
        assert!(!holds(filter, ["null"; 6]), "{filter}");
    }
    assert!(holds("page IS NULL AND n IS NULL", ["null"; 6]));
}

#[test]
fn the_syntax_is_checked_without_a_table() {
    for filter in
        ["", "a = 'x' AND b > 1 AND c IS NOT NULL", "`d e` NOT IN ('x', 2)", "_is_final = TRUE", "f LIKE '%'"]
    {
        assert_eq!(Filter::check_syntax(filter), Ok(()), "{filter}");
    }
    for (filter, place, part) in [
        ("a", 2, "an operator"),
        ("a = 'x", 5, "not closed"),
        ("a = b", 5, "texts need quotes: 'b'"),
        ("a LIKE 1", 8, "single quotes"),
        ("a = 1 OR b = 2", 7, "AND only"),
    ] {
        let error = Filter::check_syntax(filter).expect_err(filter);
        assert!(error.place == place && error.message.contains(part), "{filter}: {error}");
    }
}

#[test]
fn mistakes_are_marked_at_their_place() {
    for (filter, place, part) in [
        ("pag = 'x'", 1, "did you mean `page`?"),
        ("n = '1'", 5, "number without quotes"),
        ("page = 1", 8, "text in single quotes"),
        ("page = x", 8, "texts need quotes: 'x'"),
        ("window_end > 'yesterday'", 14, "a time such as"),
        ("ok = 1", 6, "TRUE or FALSE"),
        ("n = 1 OR n = 2", 7, "AND only"),
        ("n = 1 n", 7, "expected AND or the end"),
        ("n = NULL", 5, "IS NULL"),
        ("n ~ 1", 3, "not expected"),
        ("page = 'x", 8, "not closed"),
        ("n IN (1, 2", 11, "not closed"),
        ("n IN 1", 6, "expected ("),
        ("n NOT = 1", 7, "expected IN or LIKE"),
        ("n = 1.2.3", 5, "no number"),
        ("n ( 5", 3, "expected an operator"),
        ("n", 2, "an operator"),
        ("n =", 4, "expected a value"),
        ("n = 1 AND", 10, "expected a column"),
        ("é = 1", 1, "there is no column `é`"),
    ] {
        let error = Filter::parse(filter, &clicks(), &TimeZone::UTC).expect_err(filter);
        assert!(error.place == place && error.message.contains(part), "{filter}: {error}");
    }
    let long = format!("n IN ({}1)", "1,".repeat(300));
    assert!(Filter::parse(&long, &clicks(), &TimeZone::UTC).expect_err("long").message.contains("256"));
    assert!(Filter::parse(&"n = 1 AND ".repeat(1_000), &clicks(), &TimeZone::UTC).is_err());
}

#[test]
fn a_filter_over_the_key_never_changes_its_mind_about_a_row() {
    let is_fixed =
        |filter| Filter::parse(filter, &clicks(), &TimeZone::UTC).expect(filter).is_only_about(&[0, 4]);
    assert!(is_fixed("page = 'x' AND window_end > '2025-12-09'") && is_fixed(""));
    assert!(!is_fixed("page = 'x' AND n > 1") && !is_fixed("_is_final = true"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        letters in ".{0,60}",
        tokens in proptest::collection::vec(proptest::sample::select(vec![
            "page", "n", "`n`", "=", "<>", "<", "(", ")", ",", "IN", "NOT", "LIKE", "IS", "NULL", "AND", "'", "'é%_'", "''",
            "12", "-", "1e9", "TRUE", "_is_final", "window_end", "'2025-12-09'", " ", "\u{0}",
        ]), 0..12),
    ) {
        let cells = [Cell::Null, Cell::Int(1), Cell::Float(f64::NAN), Cell::Bool(true), Cell::Null, Cell::Null];
        for text in [letters, tokens.concat(), tokens.join(" ")] {
            if let Ok(filter) = Filter::parse(&text, &clicks(), &TimeZone::UTC) {
                filter.holds(|column| cells[column], true, Texts::default().pages());
            }
        }
    }
}
