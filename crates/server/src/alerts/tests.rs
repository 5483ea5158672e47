//! Alerts over a real store: rows are written, rules are evaluated, and a receiver on this machine is told.

mod delivery;
mod documents;
mod evaluation;
mod receiver;
mod restarts;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jobs::{ColumnKind, ResultColumn, ResultTable, ResultTables};
use serde_json::{Value, json};
use storage::store::{EmbeddedStore, ResultStore as _, Upsert, WriteBatch};
use types::{Clock, ManualClock, Timestamp};

use super::webhook::Webhooks;
use super::*;
use crate::documents::{Condition, Tags};
use crate::metrics::Metrics;
use crate::options::DocumentPlaces;
use crate::results::{self, Results};

/// 2025-12-09T12:00:00 UTC.
const NOON: i64 = 1_765_281_600_000;

/// Waits until a condition holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        let _ = crossbeam_channel::never::<()>().recv_timeout(Duration::from_millis(5));
    }
    panic!("not in time: {what}");
}

/// Returns the declaration of a table of pages and minutes.
fn pages() -> ResultTable {
    let column = |(name, kind): (&str, ColumnKind)| ResultColumn {
        name: name.to_owned(),
        sql_type: format!("{kind:?}"),
        kind,
    };
    let columns = [("page", ColumnKind::Text), ("n", ColumnKind::Integer), ("window_end", ColumnKind::Time)];
    ResultTable {
        name: "pages".to_owned(),
        key: "pages:{page}:{window_end}".to_owned(),
        columns: columns.map(column).into(),
        window: vec!["window_end".to_owned()],
        queries: Vec::new(),
        ttl_seconds: 86_400,
        channel: String::new(),
        job: "pages".to_owned(),
        job_id: String::new(),
        declared: 1,
        started: 1,
    }
}

fn time(minute: u32) -> String {
    format!("2025-12-09T12:{minute:02}:00")
}

fn key(page: &str, minute: u32) -> String {
    format!("pages:{page}:{}", time(minute))
}

fn row(page: &str, minute: u32, n: Option<i64>, is_final: bool) -> Value {
    json!({"page": page, "n": n, "window_end": time(minute), "is_final": is_final})
}

/// Returns a rule over the table of pages.
fn rule(more: &Value) -> Value {
    let mut rule = json!({"version": 1, "title": "Many", "table": "pages", "number": "n", "above": 10});
    let more = more.as_object().expect("an object").clone();
    rule.as_object_mut().expect("an object").extend(more);
    rule
}

/// A Weir of a store, its result tables and alerts, in a directory. It is evaluated only when told.
struct World {
    alerts: Arc<Alerts>,
    clock: Arc<ManualClock>,
    store: Arc<EmbeddedStore>,
    _follower: results::Follower,
}

impl Drop for World {
    fn drop(&mut self) {
        self.alerts.book.close();
    }
}

impl World {
    fn open(directory: &Path) -> World {
        World::sending(directory, Webhooks::default())
    }

    fn sending(directory: &Path, webhooks: Webhooks) -> World {
        let clock = Arc::new(ManualClock::at(Timestamp(NOON)));
        let dynamic: Arc<dyn Clock> = Arc::clone(&clock) as _;
        // The threads of a World that was dropped just now hold the store for a moment.
        let mut opened = None;
        eventually("the store is free", || {
            let options = storage::store::Options::default();
            opened = EmbeddedStore::open(&directory.join("results"), options, Arc::clone(&dynamic)).ok();
            opened.is_some()
        });
        let store = Arc::new(opened.expect("a store"));
        let (tables, metrics) = (Arc::new(ResultTables::default()), Metrics::new());
        tables.declare(vec![pages()]);
        let results = Arc::new(Results::new(
            tables,
            Arc::clone(&store) as _,
            Arc::clone(&dynamic),
            TimeZone::UTC,
            1 << 24,
            Arc::clone(&metrics),
        ));
        let follower = results::Follower::start(Arc::clone(&results)).expect("a follower");
        let places =
            DocumentPlaces { saved: Some(directory.join("alerts")), files: vec![directory.join("files")] };
        let alerts = Alerts::sending(webhooks, &places, results, metrics, dynamic);
        World { alerts, clock, store, _follower: follower }
    }

    fn put(&self, name: &str, rule: &Value) {
        let condition = match self.alerts.rules.get(name) {
            Some(_) => Condition::Has(Tags::Any),
            None => Condition::IsNew,
        };
        self.alerts.put(name, rule.to_string().as_bytes(), Some(&condition)).expect("a rule");
    }

    /// Writes the final row of a page and a minute.
    fn write(&self, page: &str, minute: u32, n: i64) {
        let upsert = Upsert {
            key: key(page, minute).into(),
            value: row(page, minute, Some(n), true).to_string().into_bytes().into(),
            ttl: Duration::from_secs(86_400),
        };
        let batch = WriteBatch { upserts: vec![upsert], ..WriteBatch::default() };
        self.store.write(&batch).expect("written");
    }

    /// Evaluates the rules until a condition on the state of a rule holds.
    fn until(&self, name: &str, what: &str, holds: impl Fn(&state::AlertState) -> bool) {
        eventually(what, || {
            self.alerts.look();
            holds(&self.state(name))
        });
    }

    fn state(&self, name: &str) -> state::AlertState {
        self.alerts.book.slot(name).held.lock().state.clone()
    }

    /// Returns series, state and reason of all transitions of a rule, oldest first.
    fn history(&self, name: &str) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let state = self.state(name);
        let past = state.history.iter().map(|past| {
            let past = serde_json::to_value(past).expect("JSON");
            (text(&past["series"]["page"]), text(&past["state"]), text(&past["reason"]))
        });
        past.collect()
    }
}
