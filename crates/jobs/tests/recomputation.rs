//! The fifteen analytics, computed again by hand: every key and value of the engine's answer must be there, and no
//! other, whatever the parallelism and the size of batches.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};
use support::{Random, run};

const SCRIPT: &str = include_str!("../../../jobs/analytics.sql");
const DELAY: i64 = 5_000;

/// An event as the analytics see it.
#[derive(Debug, Clone, Default)]
struct Event {
    time: i64,
    user: Option<i64>,
    kind: Option<String>,
    department: Option<i64>,
    department_name: Option<String>,
    years: Option<i64>,
    text: Option<String>,
    contexts: Option<f64>,
    response_ms: Option<f64>,
    success: Option<bool>,
    history: Option<bool>,
    rewritten: Option<bool>,
}

/// What became of the lines of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    lines: u64,
    unusable: u64,
    late: u64,
}

/// One analytic: window, which events, which group, what is written.
struct Analytic {
    table: &'static str,
    key: fn(&Row<'_>) -> String,
    window: i64,
    keep: fn(&Event) -> bool,
    group: fn(&Event) -> Vec<String>,
    fields: fn(&Row<'_>) -> Value,
}

/// A group of a window.
struct Row<'a> {
    start: i64,
    events: &'a [&'a Event],
}

impl Row<'_> {
    fn first(&self) -> &Event {
        self.events[0]
    }

    fn count(&self) -> usize {
        self.events.len()
    }

    fn users(&self) -> usize {
        self.events.iter().filter_map(|e| e.user).collect::<BTreeSet<i64>>().len()
    }

    fn average(&self, of: fn(&Event) -> Option<f64>) -> f64 {
        let values: Vec<f64> = self.events.iter().filter_map(|e| of(e)).collect();
        if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
    }

    fn response(&self) -> f64 {
        self.average(|e| e.response_ms)
    }

    fn percentile(&self, p: f64) -> f64 {
        let mut values: Vec<f64> = self.events.iter().filter_map(|e| e.response_ms).collect();
        values.sort_by(f64::total_cmp);
        if values.is_empty() {
            return 0.0;
        }
        let position = p * (values.len() - 1) as f64;
        let low = position.floor() as usize;
        let high = (low + 1).min(values.len() - 1);
        values[low] + (values[high] - values[low]) * (position - low as f64)
    }

    fn successes(&self, wanted: bool) -> usize {
        self.events.iter().filter(|e| e.success == Some(wanted)).count()
    }

    fn rate(&self) -> f64 {
        self.successes(true) as f64 / self.count() as f64 * 100.0
    }
}

fn student(e: &Event) -> bool {
    matches!(e.kind.as_deref(), Some("Sinh viên" | "Học sinh"))
}

fn in_key(value: &Option<String>) -> String {
    value.as_ref().map_or("unknown".to_owned(), |text| text.replace('%', "%25").replace(':', "%3A"))
}

fn number_in_key(value: Option<i64>) -> String {
    value.map_or("unknown".to_owned(), |n| n.to_string())
}

