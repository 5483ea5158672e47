//! A table keeps what was written, no more and no less: its texts, its times, and all digits.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jobs::ColumnKind;
use serde_json::{Value, json};
use types::Timestamp;

use super::table as declared;
use crate::analytics::Moment;
use crate::results::answer::answer;
use crate::results::format::Format;
use crate::results::request::Request;
use crate::results::table::{RowTable, Taken};
use crate::results::template::Template;
use crate::results::view::TableView;

const FOREVER: Timestamp = Timestamp(i64::MAX);

fn table(key: &str, columns: &[(&str, ColumnKind)], zone: TimeZone) -> RowTable {
    let declared = Arc::new(declared("t", key, columns));
    let template = Arc::new(Template::of(&declared));
    RowTable::new(declared, template, zone)
}

/// Pages by minute, with a text that may change.
fn pages(key: &str) -> RowTable {
    let columns = [
        ("page", ColumnKind::Text),
        ("note", ColumnKind::Text),
        ("n", ColumnKind::Integer),
        ("window_end", ColumnKind::Time),
    ];
    table(key, &columns, TimeZone::UTC)
}

fn write(table: &mut RowTable, key: &str, value: &Value) -> Taken {
    table.write(key, value.to_string().as_bytes(), FOREVER, 0)
}

fn time(minute: usize) -> String {
    format!("2025-12-09T11:{minute:02}:00")
}

fn rows(view: &TableView, query: &[(&str, &str)]) -> Vec<Value> {
    let pairs: Vec<(String, String)> =
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let request = Request::parse(&pairs, &view.declared, Moment(0), &view.zone).expect("a request");
    let json = answer("t", view, &request, Format::Json).expect("an answer").body;
    let answer: Value = serde_json::from_slice(&json).expect("JSON");
    answer["rows"].as_array().expect("rows").clone()
}

#[test]
fn a_reader_sees_the_rows_as_they_were_whatever_is_written_meanwhile() {
    let mut table = pages("k:{page}:{window_end}");
    let key = |n: usize| format!("k:/{n}:{}", time(n % 60));
    let row = |n: usize, note: &str| json!({"page": format!("/{n}"), "note": format!("{note} {n}"), "n": n, "window_end": time(n % 60)});
    for n in 0..600 {
        write(&mut table, &key(n), &row(n, "first"));
    }
    let view = table.view();
    let before = rows(&view, &[("order", "n")]);
    assert_eq!((before.len(), &before[599]["note"]), (600, &json!("first 599")));

    // Every kind of change: replaced, new and deleted rows, forgotten texts and dropped rows.
    for n in 300..900 {
        write(&mut table, &key(n), &row(n, "second"));
    }
    (0..100).for_each(|n| table.delete(&key(n), 0));
    table.drop_oldest();
    assert_eq!(rows(&view, &[("order", "n")]), before);
    let now = rows(&table.view(), &[("order", "-n"), ("limit", "1")]);
    assert_eq!(now[0]["note"], "second 899");
}

#[test]
fn refused_rows_leave_no_texts() {
    let mut table = pages("k:{page}:{window_end}");
    let row = |n: usize| {
        let value = json!({"page": format!("/{n}"), "note": format!("note {n}"), "window_end": time(n % 60)});
        (format!("odd:{n}"), value)
    };
    for n in 0..60 {
        let (key, value) = row(n);
        assert_eq!(write(&mut table, &key, &value), Taken::Row);
    }
    table.drop_oldest();
    let (texts, bytes) = (table.texts.len(), table.memory_bytes());

    for n in 0..1_000 {
        let (key, value) = row(60 * (n + 1));
        assert_eq!(write(&mut table, &key, &value), Taken::TooOld);
        let cut = value.to_string().replace('}', "");
        assert_eq!(table.write(&key, cut.as_bytes(), FOREVER, 0), Taken::NoObject);
    }
    assert_eq!(table.texts.len(), texts);
    assert!(table.memory_bytes() <= bytes * 2, "{bytes} and now {}", table.memory_bytes());

    // The next row has its own texts.
    let (key, value) = row(59 + 60 * 2_000);
    write(&mut table, &key, &value);
    let found = rows(&table.view(), &[("where", "n IS NULL AND note = 'note 120059'")]);
    assert_eq!((found.len(), &found[0]["_key"]), (1, &json!(key)));
}

#[test]
fn texts_of_replaced_rows_are_forgotten_before_they_are_many() {
    let mut table = pages("k:{page}:{window_end}");
    let long = "x".repeat(8 << 10);
    for n in 0..500 {
        let value = json!({"page": "/a", "note": format!("{n} {long}"), "window_end": time(1)});
        write(&mut table, &format!("k:/a:{}", time(1)), &value);
    }
    assert_eq!(table.rows, 1);
    assert!(table.memory_bytes() < 400 << 10, "{} bytes", table.memory_bytes());
    let found = rows(&table.view(), &[("where", "note LIKE '499 x%'")]);
    assert_eq!(found.len(), 1);
}

#[test]
fn a_table_whose_rows_are_gone_gives_their_texts_back() {
    let mut table = pages("k:{page}:{window_end}");
    for n in 0..200 {
        let value = json!({"page": format!("/{n}"), "note": "y".repeat(200) + &n.to_string()});
        write(&mut table, &format!("k:/{n}:unknown"), &value);
    }
    (0..200).for_each(|n| table.delete(&format!("k:/{n}:unknown"), 0));
    assert!(table.rows == 0 && table.texts.len() > 0);
    assert_eq!(table.drop_oldest(), 0);
    assert_eq!(table.texts.len(), 0);
}

