//! Whatever a record holds: a row or a reason; and never another one because of the records before it.

use bolero::check;
use connectors::format::json::{Decoder, JsonOptions};
use engine::batch::{Batch, Encoding, LeafRequest};
use fuzz::{Edit, edited, time};
use sql::plan::Leaf;
use types::{DataType, Value};

const SEEDS: [&str; 3] = [
    r#"{"query_id":"q-1","timestamp":"2025-12-09T11:30:00.123456","user":{"user_id":1602,"user_type":"Sinh viên","years":3},"query_text":"Học phí?","rag_metrics":{"response_time_ms":525.70,"answer_text":"một hai","success":true}}"#,
    r#"{"query_id": "q-2", "ts": "2025-12-09T11:30:00Z", "user": {"user_id": 7, "user_type": "Sinh vi\u00ean", "years": null}, "query_text": "\ud83d\ude42 \"x\"", "rag_metrics": {"response_time_ms": 812, "success": null}, "_id": "a"}"#,
    r#"[{"query_id":"q-3","user":null},{"trace":{"tags":["a",{"c":[1,2,3]}]},"query_id":null,"user":{"years":2.0}}]"#,
];

fn requests() -> Vec<LeafRequest> {
    let leaf = |path: &str, data_type: DataType, encoding| LeafRequest {
        leaf: Leaf {
            path: path.split('.').map(str::to_owned).collect(),
            column_type: data_type.nullable(),
            metadata: None,
        },
        encoding,
    };
    vec![
        leaf("query_id", DataType::STRING, Encoding::Presence),
        leaf("timestamp", DataType::STRING, Encoding::Plain),
        leaf("ts", DataType::Timestamp(3), Encoding::Plain),
        leaf("user.user_id", DataType::Int, Encoding::Plain),
        leaf("user.user_type", DataType::STRING, Encoding::Coded),
        leaf("user.years", DataType::BigInt, Encoding::Plain),
        leaf("query_text", DataType::STRING, Encoding::Coded),
        leaf("rag_metrics.response_time_ms", DataType::Double, Encoding::Plain),
        leaf("rag_metrics.success", DataType::Boolean, Encoding::Plain),
    ]
}

/// The rows of one record, or `None` where it is refused; in which words may depend on the way taken.
fn decoded(decoder: &mut Decoder, record: &[u8]) -> Option<Vec<Vec<Value>>> {
    let mut batch = Batch::new(&requests());
    decoder.begin(&mut batch, 1);
    let outcome = decoder.record(&mut batch, record);
    decoder.finish(&mut batch).expect("parse errors are ignored");
    let row = |row| batch.columns.iter().map(|column| column.get(row).to_value()).collect();
    outcome.ok().map(|_| (0..batch.rows).map(row).collect())
}

#[test]
fn decoder() {
    let options = JsonOptions { ignore_parse_errors: true, ..JsonOptions::default() };
    check!().with_type::<Vec<(u8, Vec<Edit>)>>().with_test_time(time()).for_each(|records| {
        let mut experienced = Decoder::new(&requests(), options);
        for (seed, edits) in records {
            let record = edited(SEEDS[usize::from(*seed) % SEEDS.len()].as_bytes(), edits);
            let mut fresh = Decoder::new(&requests(), options);
            assert_eq!(decoded(&mut experienced, &record), decoded(&mut fresh, &record));
        }
    });
}
