//! Queries with changing rows: aggregates without a window, and operators on their results. They are written
//! to the result store by key, and only windows below them can make events late.
//!
//! The simple recomputation takes all events at once, in any order: it counts, and then derives the rows from
//! the counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::events::Event;
use crate::random::Random;
use crate::script::{AGGREGATES, Aggregate, FILTERS, Filter, WINDOWS, Window, conditions, escaped};

/// A query that writes to a table with its name.
#[derive(Debug, Clone)]
pub struct Changing {
    pub name: String,
    pub filter: Filter,
    pub shape: Shape,
}

#[derive(Debug, Clone)]
pub enum Shape {
    /// Aggregates by some of `k` and `g`, optionally only for groups with at least two events.
    Groups { keys: Vec<&'static str>, aggregates: Vec<Aggregate>, having: bool },
    /// Aggregates by `g` over the counts by `k` and `g`; each changed count is retracted first.
    Nested,
    /// The three most frequent values of `k`.
    Top(PositionColumn),
    /// Counts by `k` and `g`, joined with the counts by `g` that are at least two.
    Join { keeps_left: bool },
    /// Aggregates by `k` over the rows of windows.
    Windows(Window),
}

/// How the rows of a top list are keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionColumn {
    /// The key is the position.
    IsKey,
    /// The key is `k`, and the position is a column. While positions change, two rows may have the same `k`.
    IsColumn,
    /// The key is `k`, and rows that leave the list are deleted.
    Unsaid,
}

/// An event, and its rows below the query: the windows that counted it. Without windows there is one row.
pub type Counted<'a> = (&'a Event, Vec<(i64, i64)>);

impl Changing {
    pub fn draw(random: &mut Random, name: String) -> Changing {
        let shape = match random.below(8) {
            0..3 => Shape::Groups {
                keys: random.pick(&[&["k"][..], &["g"], &["k", "g"], &[]]).to_vec(),
                aggregates: AGGREGATES.into_iter().filter(|_| random.once_in(2)).collect(),
                having: random.once_in(3),
            },
            3 => Shape::Nested,
            4..6 => Shape::Top(*random.pick(&[
                PositionColumn::IsKey,
                PositionColumn::IsColumn,
                PositionColumn::Unsaid,
                PositionColumn::Unsaid,
            ])),
            6 => Shape::Join { keeps_left: random.once_in(2) },
            _ => Shape::Windows(*random.pick(&WINDOWS)),
        };
        Changing { name, filter: *random.pick(&FILTERS), shape }
    }

    /// Returns the window below the query.
    pub fn window(&self) -> Option<Window> {
        match self.shape {
            Shape::Windows(window) => Some(window),
            _ => None,
        }
    }

