//! Tables and their rows.

use serde_json::{Value, json};

use super::parts::{Dice, Kind};

/// A declared table with rows.
#[derive(Clone)]
pub struct Made {
    pub name: &'static str,
    /// Columns that a query may use freely, without the event time.
    pub columns: Vec<(String, Kind)>,
    pub declaration: String,
    pub rows: Rows,
}

impl Made {
    /// Returns whether its rows are updated and deleted.
    pub fn changes(&self) -> bool {
        self.declaration.contains("PRIMARY KEY")
    }
}

#[derive(Clone)]
pub struct Rows(pub Vec<Value>);

/// The order of the rows' times.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Some rows are behind the watermark.
    Late,
    /// Rows are out of order, and none is late.
    Disordered,
    /// As [`Times::Late`], with a different time for every row.
    Unique,
}

const KEYS: [&str; 6] = ["a", "b", "Toán", "Vật lý", "công nghệ", ""];
const TEXTS: [&str; 9] =
    ["học phí kỳ này", "Lịch thi", "lịch thi", "ĐIỂM THI", "", "  i  ", "xin chào 👋", "straße", "a,b,,c"];
const VALUE_KINDS: [Kind; 7] =
    [Kind::Int, Kind::BigInt, Kind::Double, Kind::Decimal, Kind::Text, Kind::Bool, Kind::Time];
/// The delay of watermarks, in milliseconds.
const DELAY: i64 = 3_000;

fn value_columns(dice: &mut Dice) -> Vec<(String, Kind)> {
    let mut columns =
        vec![("id".to_owned(), Kind::BigInt), ("k".to_owned(), Kind::Text), ("g".to_owned(), Kind::Int)];
    columns.extend((0..2 + dice.below(3)).map(|at| (format!("v{at}"), dice.pick(&VALUE_KINDS))));
    columns
}

fn value(dice: &mut Dice, kind: Kind) -> Value {
    if dice.chance(15) {
        return Value::Null;
    }
    match kind {
        Kind::Int => json!(dice.pick(&[0, 1, 2, 3, 5, -1, 100, i32::MAX, i32::MIN])),
        Kind::BigInt => json!(dice.pick(&[0_i64, 1, 2, 7, -5, 1 << 40, 9_007_199_254_740_993])),
        Kind::Double => json!(dice.pick(&[0.5, -0.125, 12.25, 3.0, 1e6, 0.0])),
        Kind::Decimal | Kind::WideDecimal => {
            json!(dice.pick(&[1.5, 2.25, 10.1, 0.0, -3.33, 99_999_999.99, 1.005]))
        }
        Kind::Text => json!(dice.pick(&TEXTS)),
        Kind::Bool => json!(dice.chance(50)),
        Kind::Time => json!(time(dice.below(40_000) as i64 / 500 * 500)),
    }
}

fn row(dice: &mut Dice, columns: &[(String, Kind)], id: usize) -> Value {
    let mut row = serde_json::Map::new();
    for (name, kind) in columns {
        let value = match name.as_str() {
            "id" => json!(id),
            "k" if dice.chance(10) => Value::Null,
            "k" => json!(dice.pick(&KEYS)),
            "g" if dice.chance(10) => Value::Null,
            "g" => json!(dice.below(4)),
            _ => value(dice, *kind),
        };
        row.insert(name.clone(), value);
    }
    Value::Object(row)
}

pub fn time(millis: i64) -> String {
    let moment = jiff::civil::date(2025, 12, 9).at(8, 0, 0, 0) + jiff::SignedDuration::from_millis(millis);
    moment.strftime("%Y-%m-%d %H:%M:%S%.f").to_string()
}

fn declaration(name: &str, columns: &[(String, Kind)], more: &[&str], options: &str) -> String {
    let mut lines: Vec<String> =
        columns.iter().map(|(name, kind)| format!("  {name} {}", kind.sql())).collect();
    lines.extend(more.iter().map(|line| format!("  {line}")));
    format!("CREATE TABLE {name} (\n{}\n) WITH (\n  {options}\n);\n", lines.join(",\n"))
}

fn from_kafka(name: &str, format: &str) -> String {
    format!(
        "'connector' = 'kafka', 'topic' = '{name}', 'properties.bootstrap.servers' = 'localhost:9092',\n  \
         'scan.startup.mode' = 'earliest-offset', 'format' = '{format}'"
    )
}

/// Returns new rows with an event time `ts`.
pub fn events(dice: &mut Dice, name: &'static str, times: Times) -> Made {
    let columns = value_columns(dice);
    let mut rows = Vec::new();
    let mut clock = 0;
    for id in 1..=15 + dice.below(35) {
        clock += dice.pick(&[0, 250, 500, 1_000, 2_000, 5_000]);
        let late = times != Times::Disordered && dice.chance(8);
        let behind =
            if late { dice.pick(&[3_000, 3_001, 8_000, 20_000]) } else { dice.pick(&[0, 0, 500, 2_500]) };
        // A different millisecond for each row, where times must differ.
        let own = if times == Times::Unique { id as i64 } else { 0 };
        let mut made = row(dice, &columns, id);
        made["ts"] = json!(time((clock - behind).max(0) / 250 * 250 + own));
        if times != Times::Unique && dice.chance(5) {
            rows.push(made.clone());
        }
        rows.push(made);
    }

    let watermark = format!("WATERMARK FOR ts AS ts - INTERVAL '{}' SECOND", DELAY / 1_000);
    let declaration =
        declaration(name, &columns, &["ts TIMESTAMP(3)", &watermark], &from_kafka(name, "json"));
    Made { name, columns, declaration, rows: Rows(rows) }
}

