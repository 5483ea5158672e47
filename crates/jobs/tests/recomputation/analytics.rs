//! The fifteen analytics of the contract in their simplest form: a window, a filter, a group, a row.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::event::Event;

/// One analytic: its window, filter, group and written fields.
pub struct Analytic {
    pub table: &'static str,
    pub key: fn(&Row<'_>) -> String,
    pub window: i64,
    pub keep: fn(&Event) -> bool,
    pub group: fn(&Event) -> Vec<String>,
    pub fields: fn(&Row<'_>) -> Value,
}

/// A group of a window.
pub struct Row<'a> {
    pub start: i64,
    pub events: &'a [&'a Event],
}

impl Row<'_> {
    fn first(&self) -> &Event {
        self.events[0]
    }

    /// Returns the text of a group by text.
    fn text(&self) -> &str {
        self.first().text.as_deref().expect("the filter leaves out events without text")
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
        let (lower, higher) = (position.floor(), position.ceil());
        let (low, high) = (values[lower as usize], values[higher as usize]);
        if low == high { low } else { (higher - position) * low + (position - lower) * high }
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

pub fn analytics() -> Vec<Analytic> {
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
            key: |r| format!("analytics:popular_queries:{}", hash(r.text())),
            window: 30,
            keep: |e| e.text.is_some(),
            group: |e| vec![format!("{:?}", e.text)],
            fields: |r| {
                json!({"query_text": r.first().text, "query_hash": hash(r.text()),
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
                format!("analytics:popular_by_year:{years}:{}", hash(r.text()))
            },
            window: 120,
            keep: |e| student(e) && e.text.is_some(),
            group: |e| vec![format!("{:?} {:?}", e.years, e.text)],
            fields: |r| {
                json!({"years": r.first().years, "year": r.first().years, "query_text": r.first().text,
                    "query_hash": hash(r.text()), "query_count": r.count(),
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
