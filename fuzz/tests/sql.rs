//! Whatever stands in a script: a plan that can be explained, or findings that can be drawn; and the same again.

use bolero::check;
use fuzz::{Edit, edited, time};

const SEED: &str = include_str!("../../jobs/analytics.sql");

/// Each form of a query, so that edits reach the parser of every clause.
const QUERIES: &str = include_str!("../../crates/sql/src/parse/tests/every_form.sql");

/// Compiles a piece of a text with edits, twice.
fn script_is_answered(whole: &str, place: u16, edits: &[Edit]) {
    // A piece of the script is enough for one try, and the whole takes long to compile.
    let start = usize::from(place) % whole.len();
    let piece = &whole.as_bytes()[start..whole.len().min(start + 2000)];
    let text = String::from_utf8_lossy(&edited(piece, edits)).into_owned();
    let told = |text: &str| match sql::compile(text, &|_| None) {
        Ok(plan) => sql::explain::explain(&plan),
        Err(findings) => sql::error::render(&findings, text, "job.sql", false),
    };
    assert_eq!(told(&text), told(&text));
}

#[test]
fn script() {
    check!()
        .with_type::<(u16, Vec<Edit>)>()
        .with_test_time(time())
        .for_each(|(place, edits)| script_is_answered(SEED, *place, edits));
}

#[test]
fn query() {
    // The place is that of a statement mostly: from its middle on, a text is no query.
    let starts: Vec<usize> = QUERIES.match_indices("INSERT").map(|(at, _)| at).collect();
    check!().with_type::<(u16, Vec<Edit>)>().with_test_time(time()).for_each(|(place, edits)| {
        let place = starts.get(usize::from(*place) % 4).map_or(*place, |start| *start as u16);
        script_is_answered(QUERIES, place, edits);
    });
}

#[test]
fn duration() {
    check!().with_type::<String>().with_test_time(time()).for_each(|text| {
        let _ = sql::parse_duration(text);
    });
}
