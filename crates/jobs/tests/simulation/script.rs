//! Generates scripts: several queries with windows, groups, filters and aggregates over one table, and
//! queries with changing rows (`changes.rs`).

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::changes::Changing;
use crate::events::{Event, wall};
use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Window {
    Tumble(i64),
    Hop { slide: i64, size: i64 },
    Cumulate { step: i64, size: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    None,
    LargeV,
    HasK,
    OtherThanX,
    OneGroupOrNoV,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Total,
    Distinct,
    Least,
    Greatest,
    Percentile,
    Mean,
    Few,
}

/// A query that writes to a table with its name.
#[derive(Debug, Clone)]
pub struct Query {
    pub name: String,
    pub window: Window,
    pub filter: Filter,
    /// Some of `k`, `g` and `id`.
    pub keys: Vec<&'static str>,
    pub aggregates: Vec<Aggregate>,
}

/// A script, and the properties of its events.
#[derive(Debug, Clone)]
pub struct Script {
    pub queries: Vec<Query>,
    pub changing: Vec<Changing>,
    /// All queries ignore events with this `v`, and those without a `v`.
    pub without_v: Option<i64>,
    /// The delay of the watermark.
    pub delay_seconds: i64,
    pub lateness_seconds: i64,
    /// `None` means no early results.
    pub early_ms: Option<i64>,
}

pub const WINDOWS: [Window; 6] = [
    Window::Tumble(5),
    Window::Tumble(10),
    Window::Tumble(30),
    Window::Hop { slide: 5, size: 20 },
    Window::Hop { slide: 10, size: 20 },
    Window::Cumulate { step: 5, size: 20 },
];
pub const FILTERS: [Filter; 5] =
    [Filter::None, Filter::LargeV, Filter::HasK, Filter::OtherThanX, Filter::OneGroupOrNoV];
pub const AGGREGATES: [Aggregate; 7] = [
    Aggregate::Total,
    Aggregate::Distinct,
    Aggregate::Least,
    Aggregate::Greatest,
    Aggregate::Percentile,
    Aggregate::Mean,
    Aggregate::Few,
];
const KEYS: [&[&str]; 4] = [&["k"], &["g"], &["k", "g"], &[]];

impl Script {
    /// Generates a script. With `witnesses`, each window has a query that shows how often each event was
    /// counted.
    pub fn draw(random: &mut Random, witnesses: bool) -> Script {
        let query = |random: &mut Random, n: u64| Query {
            name: format!("q{n}"),
            window: *random.pick(&WINDOWS),
            filter: *random.pick(&FILTERS),
            keys: random.pick(&KEYS).to_vec(),
            aggregates: AGGREGATES.into_iter().filter(|_| random.once_in(3)).collect(),
        };

        let mut queries: Vec<Query> = (0..1 + random.below(4)).map(|n| query(random, n)).collect();
        let number = if random.once_in(2) { 1 + random.below(2) } else { 0 };
        let changing: Vec<Changing> = (0..number).map(|n| Changing::draw(random, format!("c{n}"))).collect();
        if witnesses {
            let mut windows: Vec<Window> = queries.iter().map(|query| query.window).collect();
            windows.extend(changing.iter().filter_map(Changing::window));
            windows.sort_unstable();
            windows.dedup();
            queries.extend(windows.into_iter().enumerate().map(|(n, window)| Query {
                name: format!("seen{n}"),
                window,
                filter: Filter::None,
                keys: vec!["id"],
                aggregates: Vec::new(),
            }));
        }

        Script {
            queries,
            changing,
            without_v: random.once_in(3).then_some(7),
            delay_seconds: 2 + random.below(4) as i64,
            lateness_seconds: *random.pick(&[0, 0, 10]),
            early_ms: *random.pick(&[None, Some(0), Some(1_000)]),
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "SET 'pipeline.name' = 'simulated';
             SET 'restart-strategy.type' = 'fixed-delay';
             SET 'restart-strategy.fixed-delay.attempts' = '1000';
             SET 'restart-strategy.fixed-delay.delay' = '0 s';
             SET 'weir.max-future' = '1 d';
             SET 'weir.allowed-lateness' = '{} s';\n",
            self.lateness_seconds
        );

        if let Some(early) = self.early_ms {
            let _ = writeln!(text, "SET 'weir.early-fire' = '{early} ms';");
        }
        let _ = writeln!(
            text,
            "CREATE TABLE events (id STRING, k STRING, g INT, v INT, w STRING, d DOUBLE, `at` TIMESTAMP_LTZ(3),
               WATERMARK FOR `at` AS `at` - INTERVAL '{}' SECOND)
             WITH ('connector' = 'kafka', 'topic' = 'events', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json',
                   'json.timestamp-format.standard' = 'ISO-8601', 'json.ignore-parse-errors' = 'true');",
            self.delay_seconds
        );

        self.queries.iter().for_each(|query| query.write(&mut text, self.without_v));
        self.changing.iter().for_each(|query| query.write(&mut text, self.without_v));
        text
    }

    /// Returns the query that shows how often each event was counted in a window.
    pub fn witness(&self, window: Window) -> Option<&Query> {
        self.queries.iter().find(|query| query.keys == ["id"] && query.window == window)
    }

    /// Returns whether all queries require the time of an event. If so, an event without an id is a dead letter.
    pub fn requires_time(&self) -> bool {
        self.changing.iter().all(|query| query.window().is_some())
    }

    /// Returns whether the conditions of all queries exclude the event.
    pub fn leaves_out(&self, event: &Event) -> bool {
        let filters = || {
            let windows = self.queries.iter().map(|query| query.filter);
            windows.chain(self.changing.iter().map(|query| query.filter))
        };
        let all_fail = |filter: Filter| filters().all(|of| of == filter) && !filter.takes(event);
        self.without_v.is_some_and(|without| event.v.is_none_or(|v| v == without))
            || FILTERS.into_iter().any(all_fail)
    }
}

