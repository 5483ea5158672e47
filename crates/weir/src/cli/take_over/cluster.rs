//! The side of a Flink cluster: the watermark and the state of a job, and its end.

use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, never};
use serde::Deserialize;
use types::{Clock, JobId};

use crate::cli::Failure;
use crate::cli::client::ClientArgs;
use crate::cli::jobs::flink::savepoint;
use crate::cli::rest::{JobManager, ManagerArgs};
use crate::cli::submit;

/// Interval of looks at a job that ends.
const PAUSE: Duration = Duration::from_millis(300);
/// Looks at a job that ends.
const LOOKS_MAX: u32 = 200;

const METRICS_INTERVAL: &str = "metrics.fetcher.update-interval";
const METRICS_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);

/// A job of a Flink cluster.
pub(in crate::cli) struct Cluster {
    manager: JobManager,
    /// For requests that wait until a state is written.
    patient: JobManager,
    pub(in crate::cli) job: JobId,
}

#[derive(Deserialize)]
struct Details {
    state: String,
    #[serde(default)]
    vertices: Vec<Vertex>,
}

#[derive(Deserialize)]
struct Vertex {
    id: String,
}

/// A setting of the job manager.
#[derive(Deserialize)]
struct Setting {
    key: String,
    value: String,
}

/// A metric of a subtask, such as `0.currentInputWatermark`.
#[derive(Deserialize)]
struct Metric {
    value: String,
}

impl Cluster {
    pub(in crate::cli) fn new(url: &str, client: &ClientArgs, job: &str) -> Result<Cluster, Failure> {
        let job: JobId =
            job.parse().map_err(|_| Failure::usage(anyhow!("`{job}` is not the id of a job")))?;
        let arguments = ManagerArgs::of(url, client);
        let (manager, patient) = (JobManager::new(&arguments)?, JobManager::patient(&arguments)?);
        if !manager.is_flink()? {
            return Err(Failure::usage(anyhow!("{url} is a Weir, not the job manager of a Flink cluster")));
        }
        Ok(Cluster { manager, patient, job })
    }

    /// Takes a savepoint, and ends the job with it if so requested. Returns its directory.
    pub(in crate::cli) fn savepoint(&self, stop: bool) -> Result<String, Failure> {
        savepoint(&self.patient, self.job, None, stop)
    }

    pub(in crate::cli) fn state(&self) -> Result<String, Failure> {
        self.details().map(|details| details.state)
    }

    /// Returns the least watermark of the job's operators; `None` until each has one.
    pub(in crate::cli) fn watermark(&self) -> Result<Option<i64>, Failure> {
        let mut all = Vec::new();
        for vertex in self.details()?.vertices {
            let path = format!("/jobs/{}/vertices/{}/watermarks", self.job, vertex.id);
            // A source has no input, and so no watermark here.
            let metrics: Vec<Metric> = self.manager.get(&path)?;
            all.extend(metrics.into_iter().map(|metric| metric.value));
        }
        Ok(least(&all))
    }

    /// Returns a watermark that the job has reached after this call. The job manager answers with metrics that it has fetched before,
    /// and fetches new ones at an interval.
    pub(in crate::cli) fn fresh_watermark(&self, clock: &dyn Clock) -> Result<Option<i64>, Failure> {
        let until = clock.elapsed() + 2 * self.metrics_interval()? + PAUSE;
        let waiting: Receiver<()> = never();
        loop {
            let watermark = self.watermark()?;
            if clock.elapsed() >= until {
                return Ok(watermark);
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
    }

    /// Returns the interval at which the job manager fetches metrics.
    fn metrics_interval(&self) -> Result<Duration, Failure> {
        let settings: Vec<Setting> = self.manager.get("/jobmanager/config")?;
        let given = settings.iter().find(|setting| setting.key == METRICS_INTERVAL);
        let of = |setting: &Setting| match setting.value.parse() {
            Ok(milliseconds) => Some(Duration::from_millis(milliseconds)),
            Err(_) => submit::duration(&setting.value).ok(),
        };
        Ok(given.and_then(of).unwrap_or(METRICS_INTERVAL_DEFAULT))
    }

    /// Cancels the job, and returns once it has ended.
    pub(in crate::cli) fn cancel(&self) -> Result<(), Failure> {
        self.manager.cancel(self.job)?;
        let waiting: Receiver<()> = never();
        for _ in 0..LOOKS_MAX {
            if self.has_ended()? {
                return Ok(());
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
        Err(Failure::failed(anyhow!("job {} of the cluster does not end", self.job)))
    }

    pub(in crate::cli) fn has_ended(&self) -> Result<bool, Failure> {
        self.state().map(|state| ["CANCELED", "FAILED", "FINISHED"].contains(&state.as_str()))
    }

    fn details(&self) -> Result<Details, Failure> {
        self.manager.get(&format!("/jobs/{}", self.job))
    }
}

/// Returns the least of some watermarks; `None` if there is none, or if an operator has none yet.
fn least(values: &[String]) -> Option<i64> {
    let values: Vec<i64> = values.iter().filter_map(|value| value.parse().ok()).collect();
    let least = values.into_iter().min()?;
    (least > i64::MIN && least < i64::MAX).then_some(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_without_a_watermark_holds_all_back() {
        let of = |values: &[&str]| least(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["1765290000000", "1765290000999"]), Some(1_765_290_000_000));
        assert_eq!(of(&["1765290000000", "-9223372036854775808"]), None);
        assert_eq!((of(&[]), of(&["NaN"]), of(&["9223372036854775807"])), (None, None, None));
    }
}
