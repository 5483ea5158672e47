//! Documents that are accepted, and mistakes with their places.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::document::{BYTES_MAX, Dashboard};
use crate::documents::is_name;

fn panel(id: &str, at: [u32; 4]) -> Value {
    let [x, y, w, h] = at;
    json!({"id": id, "title": "T", "table": "t", "chart": "line", "at": {"x": x, "y": y, "w": w, "h": h}})
}

fn document(panels: Value) -> Value {
    json!({"version": 1, "title": "T", "panels": panels})
}

/// Returns a document of one panel with a changed field.
fn with(field: &str, value: Value) -> Value {
    let mut panel = panel("a", [0, 0, 1, 1]);
    panel[field] = value;
    document(json!([panel]))
}

fn parse(document: &Value) -> Result<Dashboard, String> {
    Dashboard::parse(document.to_string().as_bytes()).map_err(|mistake| mistake.to_string())
}

fn mistake(text: &[u8]) -> String {
    Dashboard::parse(text).expect_err("a mistake").to_string()
}

/// Asserts that a document has a mistake at a place, and that its message has a part.
fn refuses(document: &Value, place: &str, part: &str) {
    let mistake = parse(document).map(drop).expect_err(place);
    assert!(mistake.starts_with(&format!("{place}: ")) && mistake.contains(part), "{place}: {mistake}");
}

#[test]
fn a_document_with_all_fields_is_accepted() {
    let document = json!({
        "version": 1, "title": "é".repeat(120), "title_vi": "Tiêu đề", "description": "d".repeat(2_000), "period": "7d",
        "panels": [{
            "id": "a-1", "title": "T", "title_vi": "Đ", "table": "t@0f1e2d3c", "chart": "heat-map", "number": "n",
            "combination": "avg", "by": ["a", "b"], "where": "a = 'x' AND `b` IN (1, 2)", "limit": 1_000,
            "thresholds": [{"above": 0.95, "label": "good", "color": "good"}, {"below": -1e300}],
            "options": {"any": [{"thing": null}]}, "at": {"x": 8, "y": 1_000, "w": 4, "h": 40}
        }]
    });
    let parsed = parse(&document).expect("a document");
    assert_eq!((parsed.panels.len(), parsed.panels[0].thresholds[1].below), (1, Some(-1e300)));
}

#[test]
fn an_empty_dashboard_and_a_full_one_are_accepted() {
    assert!(parse(&document(json!([]))).is_ok());
    let panels =
        |number: u32| document((0..number).map(|n| panel(&format!("p{n}"), [0, n, 12, 1])).collect());
    assert!(parse(&panels(100)).is_ok());
    refuses(&panels(101), "panels", "101 items, more than 100");
}

