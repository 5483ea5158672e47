//! Which records give rows, and which are rejected with what reason.

use engine::batch::{Encoding, LeafRequest};
use types::{DataType, Value};

use crate::{LENIENT, Reader, leaf, text, value};

fn requests() -> [LeafRequest; 2] {
    [leaf("a", DataType::Int, Encoding::Plain), leaf("s", DataType::STRING, Encoding::Plain)]
}

fn reader() -> Reader {
    Reader::new(&requests(), LENIENT)
}

#[test]
fn records_that_give_rows() {
    let one = vec![Value::Int(1), Value::Null];
    for (record, rows) in [
        (r#"{"a":1}"#, 1),
        ("{\"a\":1}\r", 1),
        (" \t\r\n{ \"a\" : 1 } \n", 1),
        ("\u{feff}{\"a\":1}", 1),
        (r#"{"a":1} trailing"#, 1),
        (r#"{"a":1}{"a":2}"#, 1),
        (r#"{"a":1}}"#, 1),
        (r#"[{"a":1},{"a":1}]"#, 2),
        (r#" [ {"a":1} , {"a":1} ] x"#, 2),
        ("[]", 0),
        ("[ ]", 0),
        (r#"{"A":2,"a":1}"#, 1),
        (r#"{"\u0061":1}"#, 1),
        (r#"{"a":2,"a":1}"#, 1),
        (r#"{"x":{"a":[{"a":2}]},"a":1}"#, 1),
        (r#"{"":0,"a":1}"#, 1),
    ] {
        assert_eq!(reader().read(record.as_bytes()), Ok(vec![one.clone(); rows]), "{record}");
    }

    assert_eq!(reader().row(b"{}"), [Value::Null, Value::Null]);
    assert_eq!(reader().row(b" { } "), [Value::Null, Value::Null]);
}

#[test]
fn records_that_give_none() {
    for (record, reason) in [
        ("", "malformed: the record is empty"),
        (" \n", "malformed: the record is empty"),
        ("null", "malformed: the record is null"),
        ("5", "malformed: the record is neither an object nor an array of objects"),
        ("\"str\"", "malformed: the record is neither an object nor an array of objects"),
        ("[1,2]", "malformed: no element of the array is an object"),
        ("nope", "malformed: expected a value at byte 0"),
        ("{", "malformed: expected a key at byte 1"),
        (r#"{"a":1"#, "malformed: expected `,` or `}` at byte 6"),
        (r#"{"a":1,}"#, "malformed: expected a key at byte 7"),
        (r#"{"a" 1}"#, "malformed: expected `:` at byte 5"),
        (r#"{"a":}"#, "malformed: expected a value at byte 5"),
        (r#"{'a':1}"#, "malformed: expected a key at byte 1"),
        (r#"{a:1}"#, "malformed: expected a key at byte 1"),
        (r#"{"a":"#, "malformed: the record ends before a value at byte 5"),
        (r#"[{"a":1},{"a":}]"#, "malformed: expected a value at byte 14"),
        (r#"[{"a":1}"#, "malformed: expected `,` or `]` at byte 8"),
    ] {
        assert_eq!(reader().rejected(record.as_bytes()), reason, "{record}");
    }
}

/// Values that are not JSON, whether they are read or not.
const BAD: &[&str] = &[
    "NaN",
    "-",
    "-NaN",
    "+1",
    ".5",
    "1.",
    "1.e3",
    "1e",
    "1e+",
    "08",
    "-01",
    "0x10",
    "1_000",
    "1 2",
    "tru",
    "True",
    "nul",
    "nulL",
    "falsee",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1}",
    "{\"k\":1",
    "{\"k\":1]",
    "{\"k\"}",
    "{\"k\":}",
    "{\"k\":1,}",
    "{,}",
    "{1:1}",
    "{k:1}",
    "\"",
    "\"x",
    "\"x\\\"",
    "'x'",
    "// c\n1",
    "/* c */ 1",
    "[1]]",
    "1,",
    "[\"\\\"]",
    "\u{a0}1",
    "\u{feff}1",
    "Infinity",
    "-Infinity",
    "[NaN]",
    "{\"k\":NaN}",
    "[[1]",
    "\"a\" \"b\"",
    "--1",
];

/// Values that are JSON.
const GOOD: &[&str] = &[
    "0",
    "-0",
    "0.0",
    "1e5",
    "1E+05",
    "-1.5e-3",
    "123456789012345678901234567890",
    "1e999",
    "\"\"",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"a\\\\\\\"b\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\u{7f}\u{2028}\"",
    "\"\t\"",
    "true",
    "false",
    "null",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[[],[[]],{}]",
    "{\"\":{\"\":[]}}",
    "{\"k\":1,\"k\":2}",
    "[1,\"a\",null,{\"b\":[true]}]",
    " [ 1 , 2 ] ",
    "{\"a\\\"b\":1}",
    "\"/\"",
    "\"\\/\"",
    "[\"]\",\"}\",\"{\"]",
];

#[test]
fn the_grammar_holds_for_what_is_read_and_for_what_is_not() {
    for name in ["s", "a", "unread"] {
        for form in [r#"{"@":#}"#, r#"{"x":1,"@": # ,"y":2}"#, r#"{"o":{"@":#}}"#, r#"[{"@":#}]"#] {
            let record = |json: &str| form.replace('@', name).replace('#', json).into_bytes();
            let mut reader = reader();
            for json in GOOD {
                assert!(reader.read(&record(json)).is_ok(), "{name} {form} {json}");
            }
            for json in BAD {
                reader.rejected(&record(json));
            }
            // Repeat with the layout known.
            for json in GOOD {
                assert!(reader.read(&record(json)).is_ok(), "{name} {form} {json}");
            }
        }
    }
}

#[test]
fn escapes_and_utf8_matter_only_where_they_are_read() {
    for json in ["\\x", "\\u12g4", "\\u", "\\'"] {
        let record = |name: &str| format!("{{\"{name}\":\"{json}\"}}").into_bytes();
        reader().rejected(&record("s"));
        reader().rejected(&record("a"));
        assert!(reader().read(&record("unread")).is_ok(), "{json}");
    }
    assert!(reader().read(b"{\"unread\":\"\xff\"}").is_ok());
    for encoding in [Encoding::Coded, Encoding::Presence] {
        let mut reader = Reader::new(&[leaf("s", DataType::STRING, encoding)], LENIENT);
        assert_eq!(
            reader.rejected(b"{\"s\":\"\xff\xfe\"}"),
            "malformed: an invalid escape or invalid UTF-8 at byte 5"
        );
        reader.rejected(b"{\"s\":\"\\u0041\xff\"}");
    }
}

#[test]
fn nesting_has_a_limit_and_no_recursion_behind_it() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{{\"u\":{}1{}}}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
        let mut reader = reader();
        for _ in 0..3 {
            assert!(reader.read(&nested(open, close, 127)).is_ok());
            assert!(
                reader
                    .rejected(&nested(open, close, 128))
                    .starts_with("malformed: nested too deeply at byte ")
            );
            reader.rejected(&nested(open, close, 100_000));
        }
    }
}

#[test]
fn a_literal_that_begins_an_object_is_not_taken_for_one_that_goes_on() {
    let mut reader = reader();
    for record in [r#"{"a":1,"s":"x"}"#, r#"{"s":"x","a":1}"#, r#"{"b":1,"a":1,"s":"x"}"#] {
        reader.row(record.as_bytes());
    }
    reader.rejected(br#"{"a":1{"s":"x"}"#);
    reader.rejected(br#"{"s":"x"{"a":1}"#);
    reader.rejected(br#"{,"a":1}"#);
}

#[test]
fn a_second_object_replaces_the_first() {
    let requests = [leaf("r.a", DataType::Int, Encoding::Plain), leaf("r.b", DataType::Int, Encoding::Plain)];
    let mut reader = Reader::new(&requests, LENIENT);
    for _ in 0..2 {
        assert_eq!(reader.row(br#"{"r":{"a":1,"b":1},"r":{"b":2}}"#), [Value::Null, Value::Int(2)]);
        assert_eq!(reader.row(br#"{"r":{"a":1,"b":1},"r":null}"#), [Value::Null, Value::Null]);
        assert_eq!(reader.row(br#"{"r":{"a":1,"a":"x"},"q":{}}"#), [Value::Null, Value::Null]);
    }
    assert_eq!(value("null", DataType::STRING, Encoding::Coded), Value::Null);
}

#[test]
fn a_rejected_record_leaves_no_trace() {
    let mut reader = reader();
    reader.decoder.begin(&mut reader.batch, 1);
    for record in [
        r#"{"a":1,"s":"kept"}"#,
        r#"{"a":2,"s":"gone",}"#,
        r#"[{"a":3,"s":"gone"},{"a":4},{"#,
        r#"{"s":"kept too"}"#,
        r#"[{"a":5},7,{"a":6}]"#,
    ] {
        let _ = reader.decoder.record(&mut reader.batch, record.as_bytes());
    }
    reader.decoder.finish(&mut reader.batch).unwrap();
    let expected = [
        vec![Value::Int(1), text("kept")],
        vec![Value::Null, text("kept too")],
        vec![Value::Int(5), Value::Null],
        vec![Value::Int(6), Value::Null],
    ];
    assert_eq!(reader.rows(), expected);
}
