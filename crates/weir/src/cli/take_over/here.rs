//! The side of a running Weir: the figures of a job, its savepoints, and the rows of its result tables.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use types::JobId;

use super::needs::END;
use super::rows::{Column, Comparison, Row, Rows, time};
use crate::cli::Failure;
use crate::cli::api::{Api, escaped};
use crate::cli::client::ClientArgs;
use crate::cli::rest::{JobManager, ManagerArgs};

/// Maximum rows of an answer.
const ROWS_MAX: &str = "100000";

/// Where Weir is.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct WeirArgs {
    /// URL of the running Weir, for the rows that a take-over compares
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000", env = "WEIR_URL")]
    pub(in crate::cli) weir_url: String,
}

/// A job of a running Weir.
pub(in crate::cli) struct Here {
    manager: JobManager,
    /// For requests that wait until a state is written.
    patient: JobManager,
    api: Api,
    pub(in crate::cli) job: JobId,
}

/// The parts of `GET /weir/jobs/{id}` that matter here.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::cli) struct Figures {
    pub(in crate::cli) name: String,
    pub(in crate::cli) status: String,
    #[serde(default)]
    pub(in crate::cli) failure: Option<String>,
    pub(in crate::cli) sources: Vec<Source>,
    tasks: Vec<Task>,
}

#[derive(Debug, Clone, Deserialize)]
pub(in crate::cli) struct Source {
    pub(in crate::cli) table: String,
    pub(in crate::cli) topic: Option<String>,
    pub(in crate::cli) brokers: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Task {
    vertex: String,
    watermark: Option<i64>,
}

/// A result table, as `GET /results` describes it.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::cli) struct Table {
    /// Name in paths.
    pub(in crate::cli) name: String,
    pub(in crate::cli) columns: Vec<Column>,
    pub(in crate::cli) key: String,
    pub(in crate::cli) key_columns: Vec<String>,
    job_id: String,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Written {
    location: String,
}

/// Rows of a table up to a time.
pub(in crate::cli) struct RowsUntil {
    pub(in crate::cli) rows: Rows,
    /// The rows are complete for windows that end at this wall-clock time or earlier.
    pub(in crate::cli) until: i64,
}

impl Figures {
    /// Returns the least watermark of the job's subtasks: all windows up to it are closed. `None` until each subtask has one; parts
    /// of the job without event times have none.
    pub(in crate::cli) fn watermark(&self) -> Option<i64> {
        let has_event_time =
            |task: &&Task| self.tasks.iter().any(|of| of.vertex == task.vertex && of.watermark.is_some());
        let least = self.tasks.iter().filter(has_event_time).map(|task| task.watermark).min()??;
        // A source that has ended has the greatest number there is.
        (least < i64::MAX / 2).then_some(least)
    }

    pub(in crate::cli) fn has_ended(&self) -> bool {
        ["FAILED", "CANCELED", "FINISHED"].contains(&self.status.as_str())
    }
}

impl Here {
    /// Finds a job of the Weir whose job manager has a URL.
    pub(in crate::cli) fn find(
        jobs_url: &str,
        weir: &WeirArgs,
        client: &ClientArgs,
        job: impl FnOnce(&JobManager) -> Result<JobId, Failure>,
    ) -> Result<Here, Failure> {
        let arguments = ManagerArgs::of(jobs_url, client);
        let manager = JobManager::new(&arguments)?;
        if manager.is_flink()? {
            return Err(Failure::usage(anyhow::anyhow!("{jobs_url} is a Flink, not a Weir")));
        }
        let job = job(&manager)?;
        Ok(Here {
            manager,
            patient: JobManager::patient(&arguments)?,
            api: Api::new(&weir.weir_url, client)?,
            job,
        })
    }

    pub(in crate::cli) fn figures(&self) -> Result<Figures, Failure> {
        self.manager.get(&format!("/weir/jobs/{}", self.job))
    }

    /// Writes the job's state, and ends the job if so requested. Returns the savepoint's directory.
    pub(in crate::cli) fn savepoint(&self, stop: bool) -> Result<String, Failure> {
        let body = json!({"target": null, "stop": stop});
        let written: Written = self.patient.post(&format!("/weir/jobs/{}/savepoint", self.job), &body)?;
        Ok(written.location)
    }

    pub(in crate::cli) fn cancel(&self) -> Result<(), Failure> {
        self.manager.cancel(self.job)
    }

    pub(in crate::cli) fn has_ended(&self) -> Result<bool, Failure> {
        self.figures().map(|figures| figures.has_ended())
    }

    /// Returns the result tables that the job has declared.
    pub(in crate::cli) fn tables(&self) -> Result<Vec<Table>, Failure> {
        let Tables { tables } = self.api.read(&self.api.get("/results", &[])?)?;
        let id = self.job.to_string();
        Ok(tables.into_iter().filter(|table| table.job_id == id).collect())
    }

    /// Returns the final rows of windows that end after `from` and at `until` or before.
    pub(in crate::cli) fn rows(
        &self,
        table: &Table,
        comparison: &Comparison,
        (from, until): (i64, i64),
    ) -> Result<RowsUntil, Failure> {
        let (first, last) = (written(from), written(until.saturating_add(1)));
        let query = [
            ("from", first.as_str()),
            ("to", last.as_str()),
            ("order", "_time"),
            ("limit", ROWS_MAX),
            ("format", "ndjson"),
        ];
        let answer = self.api.get_rows(&format!("/results/{}", escaped(&table.name)), &query)?;

        let (mut rows, mut newest) = (Rows::new(), from);
        for line in answer.text.lines() {
            let row: Row = self.api.read(line)?;
            let Some(ended) = row.get(END).and_then(time) else { continue };
            newest = newest.max(ended);
            let is_final = row.get("_is_final") != Some(&Value::Bool(false));
            if is_final && from < ended && ended <= until {
                rows.insert(comparison.key(&row), row);
            }
        }
        // Where rows were cut off, those of the newest window may be among them.
        let until = if answer.is_complete { until } else { newest.saturating_sub(1) };
        rows.retain(|_, row| row.get(END).and_then(time).is_some_and(|ended| ended <= until));
        Ok(RowsUntil { rows, until })
    }
}

/// Writes a wall-clock time as the routes read it.
pub(in crate::cli) fn written(wall: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(wall).unwrap_or_default();
    jiff::tz::TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_watermark_is_that_of_parts_with_event_times() {
        let of = |tasks: &[(&str, Option<i64>)]| {
            let task = |(vertex, watermark): &(&str, Option<i64>)| Task {
                vertex: (*vertex).to_owned(),
                watermark: *watermark,
            };
            let (name, status) = ("j".to_owned(), "RUNNING".to_owned());
            let tasks = tasks.iter().map(task).collect();
            Figures { name, status, failure: None, sources: Vec::new(), tasks }.watermark()
        };
        assert_eq!(of(&[("windows", Some(5)), ("source", Some(7)), ("dimension", None)]), Some(5));
        assert_eq!(of(&[("windows", Some(5)), ("windows", None)]), None, "a subtask has none yet");
        assert_eq!((of(&[]), of(&[("source", None)]), of(&[("source", Some(i64::MAX))])), (None, None, None));
    }
}