/// Returns rows that change, by their `id`.
pub fn changing(dice: &mut Dice, name: &'static str) -> Made {
    let format = dice.pick(&["debezium-json", "canal-json", "upsert"]);
    changing_as(dice, name, format, false)
}

/// Returns rows that change, by their `id`, with an event time `ts`.
pub fn changing_events(dice: &mut Dice, name: &'static str) -> Made {
    // An upsert that deletes a row has no time.
    let format = dice.pick(&["debezium-json", "canal-json"]);
    changing_as(dice, name, format, true)
}

fn changing_as(dice: &mut Dice, name: &'static str, format: &str, has_time: bool) -> Made {
    let columns = value_columns(dice);
    let mut standing: Vec<Option<Value>> = vec![None; 8];
    let (mut rows, mut clock) = (Vec::new(), 0);
    for _ in 0..20 + dice.below(30) {
        clock += dice.pick(&[0, 250, 1_000, 2_000]);
        let id = dice.below(standing.len());
        let before = standing[id].take();
        let after = (before.is_none() || dice.chance(70)).then(|| {
            let mut after = row(dice, &columns, id);
            if has_time {
                after["ts"] = json!(time((clock - dice.pick(&[0, 0, 500, 2_500])).max(0)));
            }
            after
        });
        rows.push(record(format, id, before.as_ref(), after.as_ref()));
        standing[id] = after;
    }

    let options = match format {
        "upsert" => format!(
            "'connector' = 'upsert-kafka', 'topic' = '{name}', 'properties.bootstrap.servers' = 'localhost:9092',\n  \
             'key.format' = 'json', 'value.format' = 'json'"
        ),
        format => from_kafka(name, format),
    };
    let watermark = watermark();
    let mut more = vec!["PRIMARY KEY (id) NOT ENFORCED"];
    if has_time {
        more.extend(["ts TIMESTAMP(3)", &watermark]);
    }
    let declaration = declaration(name, &columns, &more, &options);
    Made { name, columns, declaration, rows: Rows(rows) }
}

fn watermark() -> String {
    format!("WATERMARK FOR ts AS ts - INTERVAL '{}' SECOND", DELAY / 1_000)
}

fn record(format: &str, id: usize, before: Option<&Value>, after: Option<&Value>) -> Value {
    match (format, before, after) {
        ("upsert", _, after) => json!({ "op": "u", "key": { "id": id }, "value": after }),
        ("debezium-json", before, after) => {
            let op = match (before, after) {
                (None, _) => "c",
                (_, Some(_)) => "u",
                (_, None) => "d",
            };
            json!({ "before": before, "after": after, "op": op })
        }
        (_, None, after) => json!({ "data": [after], "old": null, "type": "INSERT" }),
        (_, Some(before), None) => json!({ "data": [before], "old": null, "type": "DELETE" }),
        (_, Some(before), Some(after)) => {
            let fields = before.as_object().expect("a row").iter();
            let old: serde_json::Map<String, Value> = fields
                .filter(|(name, value)| after[name.as_str()] != **value)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            json!({ "data": [after], "old": [old], "type": "UPDATE" })
        }
    }
}

/// Returns versions of rows, by their key `k`, each with the time `ts` from which it is valid.
pub fn versions(dice: &mut Dice, name: &'static str) -> Made {
    let columns: Vec<(String, Kind)> =
        value_columns(dice).into_iter().filter(|(name, _)| name != "id").collect();
    let mut standing: Vec<Option<Value>> = vec![None; KEYS.len()];
    let mut rows = Vec::new();
    for number in 0..10 + dice.below(15) {
        let key = dice.below(KEYS.len());
        // A deletion is valid from the time in the row that it deletes.
        let moment = time(number as i64 * 2_000 + 125);
        let before = standing[key].take().map(|mut before| {
            before["ts"] = json!(moment);
            before
        });
        let after = (before.is_none() || dice.chance(70)).then(|| {
            let mut after = row(dice, &columns, 0);
            after["k"] = json!(KEYS[key]);
            after["ts"] = json!(moment);
            after
        });
        rows.push(record("debezium-json", key, before.as_ref(), after.as_ref()));
        standing[key] = after;
    }

    let more =
        ["ts TIMESTAMP(3)", "WATERMARK FOR ts AS ts - INTERVAL '1' SECOND", "PRIMARY KEY (k) NOT ENFORCED"];
    let declaration = declaration(name, &columns, &more, &from_kafka(name, "debezium-json"));
    Made { name, columns, declaration, rows: Rows(rows) }
}

/// Returns rows with nested arrays, maps and rows.
pub fn nested(dice: &mut Dice, name: &'static str) -> Made {
    let mut rows = Vec::new();
    for id in 1..=8 + dice.below(10) {
        let mut tags = || {
            (0..dice.below(4))
                .map(|_| dice.pick(&[json!("i"), json!("thi"), Value::Null]))
                .collect::<Vec<_>>()
        };
        let tags = tags();
        let pairs = [json!({}), json!({ "a": 1 }), json!({ "a": null, "b": 2 }), Value::Null];
        let lines = [json!([]), json!([{ "code": "x", "n": 1 }, { "code": null, "n": 2 }]), Value::Null];
        rows.push(json!({
            "id": id,
            "k": dice.pick(&KEYS),
            "tags": if dice.chance(15) { Value::Null } else { json!(tags) },
            "pairs": dice.pick(&pairs),
            "lines": dice.pick(&lines),
        }));
    }

    let columns = vec![("id".to_owned(), Kind::BigInt), ("k".to_owned(), Kind::Text)];
    let more = ["tags ARRAY<STRING>", "pairs MAP<STRING, INT>", "lines ARRAY<ROW<code STRING, n INT>>"];
    let declaration = declaration(name, &columns, &more, &from_kafka(name, "json"));
    Made { name, columns, declaration, rows: Rows(rows) }
}
