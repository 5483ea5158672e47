//! Fused functions give exactly the results of the expressions they replace, for any text.

use types::{DataType, Value};

use super::super::timestamp::{TimeSeparator, TimestampParser, offset_suffix, parse};
use super::super::zone::zone;
use super::no_panics::Random;
use super::*;

const OFFSET: &str = r"(Z|[+-]\d\d:\d\d)$";

/// Returns a text like an event's time, often broken somewhere.
fn awkward_text(random: &mut Random) -> String {
    const WHOLE: [&str; 18] = [
        "2025-12-09T11:30:00",
        "2025-12-09 11:30:00.123456",
        "2025-12-09",
        "2025-1-9T1:3:0",
        "2025-02-30T24:00:00",
        "2024-02-29T23:59:59.999999999",
        "0000-01-01T00:00:00",
        "9999-12-31T23:59:59.9999",
        "2025--",
        "2025-0505-05",
        "+12345-01-01T00:00:00",
        "2025-03-09T02:30:00",
        "2025-11-02T01:30:00",
        "",
        "nope",
        "2025-12-09T11:30",
        "2025-06-31T00:00:00",
        "2025-12- ::",
    ];
    const TAILS: [&str; 12] =
        ["", "", "Z", "+07:00", "-03:30", "+99:99", "+0700", "Z\n", "+07:00\r\n", "\n", "ZZ", "\u{2028}"];
    const BITS: [&str; 16] =
        ["T", " ", "0", "9", "-", ":", ".", "+", "Z", "\n", "\r", "\u{85}", "đ", "24", "00", "٣"];

    let mut text: String = format!("{}{}", random.pick(&WHOLE), random.pick(&TAILS));
    for _ in 0..random.below(3) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = random.pick(&places);
        match (random.below(3), text[at..].chars().next()) {
            (0, Some(c)) => text.replace_range(at..at + c.len_utf8(), random.pick(&BITS)),
            (1, Some(_)) => {
                text.remove(at);
            }
            _ => text.insert_str(at, random.pick(&BITS)),
        }
    }

    text
}

fn value(result: Result<Typed, String>) -> Value {
    result.unwrap().0
}

#[test]
fn parsing_agrees_with_replacing_and_casting() {
    let mut random = Random::new(1);
    let zones = ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"].map(|name| zone(name).unwrap());
    let mut parser = TimestampParser::new();
    for _ in 0..4_000 {
        let text = awkward_text(&mut random);
        let replaced = call("REPLACE", &[s(&text), s("T"), s(" ")]).unwrap();
        let wall = convert(&replaced, DataType::Timestamp(3), CastMode::Try).unwrap();
        assert_eq!(value(call("$PARSE_TIMESTAMP", &[s(&text)])), wall, "{text:?}");
        let as_value = |ms: Option<i64>| ms.map_or(Value::Null, Value::Int);
        assert_eq!(as_value(parser.parse(text.as_bytes(), TimeSeparator::BlankOrT)), wall, "{text:?}");
        let cast = convert(&s(&text), DataType::Timestamp(3), CastMode::Try).unwrap();
        assert_eq!(as_value(parse(text.as_bytes(), TimeSeparator::Blank)), cast, "{text:?}");
        assert_eq!(as_value(parser.parse(text.as_bytes(), TimeSeparator::Blank)), cast, "{text:?}");
        let zone = random.pick(&zones);
        let instant = convert_in(&zone, &replaced, &DataType::TimestampLtz(3), CastMode::Try).unwrap();
        assert_eq!(value(call_in(&zone, "$PARSE_TIMESTAMP_LTZ", &[s(&text)])), instant, "{text:?}");
    }
}

#[test]
fn offsets_agree_with_the_regular_expression() {
    let mut random = Random::new(2);
    for _ in 0..4_000 {
        let text = awkward_text(&mut random);
        let stripped = value(call("REGEXP_REPLACE", &[s(&text), s(OFFSET), s("")]));
        assert_eq!(value(call("$STRIP_OFFSET", &[s(&text)])), stripped, "{text:?}");
        let offset = value(call("REGEXP_EXTRACT", &[s(&text), s(OFFSET), i(1)]));
        assert_eq!(value(call("$OFFSET_OF", &[s(&text)])), offset, "{text:?}");
        let suffix = offset_suffix(text.as_bytes()).map(|s| String::from_utf8(s.to_vec()).unwrap());
        assert_eq!(suffix.map_or(Value::Null, Value::Text), offset, "{text:?}");
    }
}

#[test]
fn a_zone_agrees_with_the_way_through_text() {
    let mut random = Random::new(3);
    let zones = [
        "Z",
        "+07:00",
        "-03:30",
        "+99:99",
        "+18:00",
        "Asia/Ho_Chi_Minh",
        "America/New_York",
        "GMT+7",
        "",
        "nope",
    ];

    for round in 0..4_000 {
        let ms = match round % 4 {
            0 => random.any_int(),
            1 => random.any_int() % 400_000_000_000_000,
            _ => 1_762_000_000_000 + random.any_int() % 40_000_000_000,
        };
        let time = Typed(Value::Int(ms), DataType::Timestamp(3));
        let zone = s(random.pick(&zones));
        let text = convert(&time, DataType::STRING, CastMode::Strict).unwrap();
        let args = [Typed(text, DataType::STRING), s("yyyy-MM-dd HH:mm:ss[.SSS]"), zone.clone()];
        let plain = value(call("TO_TIMESTAMP_LTZ", &args));
        assert_eq!(value(call("$AT_ZONE", &[time, zone.clone()])), plain, "{ms} {zone:?}");
    }
}
