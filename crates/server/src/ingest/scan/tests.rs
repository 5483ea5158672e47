//! Compares the scanner with serde_json.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

fn accepts(text: &[u8]) -> bool {
    value(text).is_ok_and(|(_, used)| blanks(&text[used..]) == text.len() - used)
}

fn judge(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok() && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

const SEED: &str = r#"{"query_id": "q-1", "timestamp": "2025-12-09T11:30:00.123456Z", "user": {"user_type":
    "Sinh vi\u00ean", "answer": "\u0110i\u1ec1u ki\u1ec7n \"x\u00e9t\" h\u1ecdc\tb\u1ed5ng n\u0103m nay \\\u00e0", "years": null, "x": [1, -2.5e+3, true, false, [], {}, {"a": []}]}, "n": 0.25, "t\n\\": "é"}"#;

#[test]
fn the_three_fields_are_found_and_nothing_else_is() {
    let (scanned, used) =
        value(br#" {"ts":null,"query_id":"a\"b","user":{"query_id":"no"},"timestamp":1} x"#)
            .expect("well formed");
    let fields = Fields { query_id: Held::Text(br#"a\"b"#), timestamp: Held::Other, ts: Held::Null };
    assert_eq!((scanned, used), (Scanned::Object(fields), 69));
}

#[test]
fn a_field_spelled_with_escapes_is_the_same_field_and_the_last_one_counts() {
    let (scanned, _) = value(br#"{"query_id":"a","query\u005fid":"b"}"#).expect("well formed");
    let Scanned::Object(fields) = scanned else { panic!("an object") };
    assert_eq!(fields.query_id, Held::Text(b"b"));
}

#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    for deep in [2, 10, 126, 127, 128, 129, 100_000] {
        let text = format!(r#"{{"a":{}{}}}"#, "[".repeat(deep - 1), "]".repeat(deep - 1));
        assert_eq!(accepts(text.as_bytes()), deep <= 127, "{deep} levels");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_accepts_what_serde_json_accepts(edits in prop::collection::vec((0usize..400, any::<u8>(), 0u8..4), 0..4)) {
        let mut text = SEED.as_bytes().to_vec();
        for (place, byte, how) in edits {
            let place = place % text.len();
            match how {
                0 => text[place] = byte,
                1 => { text.remove(place); }
                2 => text.insert(place, br#"{}[]",:\nu0-.e "#[usize::from(byte) % 15]),
                _ => text.truncate(place.max(8)),
            }
        }
        if std::str::from_utf8(&text).is_ok() {
            prop_assert_eq!(accepts(&text), judge(&text), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn it_accepts_what_serde_json_accepts_of_json_like_noise(text in r#"[\[\]{}",:0-9eE.+\-tfnrulase\\ ]{0,24}"#) {
        prop_assert_eq!(accepts(text.as_bytes()), judge(text.as_bytes()));
    }
}