    /// Returns whether a key of the store belongs to a row of this query.
    pub fn wrote(&self, key: &str) -> bool {
        key.strip_prefix(&self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }

    /// Returns whether a name in a dead letter means an aggregate below this query: `c0/1` is the first below
    /// `c0`.
    pub fn has_part(&self, named: &str) -> bool {
        named.strip_prefix(&self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub fn write(&self, text: &mut String, without_v: Option<i64>) {
        let where_ = conditions(self.filter, without_v, self.window().is_some());
        let counts =
            |keys: &str| format!("SELECT {keys}, COUNT(*) AS n FROM events WHERE {where_} GROUP BY {keys}");
        let (columns, query) = match &self.shape {
            Shape::Groups { keys, aggregates, having } => {
                let keyed: String = keys.iter().map(|key| format!("{key}, ")).collect();
                let types: String = keys.iter().map(|key| format!("{key} {}, ", column_type(key))).collect();
                let columns: String =
                    aggregates.iter().map(|of| format!(", {} {}", of.name(), of.column_type())).collect();
                let calls: String = aggregates.iter().map(|of| format!(", {}", of.call())).collect();
                let mut query = format!("SELECT {keyed}COUNT(*){calls} FROM events WHERE {where_}");
                if !keys.is_empty() {
                    let _ = write!(query, " GROUP BY {}", keys.join(", "));
                }
                if *having {
                    query.push_str(" HAVING COUNT(*) > 1");
                }
                (format!("{types}n BIGINT{columns}"), query)
            }
            Shape::Nested => (
                "g INT, n BIGINT, total BIGINT, least BIGINT, greatest BIGINT".to_owned(),
                format!("SELECT g, COUNT(*), SUM(n), MIN(n), MAX(n) FROM ({}) GROUP BY g", counts("k, g")),
            ),
            Shape::Top(place) => {
                let ranked = format!(
                    "FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, k) AS place FROM ({}))
                     WHERE place <= 3",
                    counts("k")
                );
                match place {
                    PositionColumn::IsKey | PositionColumn::IsColumn => (
                        "place BIGINT, k STRING, n BIGINT".to_owned(),
                        format!("SELECT place, k, n {ranked}"),
                    ),
                    PositionColumn::Unsaid => {
                        ("k STRING, n BIGINT".to_owned(), format!("SELECT k, n {ranked}"))
                    }
                }
            }
            Shape::Join { keeps_left } => (
                "k STRING, g INT, n BIGINT, of_g BIGINT".to_owned(),
                format!(
                    "SELECT a.k, a.g, a.n, b.n FROM ({}) AS a {} JOIN ({} HAVING COUNT(*) > 1) AS b ON a.g = b.g",
                    counts("k, g"),
                    if *keeps_left { "LEFT" } else { "INNER" },
                    counts("g"),
                ),
            ),
            Shape::Windows(window) => (
                "k STRING, n BIGINT, total BIGINT, least BIGINT, greatest BIGINT".to_owned(),
                format!(
                    "SELECT k, COUNT(*), SUM(n), MIN(n), MAX(n) FROM (
                       SELECT k, COUNT(*) AS n, window_start, window_end FROM TABLE({})
                       WHERE {where_} GROUP BY k, window_start, window_end) GROUP BY k",
                    window.sql()
                ),
            ),
        };

        let conflict = match self.shape {
            Shape::Top(PositionColumn::IsColumn) => " ON CONFLICT DO DEDUPLICATE",
            _ => "",
        };
        let Changing { name, .. } = self;
        let template: String = self.keys().iter().map(|key| format!(":{{{key}}}")).collect();
        let _ = writeln!(
            text,
            "CREATE TABLE {name} ({columns}) WITH ('connector' = 'redis', 'key' = '{name}{template}');
             INSERT INTO {name} {query}{conflict};"
        );
    }

    /// Returns the key columns of the table.
    fn keys(&self) -> &[&'static str] {
        match &self.shape {
            Shape::Groups { keys, .. } => keys,
            Shape::Nested => &["g"],
            Shape::Top(PositionColumn::IsKey) => &["place"],
            Shape::Top(PositionColumn::IsColumn | PositionColumn::Unsaid) | Shape::Windows(_) => &["k"],
            Shape::Join { .. } => &["k", "g"],
        }
    }

    /// Returns the final rows by their keys in the store.
    pub fn rows(&self, counted: &[Counted<'_>]) -> BTreeMap<String, Value> {
        let events: Vec<&Event> = counted.iter().map(|(event, _)| *event).collect();
        let by = |key: fn(&Event) -> Group| {
            let mut counts: BTreeMap<Group, i64> = BTreeMap::new();
            events.iter().for_each(|event| *counts.entry(key(event)).or_default() += 1);
            counts
        };

        match &self.shape {
            Shape::Groups { keys, aggregates, having } => self.groups(&events, keys, aggregates, *having),
            Shape::Nested => {
                let mut of_g: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
                by(|event| (event.k, event.g)).into_iter().for_each(|((_, g), n)| {
                    of_g.entry(g).or_default().push(n);
                });
                of_g.into_iter().map(|(g, counts)| (self.key(&[number(g)]), over(&counts))).collect()
            }
            Shape::Top(place) => {
                let mut counts: Vec<(Group, i64)> = by(|event| (event.k, None)).into_iter().collect();
                counts.sort_by_key(|&(group, n)| (-n, group));
                let top = counts.iter().take(3).zip(1..).map(|(&((k, _), n), at)| match place {
                    PositionColumn::IsKey => {
                        (self.key(&[number(Some(at))]), json!({"place": at, "k": k, "n": n}))
                    }
                    PositionColumn::IsColumn => (self.key(&[text(k)]), json!({"place": at, "n": n})),
                    PositionColumn::Unsaid => (self.key(&[text(k)]), json!({"n": n})),
                });
                top.collect()
            }
            Shape::Join { keeps_left } => {
                let of_g = by(|event| (None, event.g));
                let right = |g: Option<i64>| of_g.get(&(None, g)).filter(|&&n| g.is_some() && n > 1);
                let left = by(|event| (event.k, event.g)).into_iter();
                left.filter(|((_, g), _)| *keeps_left || right(*g).is_some())
                    .map(|((k, g), n)| (self.key(&[text(k), number(g)]), json!({"n": n, "of_g": right(g)})))
                    .collect()
            }
            Shape::Windows(_) => {
                let mut windows: BTreeMap<Option<&str>, BTreeMap<(i64, i64), i64>> = BTreeMap::new();
                for (event, over) in counted {
                    for window in over {
                        *windows.entry(event.k).or_default().entry(*window).or_default() += 1;
                    }
                }
                let counts = |of: BTreeMap<_, i64>| of.into_values().collect::<Vec<i64>>();
                windows.into_iter().map(|(k, of)| (self.key(&[text(k)]), over(&counts(of)))).collect()
            }
        }
    }

    fn groups(
        &self,
        events: &[&Event],
        keys: &[&str],
        aggregates: &[Aggregate],
        having: bool,
    ) -> BTreeMap<String, Value> {
        let mut groups: BTreeMap<Vec<String>, Vec<&Event>> = BTreeMap::new();
        for &event in events {
            let values = keys.iter().map(|key| if *key == "k" { text(event.k) } else { number(event.g) });
            groups.entry(values.collect()).or_default().push(event);
        }

        groups.retain(|_, events| !having || events.len() > 1);
        let row = |events: &[&Event]| {
            let mut row = json!({"n": events.len()});
            aggregates.iter().for_each(|of| row[of.name()] = of.of(events));
            row
        };
        groups.into_iter().map(|(values, events)| (self.key(&values), row(&events))).collect()
    }

    fn key(&self, values: &[String]) -> String {
        let values: String = values.iter().map(|value| format!(":{value}")).collect();
        format!("{}{values}", self.name)
    }
}

/// `k` and `g`.
type Group = (Option<&'static str>, Option<i64>);

fn column_type(key: &str) -> &'static str {
    if key == "g" { "INT" } else { "STRING" }
}

/// Returns the aggregates over counts.
fn over(counts: &[i64]) -> Value {
    json!({
        "n": counts.len(), "total": counts.iter().sum::<i64>(),
        "least": counts.iter().min(), "greatest": counts.iter().max(),
    })
}

/// Returns the text of a value in a key.
fn text(value: Option<&str>) -> String {
    value.map_or("unknown".to_owned(), escaped)
}

fn number(value: Option<i64>) -> String {
    value.map_or("unknown".to_owned(), |value| value.to_string())
}
