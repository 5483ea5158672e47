//! Rows become the changes that their codes stand for, and changes become rows with codes.

use types::{Repr, Value};

use super::*;
use crate::operator::chain::Operator;
use crate::operator::harness::{Event, Harness, Row, change, insert, row};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn from_changelog(codes: &[(&str, ChangeKind)]) -> impl Fn() -> Box<dyn Operator> + use<> {
    let codes = codes.iter().map(|(code, kind)| ((*code).to_owned(), *kind)).collect();
    let spec = FromChangelog { op: 0, codes };
    move || Box::new(FromChangelogOperator::new("from".into(), &spec))
}

#[test]
fn a_row_is_the_change_that_its_code_stands_for() {
    let build = from_changelog(&[
        ("c", ChangeKind::Insert),
        ("r", ChangeKind::Insert),
        ("b", ChangeKind::UpdateBefore),
        ("a", ChangeKind::UpdateAfter),
        ("", ChangeKind::Delete),
    ]);
    let rows = [("c", "+I", 1), ("r", "+I", 2), ("b", "-U", 1), ("a", "+U", 3), ("", "-D", 2)];
    let events: Vec<Event> = rows.map(|(code, _, n)| insert(0, [text(code), Value::Int(n)])).to_vec();
    let expected: Vec<Row> = rows.map(|(code, kind, n)| row(kind, [text(code), Value::Int(n)])).to_vec();
    Harness::new(&build, vec![vec![Repr::Text, Repr::Int]]).gives(&events, &expected);
}

#[test]
fn a_row_without_a_known_code_is_an_error() {
    let build = from_changelog(&[("c", ChangeKind::Insert), ("d", ChangeKind::Delete)]);
    let harness = Harness::new(&build, vec![vec![Repr::Text]]);
    for (code, wanted) in [
        (text("C"), "`from`: a row has the code `C`, and the codes of changes are c, d; op_mapping says"),
        (text("c "), "the code `c `"),
        (text("\u{1b}[2J"), "the code `\\u{1b}[2J`"),
        (Value::Null, "`from`: a row has a null where the code of its change belongs"),
    ] {
        let error = harness.run(&[insert(0, [code])], 1, 1, None).expect_err("the code is not known");
        assert!(error.to_string().contains(wanted), "{error}");
    }
}

#[test]
fn a_change_is_a_row_with_its_code() {
    let spec = ToChangelog {
        codes: vec![
            (ChangeKind::Delete, "gone".into()),
            (ChangeKind::Insert, "there".into()),
            (ChangeKind::UpdateAfter, String::new()),
        ],
    };

    let build = || Box::new(ToChangelogOperator::new(&spec)) as Box<dyn Operator>;
    let int = |n| [Value::Int(n)];
    let events = [
        change(0, "+I", int(1)),
        change(0, "-U", int(1)),
        change(0, "+U", int(2)),
        change(0, "-D", int(2)),
        change(0, "+I", [Value::Null]),
    ];

    let given = |n: Value, code: &str| row("+I", [n, text(code)]);
    let expected = [
        given(Value::Int(1), "there"),
        given(Value::Int(2), ""),
        given(Value::Int(2), "gone"),
        given(Value::Null, "there"),
    ];

    Harness::new(&build, vec![vec![Repr::Int]]).gives(&events, &expected);
}
