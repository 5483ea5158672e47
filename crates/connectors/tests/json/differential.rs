//! Compares the decoder with `serde_json` on records that are damaged byte by byte.
//!
//! Both must accept the same records and see the same values, except where the decoder is lenient by design:
//! unread parts may contain bad escapes. These are repaired before `serde_json` is asked again.

use engine::batch::{Encoding, LeafRequest};
use serde_json::Value as Json;
use types::{DataType, Value};

use crate::{LENIENT, Reader, leaf};

const SEED: u64 = 0x8817_2645_4633_2525;
const RECORDS: usize = 60_000;

const EVENTS: [&str; 5] = [
    r#"{"query_id":"q-000000000001","timestamp":"2025-12-09T11:29:58.505151","user":{"user_id":1928,"user_type":"Sinh viên","department_id":4,"department_name":"Khoa đăng ký môn","code":"SV000928","years":1},"session_id":"sess-c71bfb9836","query_text":"Lưu nhất ký điểm viên tốt?","rewritten_query":null,"rag_params":{"k":5,"similarity_threshold":0.7,"context_found":6},"rag_metrics":{"response_time_ms":956.99,"answer_length":219,"answer_text":"thư y doanh","success":true},"metadata":{"model_used":"gpt-4o-mini","history_used":true,"history_count":5,"query_rewritten":false}}"#,
    r#"{"query_id": "q-2", "timestamp": "2025-12-09T11:29:58Z", "user": {"user_id": null, "user_type": "Kh\u00e1ch", "years": null}, "query_text": "c\u00e1ch \u0111\u0103ng k\u00fd \"m\u00f4n\" \\", "rag_params": {"k": 5, "context_found": 3.0}, "rag_metrics": {"response_time_ms": 812, "success": false}, "metadata": {"history_used": null, "query_rewritten": true}, "_id": "65f0"}"#,
    r#"{"query_id":"q-3","ts":"2025-12-09T18:29:58+07:00","user":null,"schema_version":2,"trace":{"id":"ff","tags":["a","b",{"c":[1,2,3]}]},"query_text":"  X  ","rag_metrics":{"response_time_ms":1.5e3}}"#,
    r#"{"user":{"years":2,"user_id":7},"query_text":"đảo","query_id":"q-4","metadata":{}}"#,
    r#"[{"query_id":"q-5"}]"#,
];

fn requests() -> Vec<LeafRequest> {
    let string = || DataType::STRING;
    vec![
        leaf("query_id", string(), Encoding::Presence),
        leaf("timestamp", string(), Encoding::Plain),
        leaf("ts", string(), Encoding::Plain),
        leaf("user.user_id", DataType::Int, Encoding::Plain),
        leaf("user.user_type", string(), Encoding::Coded),
        leaf("user.department_id", DataType::Int, Encoding::Plain),
        leaf("user.department_name", string(), Encoding::Coded),
        leaf("user.years", DataType::BigInt, Encoding::Plain),
        leaf("query_text", string(), Encoding::Coded),
        leaf("rag_params.context_found", DataType::Int, Encoding::Plain),
        leaf("rag_metrics.response_time_ms", DataType::Double, Encoding::Plain),
        leaf("rag_metrics.success", DataType::Boolean, Encoding::Plain),
        leaf("metadata.history_used", DataType::Boolean, Encoding::Plain),
    ]
}

/// A deterministic random number generator.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Changes, removes, inserts or repeats up to four bytes or runs of bytes.
fn damage(record: &mut Vec<u8>, numbers: &mut Numbers) {
    const BYTES: &[u8] = b"{}[],:\"\\0123456789.-+eEntrufalsdD /";
    for _ in 0..numbers.below(4) {
        let (at, byte) = (numbers.below(record.len()), BYTES[numbers.below(BYTES.len())]);
        match numbers.below(4) {
            0 => record[at] = byte,
            1 => record.insert(at, byte),
            2 if record.len() > 1 => drop(record.remove(at)),
            _ => {
                let run = record[at..record.len().min(at + numbers.below(60))].to_vec();
                let to = numbers.below(record.len());
                record.splice(to..to, run);
            }
        }
    }
}

fn serde(record: &[u8]) -> Result<Json, String> {
    match serde_json::Deserializer::from_slice(record).into_iter().next() {
        Some(json) => json.map_err(|error| error.to_string()),
        None => Err("empty".to_owned()),
    }
}