fn hash(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn all(_: &Event) -> bool {
    true
}

fn one_group(_: &Event) -> Vec<String> {
    vec![]
}

fn analytics() -> Vec<Analytic> {
    vec![
        Analytic {
            table: "faculty",
            key: |r| format!("analytics:faculty:{}", in_key(&r.first().kind)),
            window: 20,
            keep: |e| e.kind.is_some(),
            group: |e| vec![format!("{:?}", e.kind)],
            fields: |r| {
                json!({"faculty": r.first().kind, "query_count": r.count(), "unique_users": r.users(),
                    "avg_response_time": r.response(), "avg_contexts_found": r.average(|e| e.contexts),
                    "rewritten_queries": r.events.iter().filter(|e| e.rewritten == Some(true)).count(),
                    "history_used_count": r.events.iter().filter(|e| e.history == Some(true)).count()})
            },
        },
        Analytic {
            table: "year",
            key: |r| format!("analytics:year:{}", number_in_key(r.first().years)),
            window: 20,
            keep: |e| e.years.is_some(),
            group: |e| vec![format!("{:?}", e.years)],
            fields: |r| {
                json!({"year": r.first().years, "query_count": r.count(), "unique_users": r.users(),
                    "avg_response_time": r.response(), "avg_contexts_found": r.average(|e| e.contexts)})
            },
        },
        Analytic {
            table: "heatmap",
            key: |r| {
                format!("analytics:heatmap:{}:{}", in_key(&r.first().kind), number_in_key(r.first().years))
            },
            window: 30,
            keep: |e| e.years.is_some(),
            group: |e| vec![format!("{:?} {:?}", e.kind, e.years)],
            fields: |r| {
                json!({"faculty": r.first().kind, "year": r.first().years, "query_count": r.count(),
                    "avg_response_time": r.response()})
            },
        },
        Analytic {
            table: "popular_queries",
            key: |r| format!("analytics:popular_queries:{}", hash(r.first().text.as_ref().unwrap())),
            window: 30,
            keep: |e| e.text.is_some(),
            group: |e| vec![format!("{:?}", e.text)],
            fields: |r| {
                json!({"query_text": r.first().text, "query_hash": hash(r.first().text.as_ref().unwrap()),
                    "query_count": r.count(), "unique_users": r.users()})
            },
        },
        Analytic {
            table: "student_year",
            key: |r| format!("analytics:student_year:{}", number_in_key(r.first().years)),
            window: 60,
            keep: student,
            group: |e| vec![format!("{:?}", e.years)],
            fields: |r| {
                json!({"years": r.first().years, "year": r.first().years, "query_count": r.count(),
                    "unique_users": r.users(), "avg_response_time": r.response(),
                    "avg_contexts_found": r.average(|e| e.contexts)})
            },
        },
        Analytic {
            table: "popular_by_year",
            key: |r| {
                let years = number_in_key(r.first().years);
                format!("analytics:popular_by_year:{years}:{}", hash(r.first().text.as_ref().unwrap()))
            },
            window: 120,
            keep: |e| student(e) && e.text.is_some(),
            group: |e| vec![format!("{:?} {:?}", e.years, e.text)],
            fields: |r| {
                json!({"years": r.first().years, "year": r.first().years, "query_text": r.first().text,
                    "query_hash": hash(r.first().text.as_ref().unwrap()), "query_count": r.count(),
                    "unique_users": r.users()})
            },
        },
        Analytic {
            table: "department",
            key: |r| format!("analytics:department:{}", number_in_key(r.first().department)),
            window: 60,
            keep: |e| e.department.is_some(),
            group: |e| vec![format!("{:?}", e.department)],
            fields: |r| {
                let names = r.events.iter().filter_map(|e| e.department_name.clone());
                json!({"department_id": r.first().department, "department_name": names.max(),
                    "query_count": r.count(), "unique_users": r.users(), "success_count": r.successes(true),
                    "avg_response_time": r.response()})
            },
        },
        Analytic {
            table: "user_type",
            key: |r| format!("analytics:user_type:{}", in_key(&r.first().kind)),
            window: 60,
            keep: |e| e.kind.is_some(),
            group: |e| vec![format!("{:?}", e.kind)],
            fields: |r| json!({"user_type": r.first().kind, "query_count": r.count(), "unique_users": r.users()}),
        },
        Analytic {
            table: "success_rate",
            key: |_| "analytics:success_rate".to_owned(),
            window: 60,
            keep: all,
            group: one_group,
            fields: |r| {
                json!({"total_queries": r.count(), "success_count": r.successes(true),
                    "failure_count": r.successes(false), "success_rate_pct": r.rate()})
            },
        },
        Analytic {
            table: "response_time",
            key: |r| format!("analytics:response_time:{}", in_key(&r.first().kind)),
            window: 60,
            keep: |e| e.kind.is_some(),
            group: |e| vec![format!("{:?}", e.kind)],
            fields: |r| {
                json!({"user_type": r.first().kind, "avg_time": r.response(), "median_time": r.percentile(0.5),
                    "p95_time": r.percentile(0.95), "query_count": r.count()})
            },
        },
        Analytic {
            table: "overall",
            key: |_| "analytics:overall".to_owned(),
            window: 20,
            keep: all,
            group: one_group,
            fields: |r| {
                json!({"total_queries": r.count(), "success_count": r.successes(true),
                    "failure_count": r.successes(false), "success_rate": r.rate(), "unique_users": r.users(),
                    "avg_response_time": r.response()})
            },
        },
        series("timeseries_minute", |_| "analytics:timeseries:minute".to_owned(), 60),
        series("timeseries_hour", |_| "analytics:timeseries:hour".to_owned(), 3_600),
        series("timeseries_day", |_| "analytics:timeseries:day".to_owned(), 86_400),
        Analytic {
            table: "heatmap_hourly",
            key: |r| format!("analytics:heatmap:hourly:{}", r.start / 3_600_000 % 24),
            window: 3_600,
            keep: all,
            group: one_group,
            fields: |r| json!({"hour_of_day": r.start / 3_600_000 % 24, "query_count": r.count()}),
        },
    ]
}

fn series(table: &'static str, key: fn(&Row<'_>) -> String, window: i64) -> Analytic {
    Analytic {
        table,
        key,
        window,
        keep: all,
        group: one_group,
        fields: |r| json!({"query_count": r.count()}),
    }
}