#[test]
fn a_row_that_moves_keeps_its_texts_when_others_are_forgotten() {
    let mut table = pages("k:{page}");
    // Rows without a time have that of their writing, so each write moves the row.
    let note = |n: i64| format!("{n} {}", "z".repeat(2_000));
    for n in 0..200 {
        let value = json!({"page": "/a", "note": note(n), "n": n}).to_string();
        table.write("k:/a", value.as_bytes(), FOREVER, n * 1_000);
        let found = rows(&table.view(), &[]);
        assert_eq!((found.len(), &found[0]["note"], &found[0]["_key"]), (1, &json!(note(n)), &json!("k:/a")));
    }
}

#[test]
fn rows_are_found_wherever_their_key_has_the_time() {
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    let columns = [("page", ColumnKind::Text), ("at", ColumnKind::Time)];
    for template in ["k:{at}:{page}", "{at}{page}", "k:{page}-{at}-end"] {
        let mut table = table(template, &columns, zone.clone());
        let key = |page: &str, at: &str| template.replace("{page}", page).replace("{at}", at);
        // The last has another time in its value than in its key.
        for (page, at, in_key) in [
            ("a", "2025-12-09T11:30:00", "2025-12-09T11:30:00"),
            ("b", "2025-12-09 11:30:00.250Z", "2025-12-09 11:30:00.250Z"),
            ("c", "2025-12-09T11:31:00", "2025-12-09T11:30:00"),
        ] {
            let key = key(page, in_key);
            for n in 0..2 {
                write(&mut table, &key, &json!({"page": page, "at": at, "n": n}));
            }
            assert!(table.find(&key).is_some(), "{key}");
        }
        // The last needs an entry; the others are found without one, and without a search.
        assert_eq!((table.rows, table.places.len()), (3, 1));

        // A row whose value loses its time, and gets it back, stays one row.
        let key = key("a", "2025-12-09T11:30:00");
        write(&mut table, &key, &json!({"page": "a"}));
        write(&mut table, &key, &json!({"page": "a", "at": "2025-12-09T11:30:00"}));
        assert_eq!(table.rows, 3);
        table.delete(&key, 0);
        assert!(table.rows == 2 && table.find(&key).is_none());
    }
}

#[test]
fn numbers_of_many_digits_are_compared_by_all_of_them_and_summed() {
    let mut table = table("k:{n}", &[("n", ColumnKind::Integer)], TimeZone::UTC);
    let numbers = ["9223372036854775808", "9223372036854775809", "7", "123456789012345678901234"];
    for n in numbers {
        table.write(&format!("k:{n}"), format!(r#"{{"n":{n}}}"#).as_bytes(), FOREVER, 0);
    }
    let view = table.view();
    let written = |query: &[(&str, &str)]| -> Vec<String> {
        let keys = rows(&view, query).into_iter().map(|row| row["_key"].as_str().expect("a key").to_owned());
        keys.collect()
    };
    assert_eq!(written(&[("where", "n = 9223372036854775809")]), ["k:9223372036854775809"]);
    assert_eq!(
        written(&[("order", "-n")]),
        ["k:123456789012345678901234", "k:9223372036854775809", "k:9223372036854775808", "k:7"]
    );
    let sums = rows(&view, &[("aggregate", "sum(n),min(n)")]);
    assert_eq!(sums[0]["min(n)"], 7);
    assert!(sums[0]["sum(n)"].as_f64().is_some_and(|sum| sum > 1.2347e23 && sum < 1.2348e23), "{sums:?}");
}

#[test]
fn periods_of_instants_are_those_of_the_wall_clock() {
    let columns = [("at", ColumnKind::Time), ("n", ColumnKind::Integer)];
    let mut table = table("k:{n}", &columns, TimeZone::fixed(jiff::tz::offset(7)));
    for (n, at) in
        ["2025-12-08 16:59:00Z", "2025-12-08 17:00:00Z", "2025-12-09 18:30:00.500Z"].iter().enumerate()
    {
        write(&mut table, &format!("k:{n}"), &json!({"at": at, "n": n}));
    }
    let view = table.view();
    let groups = |query: &[(&str, &str)], name: &str| -> Vec<(Value, Value)> {
        let rows = rows(&view, query);
        rows.iter().map(|row| (row[name].clone(), row["count(*)"].clone())).collect()
    };
    let of = |day: &str, count: i64| (json!(day), json!(count));

    // The day begins at 17:00 UTC.
    let day = [("group_by", "day(at)"), ("aggregate", "count(*)")];
    assert_eq!(
        groups(&day, "day(at)"),
        [of("2025-12-08T00:00:00", 1), of("2025-12-09T00:00:00", 1), of("2025-12-10T00:00:00", 1)]
    );
    // Bounds of a request are on the same clock as the periods.
    let filled = [&day[..], &[("fill", "zero"), ("from", "2025-12-07"), ("to", "2025-12-10")]].concat();
    assert_eq!(
        groups(&filled, "day(at)"),
        [of("2025-12-07T00:00:00", 0), of("2025-12-08T00:00:00", 1), of("2025-12-09T00:00:00", 1)]
    );

    // So are the times of conditions, unless they are instants themselves.
    for (condition, count) in [
        ("at >= '2025-12-09'", 2),
        ("at >= '2025-12-09T00:00:00Z'", 1),
        ("at = '2025-12-10T01:30:00.5'", 1),
        ("at = '2025-12-09T18:30:00.500Z'", 1),
    ] {
        assert_eq!(rows(&view, &[("where", condition)]).len(), count, "{condition}");
    }
}
