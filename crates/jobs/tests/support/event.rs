//! Events as flink-json would read them.

use serde_json::{Map, Value};

/// An event with the fields that the analytics use.
#[derive(Debug, Clone, Default)]
pub struct Event {
    pub time: i64,
    pub user: Option<i64>,
    pub kind: Option<String>,
    pub department: Option<i64>,
    pub department_name: Option<String>,
    pub years: Option<i64>,
    pub text: Option<String>,
    pub contexts: Option<f64>,
    pub response_ms: Option<f64>,
    pub success: Option<bool>,
    pub history: Option<bool>,
    pub rewritten: Option<bool>,
}

/// Returns the days since 1970, by simple counting.
fn epoch_days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let lengths = |y: i64| [31, if leap(y) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    years + lengths(year)[..month as usize - 1].iter().sum::<i64>() + day - 1
}

pub fn iso(ms: i64) -> String {
    let (days, seconds) = (ms / 86_400_000, ms % 86_400_000 / 1_000);
    let mut year = 1970;
    while epoch_days(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month =
        (1..=12).rev().find(|&month| epoch_days(year, month, 1) <= days).expect("a year begins with January");
    let day = days - epoch_days(year, month, 1) + 1;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Parses the time formats that the generator produces.
fn parse_time(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let days = epoch_days(number(0..4)?, number(5..7)?, number(8..10)?);
    let mut ms = ((days * 24 + number(11..13)?) * 60 + number(14..16)?) * 60_000 + number(17..19)? * 1_000;
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        ms += format!("{:0<3}", &fraction[..digits])[..3].parse::<i64>().ok()?;
        rest = &fraction[digits..];
    }
    match rest {
        "" | "Z" => Some(ms),
        "+07:00" => Some(ms - 7 * 3_600_000),
        _ => None,
    }
}

/// Reads a line as flink-json would; `None` means no row.
pub fn read(line: &str) -> Option<(Option<i64>, bool, Event)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let object = value.as_object()?;
    let text =
        |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    let part = |name: &str| object.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let whole =
        |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_f64).map(|n| n as i64);
    let flag = |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_bool);
    let (user, params, metrics, metadata) =
        (part("user"), part("rag_params"), part("rag_metrics"), part("metadata"));
    let time = text(object, "timestamp").or_else(|| text(object, "ts")).and_then(|text| parse_time(&text));

    let event = Event {
        time: time.unwrap_or_default(),
        user: whole(&user, "user_id"),
        kind: text(&user, "user_type"),
        department: whole(&user, "department_id"),
        department_name: text(&user, "department_name"),
        years: whole(&user, "years"),
        text: text(object, "query_text").map(|text| text.trim_matches(' ').to_lowercase()),
        contexts: whole(&params, "context_found").map(|n| n as f64),
        response_ms: metrics.get("response_time_ms").and_then(Value::as_f64),
        success: flag(&metrics, "success"),
        history: flag(&metadata, "history_used"),
        rewritten: flag(&metadata, "query_rewritten"),
    };
    Some((time, text(object, "query_id").is_some(), event))
}
