//! Many producers with one decoder, and many records in one batch.

use engine::batch::{Encoding, LeafRequest, RecordSpan};
use types::{DataType, Offset, Timestamp, Value};

use crate::{LENIENT, Reader, leaf, text};

fn requests() -> Vec<LeafRequest> {
    vec![
        leaf("id", DataType::STRING, Encoding::Presence),
        leaf("at", DataType::STRING, Encoding::Plain),
        leaf("user.type", DataType::STRING, Encoding::Coded),
        leaf("user.years", DataType::Int, Encoding::Plain),
        leaf("ms", DataType::Double, Encoding::Plain),
        leaf("ok", DataType::Boolean, Encoding::Plain),
    ]
}

#[test]
fn every_way_of_writing_a_record_gives_the_same_row() {
    let mut reader = Reader::new(&requests(), LENIENT);
    let forms = [
        r#"{"id":"q","at":"10:00","user":{"type":"Khách","years":3},"ms":12.5,"ok":true}"#,
        r#"{"id": "q", "at": "10:00", "user": {"type": "Khách", "years": 3}, "ms": 12.5, "ok": true}"#,
        r#"{"id": "q", "at": "10:00", "user": {"type": "Kh\u00e1ch", "years": 3}, "ms": 12.5, "ok": true, "_id": 7}"#,
        r#"{"ok":true,"ms":12.5,"user":{"years":3,"type":"Khách"},"at":"10:00","id":"q"}"#,
        r#"{"id":"q","version":2,"trace":{"tags":[1,{"a":"}"}]},"at":"10:00","user":{"type":"Khách","code":null,"years":3},"ms":12.5,"note":"\"","ok":true}"#,
        "{\n  \"id\" : \"q\",\n  \"at\" : \"10:00\",\n  \"user\" : {\n    \"type\" : \"Khách\",\n    \"years\" : 3\n  },\n  \"ms\" : 12.5,\n  \"ok\" : true\n}",
        r#"{"\u0069d":"q","at":"10:0\u0030","user":{"type":"Khách","years":"3"},"ms":"12.5","ok":"true"}"#,
        r#"{"id":"q","at":"10:00","user":{"type":"Khách","years":3.0},"ms":125e-1,"ok":true}"#,
        r#"{"trace":"x","id":"q","trace":null,"at":"10:00","trace":5,"user":{"type":"Khách","years":3},"ms":12.50,"ok":true}"#,
    ];

    let expected = [
        Value::Bool(true),
        text("10:00"),
        text("Khách"),
        Value::Int(3),
        Value::Double(12.5),
        Value::Bool(true),
    ];

    let mut seed = 1u64;
    for turn in 0..2000 {
        seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let form = forms[(seed >> 33) as usize % forms.len()];
        assert_eq!(reader.row(form.as_bytes()), expected, "turn {turn}: {form}");
    }
}

#[test]
fn keys_without_end_are_forgotten_again() {
    let mut reader = Reader::new(&requests(), LENIENT);
    for i in 0..3000 {
        let record = format!(
            r#"{{"k{i}":{i},"id":"q","o{i}":{{"a{i}":1}},"user":{{"t{i}":null,"years":{}}},"m":{{"x{i}":[]}}}}"#,
            i % 100
        );
        assert_eq!(reader.row(record.as_bytes())[3], Value::Int(i % 100));
    }
}