#[test]
fn what_the_whole_document_lacks_or_has_too_much_is_told() {
    for (field, value, part) in [
        ("version", json!(2), "version 2 is not supported"),
        ("version", json!("1"), "invalid type"),
        ("title", json!(""), "1 to 120 characters, not 0"),
        ("title", json!("é".repeat(121)), "not 121"),
        ("title_vi", json!(""), "1 to 120"),
        ("description", json!("d".repeat(2_001)), "not 2001"),
        ("period", json!("2h"), "unknown variant `2h`"),
        ("panels", json!({}), "invalid type"),
        ("colour", json!("red"), "unknown field `colour`"),
    ] {
        let mut document = document(json!([]));
        document[field] = value;
        refuses(&document, field, part);
    }
    assert!(mistake(br#"{"version":1,"title":"T"}"#).contains("missing field `panels`"));
}

#[test]
fn what_is_wrong_with_a_panel_is_told_with_its_place() {
    let nine: Vec<Value> = (0..9).map(|n| json!({"above": n})).collect();
    for (field, value, place, part) in [
        ("id", json!("A"), "id", "a-z, 0-9 and -"),
        ("id", json!(""), "id", "1 to 40"),
        ("id", json!("a".repeat(41)), "id", "1 to 40"),
        ("id", json!("é"), "id", "a-z"),
        ("title", json!(""), "title", "1 to 120"),
        ("title_vi", json!("x".repeat(121)), "title_vi", "not 121"),
        ("table", json!(""), "table", "1 to 255"),
        ("chart", json!("Line"), "chart", "a-z"),
        ("number", json!(""), "number", "1 to 255"),
        ("number", json!(7), "number", "invalid type"),
        ("combination", json!("median"), "combination", "unknown variant `median`"),
        ("by", json!(["a", "b", "c"]), "by", "3 items, more than 2"),
        ("by", json!(["a", ""]), "by[1]", "1 to 255"),
        ("where", json!("n >"), "where", "character 4: expected a value"),
        ("where", json!("a = 1 OR b = 2"), "where", "character 7: conditions are combined with AND only"),
        ("where", json!("n = 1 AND ".repeat(201)), "where", "not 2010"),
        ("limit", json!(0), "limit", "1 to 1000, not 0"),
        ("limit", json!(1_001), "limit", "not 1001"),
        ("limit", json!(1.5), "limit", "invalid type"),
        ("limit", json!(u64::MAX), "limit", "invalid value"),
        ("limit", json!(-1), "limit", "invalid value"),
        ("thresholds", json!(nine), "thresholds", "9 items, more than 8"),
        ("thresholds", json!([{"above": 1}, {}]), "thresholds[1].above", "`above` or `below`"),
        ("thresholds", json!([{"above": 1, "below": 2}]), "thresholds[0].below", "not both"),
        ("thresholds", json!([{"above": 1, "label": ""}]), "thresholds[0].label", "1 to 120"),
        ("thresholds", json!([{"above": 1, "label_vi": ""}]), "thresholds[0].label_vi", "1 to 120"),
        (
            "thresholds",
            json!([{"above": 1, "color": "#f00"}]),
            "thresholds[0].color",
            "expected one of `good`, `warn`, `bad`",
        ),
        ("thresholds", json!([{"over": 1}]), "thresholds[0].over", "unknown field `over`"),
        ("options", json!([]), "options", "invalid type"),
        ("options", json!({"a": "x".repeat(4_096)}), "options", "longer than 4096 bytes"),
        ("colour", json!(1), "colour", "unknown field `colour`"),
    ] {
        refuses(&with(field, value), &format!("panels[0].{place}"), part);
    }
    let options = json!({"a": "x".repeat(4_096 - r#"{"a":""}"#.len())});
    assert!(parse(&with("options", options)).is_ok(), "4,096 bytes are accepted");
}

#[test]
fn a_panel_lies_on_the_grid() {
    for (at, place, part) in [
        (json!({"x": 0, "y": 0, "w": 0, "h": 1}), "at.w", "1 to 12, not 0"),
        (json!({"x": 0, "y": 0, "w": 13, "h": 1}), "at.w", "not 13"),
        (json!({"x": 6, "y": 0, "w": 7, "h": 1}), "at.w", "x + w is 13"),
        (json!({"x": u32::MAX, "y": 0, "w": 1, "h": 1}), "at.w", "x + w is 4294967296"),
        (json!({"x": 0, "y": 0, "w": 1, "h": 0}), "at.h", "1 to 40, not 0"),
        (json!({"x": 0, "y": 0, "w": 1, "h": 41}), "at.h", "not 41"),
        (json!({"x": 0, "y": 1_001, "w": 1, "h": 1}), "at.y", "0 to 1000, not 1001"),
        (json!({"x": -1, "y": 0, "w": 1, "h": 1}), "at.x", "invalid value"),
        (json!({"x": 4_294_967_296_u64, "y": 0, "w": 1, "h": 1}), "at.x", "invalid value"),
        (json!({"x": "0", "y": 0, "w": 1, "h": 1}), "at.x", "invalid type"),
        (json!({"x": 0, "y": 0, "w": 1}), "at", "missing field `h`"),
        (json!({"x": 0, "y": 0, "w": 1, "h": 1, "z": 1}), "at.z", "unknown field `z`"),
    ] {
        let mut third = panel("c", [0, 9, 1, 1]);
        third["at"] = at;
        let panels = json!([panel("a", [0, 1, 1, 1]), panel("b", [1, 1, 1, 1]), third]);
        refuses(&document(panels), &format!("panels[2].{place}"), part);
    }
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_overlap() {
    let pair = |second: Value| document(json!([panel("a", [2, 2, 4, 4]), second]));
    refuses(&pair(panel("a", [0, 40, 1, 1])), "panels[1].id", "panels[0] has the id `a` too");

    for at in [[2, 2, 4, 4], [3, 3, 1, 1], [0, 0, 3, 3], [5, 5, 2, 2], [0, 3, 12, 1], [3, 0, 1, 12]] {
        refuses(&pair(panel("b", at)), "panels[1].at", "the panels `a` and `b` overlap");
    }
    // Panels that touch each other do not overlap.
    for at in [[0, 2, 2, 4], [6, 2, 2, 4], [2, 0, 4, 2], [2, 6, 4, 2], [0, 0, 2, 2]] {
        assert!(parse(&pair(panel("b", at))).is_ok(), "{at:?}");
    }
}

proptest! {
    /// A document is accepted if no cell of the grid belongs to two panels, and refused otherwise.
    #[test]
    fn panels_overlap_if_they_share_a_cell(
        places in proptest::collection::vec((0..12_u32, 0..12_u32, 1..5_u32, 1..5_u32), 1..6)
    ) {
        let places: Vec<[u32; 4]> = places.into_iter().map(|(x, y, w, h)| [x, y, w.min(12 - x), h]).collect();
        let cells = |[x, y, w, h]: [u32; 4]| (x..x + w).flat_map(move |x| (y..y + h).map(move |y| (x, y)));
        let mut taken = BTreeSet::new();
        let are_apart = places.iter().flat_map(|place| cells(*place)).all(|cell| taken.insert(cell));

        let panels = places.iter().enumerate().map(|(n, place)| panel(&format!("p{n}"), *place)).collect();
        prop_assert_eq!(parse(&document(panels)).is_ok(), are_apart);
    }
}

#[test]
fn odd_texts_are_refused() {
    let title = |title: &str| format!(r#"{{"version":1,"title":{title},"panels":[]}}"#);
    let number = |number: &str| {
        let at = r#""at":{"x":0,"y":0,"w":1,"h":1}"#;
        format!(
            r#"{{"version":1,"title":"T","panels":[{{"id":"a","title":"T","table":"t","chart":"c","thresholds":[{{"above":{number}}}],{at}}}]}}"#
        )
    };
    assert!(Dashboard::parse(number("1e308").as_bytes()).is_ok());

    for (text, part) in [
        (String::new(), "EOF"),
        ("null".to_owned(), "invalid type"),
        ("[]".to_owned(), "invalid length 0"),
        (format!("{} x", title("\"T\"")), "trailing characters"),
        (format!("\u{feff}{}", title("\"T\"")), "expected value"),
        (title("\"a\", \"title\": \"b\""), "duplicate field `title`"),
        (title("\"\\ud800\""), "title: "),
        (title("\"a\nb\""), "control character"),
        (title("NaN"), "title: expected value"),
        (number("NaN"), "panels[0].thresholds[0].above: expected value"),
        (number("1e999"), "panels[0].thresholds[0].above: number out of range"),
        (number("-Infinity"), "panels[0].thresholds[0].above: "),
    ] {
        let found = mistake(text.as_bytes());
        assert!(found.contains(part), "{text}: {found}");
    }

    let invalid = [b"{\"version\":1,\"title\":\"".as_slice(), b"\xc3\x28", b"\",\"panels\":[]}"].concat();
    assert_eq!(mistake(&invalid), "byte 23 of the document is not UTF-8");
    let long = format!("{}{}", title("\"T\""), " ".repeat(BYTES_MAX));
    assert!(mistake(long.as_bytes()).contains("longer than 262144 bytes"));
}

#[test]
fn deep_nesting_does_not_end_the_process() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let document = |options: String| {
        with("options", json!({"a": "HERE"})).to_string().replace("\"HERE\"", &options).into_bytes()
    };
    assert!(Dashboard::parse(&document(nested(100))).is_ok());
    let found = mistake(&document(nested(100_000)));
    assert!(found.starts_with("panels[0].options") && found.contains("recursion limit"), "{found}");
    assert!(mistake("[".repeat(BYTES_MAX).as_bytes()).contains("invalid type"));
}

#[test]
fn names_are_those_of_files() {
    for name in ["a", "0-9", &"a".repeat(64)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", ".", "..", "a/b", "A", "a.b", "a_b", "é", "a\0", &"a".repeat(65)] {
        assert!(!is_name(name), "{name:?}");
    }
}
