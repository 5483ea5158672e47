//! Whatever stands in a script: a plan that can be explained, or findings that can be drawn; and the same again.

use bolero::check;
use fuzz::{Edit, edited, time};

const SEED: &str = include_str!("../../jobs/analytics.sql");

#[test]
fn script() {
    check!().with_type::<(u16, Vec<Edit>)>().with_test_time(time()).for_each(|(place, edits)| {
        // A piece of the script is enough for one try, and the whole takes long to compile.
        let start = usize::from(*place) % SEED.len();
        let piece = &SEED.as_bytes()[start..SEED.len().min(start + 2000)];
        let text = String::from_utf8_lossy(&edited(piece, edits)).into_owned();
        let told = |text: &str| match sql::compile(text, &|_| None) {
            Ok(plan) => sql::explain::explain(&plan),
            Err(findings) => sql::error::render(&findings, text, "job.sql", false),
        };
        assert_eq!(told(&text), told(&text));
    });
}

#[test]
fn duration() {
    check!().with_type::<String>().with_test_time(time()).for_each(|text| {
        let _ = sql::parse_duration(text);
    });
}