impl Query {
    fn write(&self, text: &mut String, without_v: Option<i64>) {
        let Query { name, keys, .. } = self;
        let types: String = keys
            .iter()
            .map(|key| format!("{key} {}, ", if *key == "g" { "INT" } else { "STRING" }))
            .collect();
        let columns: String =
            self.aggregates.iter().map(|of| format!("{} {}, ", of.name(), of.column_type())).collect();
        let calls: String = self.aggregates.iter().map(|of| format!("{}, ", of.call())).collect();
        let keyed: String = keys.iter().map(|key| format!("{key}, ")).collect();
        let template: String = keys.iter().map(|key| format!(":{{{key}}}")).collect();

        let _ = writeln!(
            text,
            "CREATE TABLE {name} ({types}n BIGINT, {columns}window_start TIMESTAMP(3), window_end TIMESTAMP(3))
             WITH ('connector' = 'redis', 'key' = '{name}{template}:{{window_start}}:{{window_end}}');"
        );
        let conditions = conditions(self.filter, without_v, true);
        let _ = writeln!(
            text,
            "INSERT INTO {name} SELECT {keyed}COUNT(*), {calls}window_start, window_end FROM TABLE({})
             WHERE {conditions} GROUP BY {keyed}window_start, window_end;",
            self.window.sql()
        );
    }

    /// Returns the key of the row that counts an event.
    pub fn key(&self, event: &Event, (start, end): (i64, i64)) -> String {
        let value = |key: &&str| match *key {
            "k" => event.k.map_or("unknown".to_owned(), escaped),
            "g" => event.g.map_or("unknown".to_owned(), |g| g.to_string()),
            _ => event.name(),
        };
        let keys: String = self.keys.iter().map(|key| format!(":{}", value(key))).collect();
        format!("{}{keys}:{}:{}", self.name, wall(start), wall(end))
    }

    /// Returns the columns of a row for these events, except for the group and the window.
    pub fn row(&self, events: &[&Event]) -> Value {
        let mut row = Map::from_iter([("n".to_owned(), json!(events.len()))]);
        row.extend(self.aggregates.iter().map(|of| (of.name().to_owned(), of.of(events))));
        Value::Object(row)
    }
}