#[test]
fn a_batch_grows_beyond_its_capacity() {
    let mut reader = Reader::new(&requests(), LENIENT);
    reader.decoder.begin(&mut reader.batch, 2);
    let objects: Vec<String> = (0..500).map(|i| format!(r#"{{"user":{{"years":{i}}}}}"#)).collect();
    let added =
        reader.decoder.record(&mut reader.batch, format!("[{}]", objects.join(",")).as_bytes()).unwrap();
    assert_eq!((added.rows, added.refused), (500, 0));
    reader.decoder.finish(&mut reader.batch).unwrap();
    for (i, row) in reader.rows().into_iter().enumerate() {
        assert_eq!(row[3], Value::Int(i as i64));
        assert_eq!(row[0], Value::Null);
    }
}

#[test]
fn text_that_is_not_utf8_rejects_its_record_and_no_other() {
    let mut reader = Reader::new(&requests(), LENIENT);
    reader.decoder.begin(&mut reader.batch, 8);
    let records: [&[u8]; 6] = [
        b"{\"at\":\"first\"}",
        b"{\"at\":\"\xc3\"}",
        // Together with the previous record, its bytes are a character.
        b"{\"at\":\"\xa9\"}",
        b"[{\"at\":\"a\"},{\"at\":\"\xff\"},{\"at\":\"b\"}]",
        b"{\"at\":\"\xff\",\"at\":\"replaced\"}",
        "{\"at\":\"é\"}".as_bytes(),
    ];

    for (i, record) in records.iter().enumerate() {
        let added = reader.decoder.record(&mut reader.batch, record).unwrap();
        let span = RecordSpan { offset: Offset(i as u64), appended: Timestamp(0), start: 0, end: 0 };
        reader.batch.origin.records.extend(std::iter::repeat_n(span, added.rows));
    }

    reader.decoder.finish(&mut reader.batch).unwrap();
    let texts: Vec<Value> = reader.rows().into_iter().map(|mut row| row.remove(1)).collect();
    assert_eq!(texts, [text("first"), text("replaced"), text("é")]);
    let rejected: Vec<Offset> = reader.batch.rejects.iter().map(|reject| reject.record.offset).collect();
    assert_eq!(rejected, [Offset(1), Offset(2), Offset(3)]);
    assert_eq!(reader.batch.origin.records.len(), 3);
}

/// Returns records with known texts, new texts, and all special cases of a text.
fn awkward(turn: usize) -> Vec<Vec<u8>> {
    let known = (turn * 31) % 20_000;
    let mut records: Vec<Vec<u8>> = [
        format!(r#"{{"user":{{"type":"text {known}"}}}}"#),
        format!(r#"{{"user":{{"type":"new {turn}"}}}}"#),
        format!(r#"{{"user":{{"type":"text\u0020{known}"}}}}"#),
        format!(r#"{{"user":{{"type":"text {known}","type":null}}}}"#),
        format!(r#"{{"user":{{"type":null,"type":"text {known}"}}}}"#),
        format!(r#"{{"user":{{"type":"lost {turn}"}},"ms":1"#),
        r#"{"user":{"years":1}}"#.to_owned(),
        format!(r#"{{"user":{{"type":"gone"}},"user":{{"type":"text {known}"}}}}"#),
        r#"{"user":{"type":"gone"},"user":null}"#.to_owned(),
        format!(r#"{{"user":{{"type":{turn}}}}}"#),
        format!(r#"[{{"user":{{"type":"text {known}"}}}},{{"user":{{"type":"text {turn}"}}}}]"#),
    ]
    .map(String::into_bytes)
    .to_vec();

    records.extend([
        b"{\"user\":{\"type\":\"\xff\"}}".to_vec(),
        b"{\"user\":{\"type\":\"\xff\",\"type\":\"replaced\"}}".to_vec(),
        b"{\"user\":{\"type\":\"\xff\"},\"user\":null}".to_vec(),
    ]);

    let places = records.len();
    records.rotate_left(turn % places);
    records
}

#[test]
fn a_large_dictionary_changes_no_answer() {
    let mut small = Reader::new(&requests(), LENIENT);
    let mut large = Reader::new(&requests(), LENIENT);
    for i in 0..20_000 {
        large.row(format!(r#"{{"user":{{"type":"text {i}"}}}}"#).as_bytes());
    }

    for turn in 0..300 {
        let mut answers = Vec::new();
        // The small decoder reads records one by one, so that its dictionary stays small.
        for record in awkward(turn) {
            answers.extend(small.read(&record).unwrap_or_default());
        }

        large.decoder.begin(&mut large.batch, 4);
        for (i, record) in awkward(turn).iter().enumerate() {
            let span = RecordSpan { offset: Offset(i as u64), appended: Timestamp(0), start: 0, end: 0 };
            let rows = large.decoder.record(&mut large.batch, record).map_or(0, |added| added.rows);
            large.batch.origin.records.extend(std::iter::repeat_n(span, rows));
        }
        large.decoder.finish(&mut large.batch).unwrap();
        assert_eq!(large.rows(), answers, "turn {turn}");
    }
}

#[test]
fn an_orphan_between_two_halves_of_a_character_hides_nothing() {
    let mut reader = Reader::new(&requests(), LENIENT);
    reader.decoder.begin(&mut reader.batch, 2);
    for (i, record) in [&b"{\"at\":\"\xc3\"}"[..], b"{\"at\":\"\xa9\",\"at\":\"x\"}"].iter().enumerate() {
        reader.decoder.record(&mut reader.batch, record).unwrap();
        let span = RecordSpan { offset: Offset(i as u64), appended: Timestamp(0), start: 0, end: 0 };
        reader.batch.origin.records.push(span);
    }
    reader.decoder.finish(&mut reader.batch).unwrap();
    assert_eq!(reader.batch.rejects.len(), 1);
    assert_eq!(reader.rows()[0][1], text("x"));
}

#[test]
fn a_record_in_utf_16_or_utf_32_gives_the_row_that_it_gives_in_utf_8() {
    let record = r#"{"id":"q","at":"10:00","user":{"type":"Khách 😀","years":3},"ms":12.5,"ok":true}"#;
    let wide = |text: &str| -> [Vec<u8>; 4] {
        let units: Vec<u16> = text.encode_utf16().collect();
        let codes: Vec<u32> = text.chars().map(u32::from).collect();
        [
            units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            codes.iter().flat_map(|code| code.to_be_bytes()).collect(),
            codes.iter().flat_map(|code| code.to_le_bytes()).collect(),
        ]
    };

    let mut reader = Reader::new(&requests(), LENIENT);
    let expected = reader.row(record.as_bytes());
    for text in [record.to_owned(), format!("\u{feff}{record}"), format!(" [{record}]")] {
        for bytes in wide(&text) {
            assert_eq!(reader.row(&bytes), expected, "{bytes:x?}");
        }
    }

    for bytes in wide("{\"at\":}") {
        assert!(reader.rejected(&bytes).starts_with("malformed: "), "{bytes:x?}");
    }
    let beyond = [0x7B_u32, 0x11_0000].map(u32::to_be_bytes).concat();
    assert!(reader.rejected(&beyond).contains("neither UTF-8, nor UTF-16, nor UTF-32"));
    assert_eq!(reader.row(record.as_bytes()), expected);
}