/// Days since 1970 by counting.
fn epoch_days(year: i64, month: i64, day: i64) -> i64 {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let lengths = |y: i64| [31, if leap(y) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum();
    years + lengths(year)[..month as usize - 1].iter().sum::<i64>() + day - 1
}

fn iso(ms: i64) -> String {
    let (days, seconds) = (ms / 86_400_000, ms % 86_400_000 / 1_000);
    let mut year = 1970;
    while epoch_days(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (1..=12).rev().find(|&month| epoch_days(year, month, 1) <= days).unwrap();
    let day = days - epoch_days(year, month, 1) + 1;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The forms the generator below writes.
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

/// A line as flink-json would read it; `None`: no row.
fn read(line: &str) -> Option<(Option<i64>, bool, Event)> {
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

/// Every row by table and key, and what became of the lines. A row is late for a window if the greatest time before
/// it, less the delay, is at or behind the window's last millisecond and the lateness.
fn recompute(files: &[Vec<String>], lateness: i64) -> (BTreeMap<(String, String), Value>, Tally) {
    let analytics = analytics();
    let mut groups: BTreeMap<(usize, i64, Vec<String>), Vec<Event>> = BTreeMap::new();
    let mut tally = Tally::default();
    for lines in files {
        let mut watermark = i64::MIN;
        for line in lines {
            tally.lines += 1;
            let Some((time, has_id, event)) = read(line) else {
                tally.unusable += 1;
                continue;
            };
            if time.is_none() || !has_id {
                tally.unusable += 1;
            } else {
                let mut late = false;
                for (index, analytic) in analytics.iter().enumerate().filter(|(_, a)| (a.keep)(&event)) {
                    let size = analytic.window * 1_000;
                    let start = event.time / size * size;
                    if watermark >= start + size - 1 + lateness {
                        late = true;
                    } else {
                        groups
                            .entry((index, start, (analytic.group)(&event)))
                            .or_default()
                            .push(event.clone());
                    }
                }
                tally.late += late as u64;
            }
            if let Some(time) = time {
                watermark = watermark.max(time - DELAY);
            }
        }
    }
    let mut rows = BTreeMap::new();
    for ((index, start, _), events) in &groups {
        let analytic = &analytics[*index];
        let events: Vec<&Event> = events.iter().collect();
        let row = Row { start: *start, events: &events };
        let end = iso(start + analytic.window * 1_000);
        let mut value = (analytic.fields)(&row);
        value["window_start"] = json!(iso(*start));
        value["window_end"] = json!(end);
        rows.insert((analytic.table.to_owned(), format!("{}:{end}", (analytic.key)(&row))), value);
    }
    (rows, tally)
}

/// Equal but for the last bits of averages, which here are summed in order.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

fn parse_output(output: &str) -> BTreeMap<(String, String), Value> {
    let mut rows = BTreeMap::new();
    for line in output.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(line["ttl"], json!(2_592_000));
        let value = line["value"].as_object_mut().unwrap();
        assert!(value.remove("created_at").is_some());
        let key = (line["table"].as_str().unwrap().to_owned(), line["key"].as_str().unwrap().to_owned());
        assert!(rows.insert(key.clone(), line["value"].clone()).is_none(), "written twice: {key:?}");
    }
    rows
}

const KINDS: [&str; 6] = ["Sinh viên", "Học sinh", "Giảng viên", "Khách", "a:b%c", ""];
const TEXTS: [&str; 6] = [
    "Học phí kỳ này?",
    "  HỌC PHÍ KỲ NÀY?  ",
    "lịch thi",
    "Đà Nẵng \"x\"",
    "câu hỏi 🙂",
    "\\u0110\\u00e0 N\\u1eb5ng",
];

/// A line that may lack anything.
fn line(random: &mut Random, clock: &mut i64) -> String {
    *clock += random.below(900) as i64;
    if random.once_in(300) {
        *clock += 40_000;
    }
    let disorder = if random.once_in(12) { 90_000 } else { 6_000 };
    let time = *clock - random.below(disorder) as i64;
    let stamp = match random.below(5) {
        0 => iso(time),
        1 => format!("{}.{:03}Z", iso(time), time % 1_000),
        2 => format!("{}.{:03}456+07:00", iso(time + 7 * 3_600_000), time % 1_000),
        3 => format!("{}.{:03}", iso(time), time % 1_000),
        _ => format!("{}.{:03}999", iso(time), time % 1_000),
    };
    let mut fields = vec![match random.below(40) {
        0 => "\"query_id\":null".to_owned(),
        1 => "\"unknown\":{\"deep\":[1,{\"x\":\"\\\"}\"}]}".to_owned(),
        _ => format!("\"query_id\":\"q-{}\"", random.below(1 << 40)),
    }];
    fields.push(match random.below(40) {
        0 => "\"timestamp\":\"not a time\"".to_owned(),
        1 => "\"timestamp\":null".to_owned(),
        2..5 => format!("\"ts\":\"{stamp}\""),
        _ => format!("\"timestamp\":\"{stamp}\""),
    });
    if !random.once_in(20) {
        let mut user = vec![];
        let or_null =
            |random: &mut Random, text: String| if random.once_in(8) { "null".to_owned() } else { text };
        let id = random.below(30);
        let id = if random.once_in(4) { format!("{id}.0") } else { id.to_string() };
        user.push(format!("\"user_id\":{}", or_null(random, id)));
        let kind = format!("\"{}\"", random.pick(&KINDS));
        user.push(format!("\"user_type\":{}", or_null(random, kind)));
        if !random.once_in(5) {
            let department = random.below(5).to_string();
            user.push(format!("\"department_id\":{}", or_null(random, department)));
            let name = format!("\"Khoa {}\"", random.below(3));
            user.push(format!("\"department_name\":{}", or_null(random, name)));
        }
        let years = (1 + random.below(6)).to_string();
        user.push(format!("\"years\":{}", or_null(random, years)));
        fields.push(format!("\"user\":{{{}}}", user.join(",")));
    } else if random.once_in(2) {
        fields.push("\"user\":null".to_owned());
    }
    if !random.once_in(9) {
        fields.push(format!("\"query_text\":\"{}\"", random.pick(&TEXTS).replace('"', "\\\"")));
    }
    if !random.once_in(9) {
        fields.push(format!("\"rag_params\":{{\"k\":5,\"context_found\":{}}}", random.below(9)));
    }
    if !random.once_in(9) {
        let response = match random.below(4) {
            0 => random.below(5_000).to_string(),
            1 => "null".to_owned(),
            _ => format!("{}.{:02}", random.below(5_000), random.below(100)),
        };
        let success = random.pick(&["true", "true", "false", "null"]);
        fields.push(format!("\"rag_metrics\":{{\"response_time_ms\":{response},\"success\":{success}}}"));
    }
    if !random.once_in(9) {
        let flags = ["true", "false", "null"];
        let (history, rewritten) = (random.pick(&flags), random.pick(&flags));
        fields.push(format!("\"metadata\":{{\"history_used\":{history},\"query_rewritten\":{rewritten}}}"));
    }
    if random.once_in(3) {
        fields.swap(0, 1);
    }
    let blank = if random.once_in(3) { " " } else { "" };
    let text = format!("{{{}}}", fields.join(&format!(",{blank}")));
    if random.once_in(60) { text[..text.len() - 2].to_owned() } else { text }
}

/// Lines whose texts are cut inside of a character would not be UTF-8; the test writes text.
fn lines(random: &mut Random, count: usize) -> Vec<String> {
    let mut clock = 1_765_279_800_000;
    (0..count).map(|_| line(random, &mut clock)).collect()
}

fn write(directory: &Path, name: &str, lines: &[String]) -> std::path::PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

fn script(lateness: &str) -> String {
    let script = SCRIPT
        .replace("'weir.allowed-lateness' = '1 min'", &format!("'weir.allowed-lateness' = '{lateness}'"));
    assert!(script.contains(&format!("= '{lateness}'")), "the script sets the lateness");
    script
}

fn check(seed: u64, count: usize, files: usize, lateness: (&str, i64), runs: &[(u32, usize)]) {
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random(seed);
    let contents: Vec<Vec<String>> = (0..files).map(|_| lines(&mut random, count)).collect();
    let paths: Vec<std::path::PathBuf> = contents
        .iter()
        .enumerate()
        .map(|(i, lines)| write(directory.path(), &format!("{i}.jsonl"), lines))
        .collect();
    let paths: Vec<&Path> = paths.iter().map(|path| path.as_path()).collect();
    let (expected, tally) = recompute(&contents, lateness.1);
    assert!(lateness.1 > 0 || tally.late > 0, "seed {seed} has no late rows");
    let mut first_output: Option<String> = None;
    for &(parallelism, batch_rows) in runs {
        let at = format!("seed {seed}, parallelism {parallelism}, batches of {batch_rows}");
        let (output, summary) =
            run(&script(lateness.0), &[("user_queries", &paths)], parallelism, batch_rows);
        let rows = parse_output(&output);
        for (key, value) in &expected {
            let found = rows.get(key).unwrap_or_else(|| panic!("{at}: {key:?} is missing; expected {value}"));
            assert!(same(value, found), "{at}: {key:?}\nexpected {value}\n   found {found}");
        }
        let extra: Vec<_> = rows.keys().filter(|key| !expected.contains_key(*key)).collect();
        assert!(extra.is_empty(), "{at}: not expected: {extra:?}");
        let ledger = summary.ledger;
        assert!(ledger.balances(), "{at}: {ledger:?}");
        let ours = Tally { lines: ledger.accepted, unusable: ledger.dead_lettered, late: ledger.late };
        assert_eq!(ours, tally, "{at}");
        match &first_output {
            None => first_output = Some(output),
            Some(first) => assert!(*first == output, "{at}: the bytes differ from those of the first run"),
        }
    }
}

const EVERY_WAY: [(u32, usize); 7] = [(1, 4096), (1, 1), (1, 7), (1, 100), (2, 64), (3, 4096), (4, 1)];

#[test]
fn every_row_is_right_when_late_rows_are_left_out() {
    for seed in 1..=4 {
        check(seed, 1_500, 1, ("0 s", 0), &EVERY_WAY);
    }
}

#[test]
fn every_row_is_right_when_late_rows_are_waited_for() {
    check(11, 3_000, 1, ("1 min", 60_000), &EVERY_WAY);
}

#[test]
fn several_files_give_the_same_answer_whoever_reads_them() {
    check(21, 1_000, 3, ("0 s", 0), &EVERY_WAY);
}