/// Returns the conditions of a query. A query with windows requires the time, too.
pub fn conditions(filter: Filter, without_v: Option<i64>, has_windows: bool) -> String {
    let mut conditions = "id IS NOT NULL".to_owned();
    if has_windows {
        conditions += " AND `at` IS NOT NULL";
    }
    if let Some(v) = without_v {
        let _ = write!(conditions, " AND v <> {v}");
    }
    if let Some(condition) = filter.sql() {
        let _ = write!(conditions, " AND ({condition})");
    }
    conditions
}

/// Escapes a text for use in a key of the store.
pub fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(':', "%3A")
}

impl Window {
    pub fn sql(self) -> String {
        let table = "TABLE events, DESCRIPTOR(`at`)";
        match self {
            Window::Tumble(size) => format!("TUMBLE({table}, INTERVAL '{size}' SECOND)"),
            Window::Hop { slide, size } => {
                format!("HOP({table}, INTERVAL '{slide}' SECOND, INTERVAL '{size}' SECOND)")
            }
            Window::Cumulate { step, size } => {
                format!("CUMULATE({table}, INTERVAL '{step}' SECOND, INTERVAL '{size}' SECOND)")
            }
        }
    }

    /// Returns the windows that contain a time, ordered by their ends.
    pub fn over(self, at: i64) -> Vec<(i64, i64)> {
        match self {
            Window::Tumble(size) => Window::Hop { slide: size, size }.over(at),
            Window::Hop { slide, size } => {
                let (slide, size) = (slide * 1_000, size * 1_000);
                let last = at.div_euclid(slide) * slide;
                (0..size / slide).rev().map(|n| (last - n * slide, last - n * slide + size)).collect()
            }
            Window::Cumulate { step, size } => {
                let (step, size) = (step * 1_000, size * 1_000);
                let start = at.div_euclid(size) * size;
                let ends = (1..=size / step).map(|n| start + n * step);
                ends.filter(|&end| end > at).map(|end| (start, end)).collect()
            }
        }
    }
}

impl Filter {
    fn sql(self) -> Option<&'static str> {
        match self {
            Filter::None => None,
            Filter::LargeV => Some("v > 3"),
            Filter::HasK => Some("k IS NOT NULL"),
            Filter::OtherThanX => Some("w <> 'x'"),
            Filter::OneGroupOrNoV => Some("g = 1 OR v IS NULL"),
        }
    }

    pub fn takes(self, event: &Event) -> bool {
        match self {
            Filter::None => true,
            Filter::LargeV => event.v.is_some_and(|v| v > 3),
            Filter::HasK => event.k.is_some(),
            Filter::OtherThanX => event.w.is_some_and(|w| w != "x"),
            Filter::OneGroupOrNoV => event.g == Some(1) || event.v.is_none(),
        }
    }
}

impl Aggregate {
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Total => "total",
            Aggregate::Distinct => "uniq",
            Aggregate::Least => "least",
            Aggregate::Greatest => "greatest",
            Aggregate::Percentile => "p",
            Aggregate::Mean => "mean",
            Aggregate::Few => "few",
        }
    }

    pub fn column_type(self) -> &'static str {
        match self {
            Aggregate::Total | Aggregate::Least => "INT",
            Aggregate::Distinct | Aggregate::Few => "BIGINT",
            Aggregate::Greatest => "STRING",
            Aggregate::Percentile | Aggregate::Mean => "DOUBLE",
        }
    }

    pub fn call(self) -> &'static str {
        match self {
            Aggregate::Total => "SUM(v)",
            Aggregate::Distinct => "COUNT(DISTINCT w)",
            Aggregate::Least => "MIN(v)",
            Aggregate::Greatest => "MAX(w)",
            Aggregate::Percentile => "PERCENTILE(d, 0.75)",
            Aggregate::Mean => "AVG(d)",
            Aggregate::Few => "COUNT(*) FILTER (WHERE v > 4)",
        }
    }
}