/// Repairs bad escapes, and replaces halves of surrogate pairs by question marks; the length stays the same.
fn mended(record: &[u8]) -> Vec<u8> {
    let mut out = record.to_vec();
    let (mut i, mut inside) = (0, false);

    while i < out.len() {
        match out[i] {
            b'"' => inside = !inside,
            b'\\' if inside && i + 1 < out.len() => {
                let good = match out[i + 1] {
                    b'u' => out.get(i + 2..i + 6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
                    byte => b"\"\\/bfnrt".contains(&byte),
                };
                if !good {
                    out[i] = b'x';
                } else if out[i + 1] == b'u' && out[i + 2].eq_ignore_ascii_case(&b'd') && out[i + 3] > b'7' {
                    out[i + 2..i + 6].copy_from_slice(b"003f");
                }
                i += 1;
            }
            _ => {}
        }
        i += 1;
    }

    out
}

/// Returns the value expected from the tree, or `None` if the tree does not determine it.
fn expected(json: &Json, request: &LeafRequest) -> Option<Value> {
    let in_range = |min: f64, max: f64| {
        let value = json.as_f64().or_else(|| json.as_str()?.trim().parse::<i64>().ok().map(|v| v as f64))?;
        (value >= min && value <= max).then_some(value as i64)
    };

    let value = match request.leaf.column_type.data_type {
        _ if json.is_null() => Value::Null,
        _ if request.encoding == Encoding::Presence => Value::Bool(true),
        DataType::Int => in_range(i32::MIN.into(), i32::MAX.into()).map_or(Value::Null, Value::Int),
        // Beyond 2^53 the tree has no exact number.
        DataType::BigInt if json.as_f64().is_some_and(|value| value.abs() > 9e15) => return None,
        DataType::BigInt => in_range(-9e18, 9e18).map_or(Value::Null, Value::Int),
        DataType::Double => match json {
            Json::Number(number) => Value::Double(number.as_f64()?),
            Json::String(_) => return None,
            _ => Value::Null,
        },
        DataType::Boolean => match json {
            Json::Bool(value) => Value::Bool(*value),
            Json::String(text) => Value::Bool(text.trim().eq_ignore_ascii_case("true")),
            Json::Number(_) | Json::Array(_) | Json::Object(_) => Value::Bool(false),
            Json::Null => Value::Null,
        },
        _ => match json {
            Json::String(text) => Value::Text(text.clone()),
            Json::Bool(value) => Value::Text(value.to_string()),
            // The original form of numbers is lost in the tree.
            _ => return None,
        },
    };

    Some(value)
}

fn same(ours: &Value, expected: &Value) -> bool {
    match (ours, expected) {
        // Numbers of the tree may differ in the last digit.
        (Value::Double(a), Value::Double(b)) => (a - b).abs() <= a.abs() * 1e-15,
        _ => ours == expected,
    }
}

#[test]
fn damaged_records_are_read_as_serde_json_reads_them() {
    let requests = requests();
    let mut reader = Reader::new(&requests, LENIENT);
    let mut numbers = Numbers(SEED);
    let (mut accepted, mut rejected) = (0, 0);

    for turn in 0..RECORDS {
        let mut record = EVENTS[numbers.below(EVENTS.len())].as_bytes().to_vec();
        damage(&mut record, &mut numbers);
        let record = String::from_utf8_lossy(&record).into_owned();
        let context = || format!("seed {SEED:#x}, record {turn}: {record}");

        let ours = reader.read(record.as_bytes());
        let mut theirs = serde(record.as_bytes());
        if ours.is_ok() && theirs.is_err() {
            theirs = serde(&mended(record.as_bytes()));
        }
        if theirs.as_ref().is_err_and(|error| error.contains("out of range") || error.contains("recursion")) {
            continue;
        }

        let objects: Vec<Json> = match theirs {
            Ok(Json::Array(elements)) => {
                let objects: Vec<Json> = elements.iter().filter(|json| json.is_object()).cloned().collect();
                assert_eq!(ours.is_ok(), elements.is_empty() || !objects.is_empty(), "{}", context());
                objects
            }
            Ok(object @ Json::Object(_)) => vec![object],
            Ok(_) | Err(_) => {
                assert!(ours.is_err(), "{theirs:?}, {}", context());
                rejected += 1;
                continue;
            }
        };

        let Ok(rows) = ours else {
            assert!(objects.is_empty(), "{ours:?}, {}", context());
            continue;
        };
        accepted += 1;
        assert_eq!(rows.len(), objects.len(), "{}", context());
        for (row, object) in rows.iter().zip(&objects) {
            for (ours, request) in row.iter().zip(&requests) {
                let json = request.leaf.path.iter().try_fold(object, |json, name| json.get(name));
                if let Some(expected) = expected(json.unwrap_or(&Json::Null), request) {
                    let name = &request.leaf.path;
                    assert!(same(ours, &expected), "{name:?}: {ours:?}, not {expected:?}; {}", context());
                }
            }
        }
    }

    assert!(accepted > RECORDS / 10 && rejected > RECORDS / 10, "{accepted} accepted, {rejected} rejected");
}

#[test]
fn no_bytes_at_all_make_the_decoder_panic() {
    let mut reader = Reader::new(&requests(), LENIENT);
    let mut numbers = Numbers(SEED ^ 1);
    for _ in 0..RECORDS {
        let mut record = EVENTS[numbers.below(EVENTS.len())].as_bytes().to_vec();
        damage(&mut record, &mut numbers);
        for _ in 0..numbers.below(8) {
            let at = numbers.below(record.len());
            record[at] = numbers.below(256) as u8;
        }
        record.truncate(numbers.below(record.len() * 2) + 1);
        let _ = reader.read(&record);
    }
}
