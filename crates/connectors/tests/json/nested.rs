//! Nested values: decoding from JSON and encoding as JSON again.

use connectors::format::json::JsonOptions;
use connectors::format::json::write::write_scalar;
use engine::batch::Encoding::{Plain, Presence};
use types::{DataType, Field, Value};

use crate::{LENIENT, Reader, leaf};

fn array(of: DataType) -> DataType {
    DataType::Array(Box::new(of.nullable()))
}

fn map(key: DataType, value: DataType) -> DataType {
    DataType::Map(Box::new(key.nullable()), Box::new(value.nullable()))
}

fn row(fields: &[(&str, DataType)]) -> DataType {
    let field = |(name, data_type): &(&str, DataType)| Field {
        name: (*name).to_owned(),
        column_type: data_type.clone().nullable(),
    };
    DataType::Row(fields.iter().map(field).collect())
}

/// Returns the encoded form of a decoded value.
fn again(json: &str, data_type: &DataType) -> String {
    let requests = [leaf("v", data_type.clone(), Plain)];
    let row = Reader::new(&requests, LENIENT).row(format!("{{\"v\": {json} }}").as_bytes());
    let mut out = Vec::new();
    write_scalar(&mut out, row[0].as_scalar(), data_type);
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn values_are_written_as_they_were_read() {
    let point = row(&[("x", DataType::Int), ("y", DataType::STRING)]);
    for (data_type, json, expected) in [
        (array(DataType::Int), "[1, null ,3]", "[1,null,3]"),
        (array(DataType::Int), "[]", "[]"),
        (array(DataType::Int), "null", "null"),
        (
            array(DataType::STRING),
            r#"["a\"b", "é", "\u00e9", 1, true, {"k": [1]}]"#,
            r#"["a\"b","é","é","1","true","{\"k\":[1]}"]"#,
        ),
        (array(array(DataType::Double)), "[[1], [], [2.5, 1e3]]", "[[1.0],[],[2.5,1000.0]]"),
        (point.clone(), r#"{"y": "b", "other": [{}], "x": 1}"#, r#"{"x":1,"y":"b"}"#),
        (point.clone(), "{}", r#"{"x":null,"y":null}"#),
        (point.clone(), r#"{"x": 1, "x": 2}"#, r#"{"x":2,"y":null}"#),
        (array(point), r#"[{"x": 1}, null]"#, r#"[{"x":1,"y":null},null]"#),
        (map(DataType::STRING, DataType::Int), r#"{"a": 1, "a": 2, "é": null}"#, r#"{"a":2,"é":null}"#),
        (map(DataType::Int, DataType::STRING), r#"{"7": "x"}"#, r#"{"7":"x"}"#),
        (DataType::Multiset(Box::new(DataType::STRING.nullable())), r#"{"a": 2}"#, r#"{"a":2}"#),
        (array(DataType::Timestamp(3)), r#"["2025-12-09 11:30:00.5"]"#, r#"["2025-12-09 11:30:00.5"]"#),
        (array(DataType::BYTES), r#"["Cv8="]"#, r#"["Cv8="]"#),
    ] {
        assert_eq!(again(json, &data_type), expected, "{data_type} {json}");
    }
}

#[test]
fn a_part_of_another_type_is_null_and_counted() {
    let ints = array(DataType::Int);
    assert_eq!(again(r#"[1, "x", {}, "3"]"#, &ints), "[1,null,null,3]");
    assert_eq!(again("{}", &ints), "null");
    assert_eq!(again("7", &row(&[("x", DataType::Int)])), "null");

    let requests = [leaf("v", ints, Plain)];
    let mut reader = Reader::new(&requests, LENIENT);
    reader.row(br#"{"v": [1, "x", {}]}"#);
    assert_eq!(reader.decoder.type_errors().collect::<Vec<_>>(), [2]);

    let mut strict = Reader::new(&requests, JsonOptions::default());
    let error = strict.read(br#"{"v": [1, "x"]}"#).expect_err("a wrong type fails the job");
    assert!(error.to_string().contains("field `v` is ARRAY<INT>"), "{error}");
}

#[test]
fn a_row_is_read_whole_and_field_by_field_in_one_record() {
    let user = row(&[("id", DataType::Int), ("address", row(&[("city", DataType::STRING)]))]);
    let requests = [
        leaf("user", user.clone(), Plain),
        leaf("user.id", DataType::Int, Plain),
        leaf("user.address", row(&[("city", DataType::STRING)]), Presence),
        leaf("user.address.city", DataType::STRING, Plain),
    ];
    let mut reader = Reader::new(&requests, LENIENT);
    let record = br#"{"user": {"id": 7, "address": {"city": "Hue"}}}"#;
    for _ in 0..3 {
        let row = reader.row(record);
        let mut out = Vec::new();
        write_scalar(&mut out, row[0].as_scalar(), &user);
        assert_eq!(String::from_utf8_lossy(&out), r#"{"id":7,"address":{"city":"Hue"}}"#);
        assert_eq!(row[1..], [Value::Int(7), Value::Bool(true), Value::Text("Hue".into())]);

        // The second object with the same name replaces the first one.
        let row = reader.row(br#"{"user": {"id": 7, "address": {"city": "Hue"}}, "user": {"id": 8}}"#);
        assert_eq!(row[1..], [Value::Int(8), Value::Null, Value::Null]);
        let row = reader.row(br#"{"user": 5}"#);
        assert_eq!(row, [Value::Null, Value::Null, Value::Null, Value::Null]);
    }
}

#[test]
fn texts_that_are_no_utf8_reject_the_record() {
    let requests = [leaf("v", array(DataType::STRING), Plain)];
    let mut reader = Reader::new(&requests, LENIENT);
    assert!(reader.rejected(b"{\"v\": [\"\xff\"]}").contains("UTF-8"));
    assert!(reader.rejected(br#"{"v": ["\q"]}"#).contains("escape"));
    assert!(reader.rejected(br#"{"v": [1,}"#).contains("malformed"));
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let deep = (0..20).fold(DataType::Int, |of, _| array(of));
    let types = [deep, map(DataType::STRING, array(DataType::Int)), row(&[("a", DataType::BYTES)])];
    let column = |at: usize, of: &DataType| leaf(&format!("c{at}"), of.clone(), Plain);
    let requests: Vec<_> = types.iter().enumerate().map(|(at, of)| column(at, of)).collect();
    let pieces: [&[u8]; 12] =
        [b"{", b"}", b"[", b"]", b",", b":", b"\"c0\"", b"\"c1\"", b"\"a", b"1", b"null", b"\\"];
    let mut reader = Reader::new(&requests, LENIENT);
    let mut seed = 7u64;
    for _ in 0..20_000 {
        let mut record = b"{\"c0\":".to_vec();
        for _ in 0..12 {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            record.extend_from_slice(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        let _ = reader.read(&record);
    }
    // Well-formed records are still decoded.
    assert_eq!(reader.row(br#"{"c1": {"a": [1]}}"#)[0], Value::Null);
}
