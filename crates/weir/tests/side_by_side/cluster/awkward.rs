//! Awkward events: generated ones with fields missing, null, of another type or in another form, and records that are no events.
//!
//! Left out is what Flink and Weir are known to read differently (docs/flink.md): an object or an array where a table declares
//! something else, repeated names, and nested objects that are not JSON.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

/// Share of the events that become awkward: one of so many.
const RARITY: u32 = 3;

/// Names and questions with letters, signs and blanks that keys and comparisons of texts may stumble over.
const TEXTS: [&str; 14] = [
    "",
    " ",
    "  Học phí kỳ này?  ",
    "HỌC PHÍ KỲ NÀY?",
    "đăng ký: học phần % 50",
    "a:b:c",
    "100%25",
    "{window_end}",
    "İstanbul ΣΊΣΥΦΟΣ",
    "e\u{301}te\u{301}",
    "tab\tnew\nline \"quoted\" \\ back",
    "nul \u{0} byte",
    "👩\u{200d}🎓 🇻🇳",
    "\u{a0}không dấu cách\u{3000}",
];

/// Values where the table declares a number.
const NUMBERS: [&str; 14] = [
    "null",
    "0",
    "-3",
    "2.0",
    "2.7",
    "1e2",
    "\"12\"",
    "\" 12 \"",
    "\"3.5\"",
    "\"x\"",
    "\"\"",
    "true",
    "3000000000",
    "-0.0",
];

/// Values where the table declares a boolean.
const BOOLEANS: [&str; 8] = ["null", "true", "\"true\"", "\"TRUE\"", "1", "0", "\"yes\"", "\"\""];

/// Values where the table declares a row.
const ROWS: [&str; 5] = ["null", "{}", "\"x\"", "7", "{\"unknown\":{\"deep\":[1,{\"a\":2}]}}"];

/// Returns the record of a generated event: as it is, or made awkward.
pub fn record(line: &str, random: &mut fastrand::Rng) -> Vec<u8> {
    if random.u32(0..RARITY) != 0 {
        return line.as_bytes().to_vec();
    }
    let mut event: Value = serde_json::from_str(line).expect("a generated event");
    match random.u32(0..12) {
        0 => return broken(line, random),
        1 => return several(line, &event, random),
        2 => event["timestamp"] = other_form(&event, random),
        3 => {
            let time = event["timestamp"].take();
            event["ts"] = time;
        }
        4 => {
            let time = *random
                .choice(["\"nope\"", "\"\"", "null", "17", "\"2025-13-09T11:30:00\""].iter())
                .expect("one");
            event["timestamp"] = parsed(time);
        }
        5 => event["query_text"] = text(random),
        6 => {
            let field = *random.choice(["user_type", "department_name"].iter()).expect("one");
            event["user"][field] = text(random);
        }
        7 => {
            let field = *random.choice(["user_id", "department_id", "years"].iter()).expect("one");
            event["user"][field] = parsed(random.choice(NUMBERS.iter()).expect("one"));
        }
        8 => {
            let number = parsed(random.choice(NUMBERS.iter()).expect("one"));
            match random.bool() {
                true => event["rag_params"]["context_found"] = number,
                false => event["rag_metrics"]["response_time_ms"] = number,
            }
        }
        9 => {
            let boolean = parsed(random.choice(BOOLEANS.iter()).expect("one"));
            match random.bool() {
                true => event["rag_metrics"]["success"] = boolean,
                false => event["metadata"]["query_rewritten"] = boolean,
            }
        }
        10 => {
            let field =
                *random.choice(["user", "rag_params", "rag_metrics", "metadata"].iter()).expect("one");
            event[field] = parsed(random.choice(ROWS.iter()).expect("one"));
        }
        _ => {
            let event = event.as_object_mut().expect("an object");
            let names: Vec<String> = event.keys().cloned().collect();
            event.remove(random.choice(names.iter()).expect("one"));
        }
    }
    event.to_string().into_bytes()
}

fn parsed(value: &str) -> Value {
    serde_json::from_str(value).expect("JSON")
}

fn text(random: &mut fastrand::Rng) -> Value {
    match random.u32(0..8) {
        0 => json!(1.5),
        1 => json!(true),
        2 => Value::Null,
        3 => json!("dài ".repeat(2_000)),
        _ => json!(random.choice(TEXTS.iter()).expect("one")),
    }
}

/// Returns a record that is not an event: cut off, not JSON, or no text at all.
fn broken(line: &str, random: &mut fastrand::Rng) -> Vec<u8> {
    match random.u32(0..6) {
        0 => line.as_bytes()[..random.usize(1..line.len())].to_vec(),
        1 => line.replacen("\"query_id\"", "query_id", 1).into_bytes(),
        2 => format!("{},}}", &line[..line.len() - 1]).into_bytes(),
        3 => [&b"\xff\xfe"[..], line.as_bytes()].concat(),
        4 => b"null".to_vec(),
        _ => b"  ".to_vec(),
    }
}

/// Returns a record with more than one event, or with more than an event.
fn several(line: &str, event: &Value, random: &mut fastrand::Rng) -> Vec<u8> {
    let mut other = event.clone();
    other["user"]["user_id"] = json!(random.u32(1..100));
    match random.u32(0..4) {
        0 => format!("[{line},{other}]"),
        1 => "[]".to_owned(),
        2 => format!("{line} and more"),
        _ => format!("{line}{other}"),
    }
    .into_bytes()
}

/// Returns the time of an event in another form of ISO 8601.
fn other_form(event: &Value, random: &mut fastrand::Rng) -> Value {
    let time: DateTime = event["timestamp"].as_str().expect("a text").parse().expect("a time");
    let instant = time.to_zoned(TimeZone::UTC).expect("a time").timestamp();
    let with_offset = |minutes: i32| {
        let offset = Offset::from_seconds(minutes * 60).expect("an offset");
        let local = offset.to_datetime(instant);
        let sign = if minutes < 0 { '-' } else { '+' };
        format!(
            "{}{sign}{:02}:{:02}",
            local.strftime("%Y-%m-%dT%H:%M:%S%.3f"),
            minutes.abs() / 60,
            minutes.abs() % 60
        )
    };
    json!(match random.u32(0..6) {
        0 => format!("{}Z", time.strftime("%Y-%m-%dT%H:%M:%S%.3f")),
        1 => with_offset(7 * 60),
        2 => with_offset(-3 * 60 - 30),
        3 => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        4 => time.strftime("%Y-%m-%dT%H:%M:%S%.9f").to_string(),
        _ => time.strftime("%Y-%m-%dT%H:%M:%S%.1f").to_string(),
    })
}
