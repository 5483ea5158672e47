//! Compares the rows of the first windows that both systems have closed.
//!
//! A round takes the time up to which both have closed their windows, and reads the rows of these windows until all are equal. A row
//! may come some time after its window has closed, and a system may be away or recover meanwhile. So rows that are missing or differ
//! are read again, and count only after both systems have run for a while without a pause.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use crossbeam_channel::{Receiver, never};
use types::Clock;

use super::here::{Here, Table, written};
use super::needs::Needs;
use super::pair::{Pair, Trial};
use super::rows::{Counts, Difference};
use super::topics::TopicRows;
use super::{Cluster, TakeOverArgs};
use crate::cli::Failure;
use crate::cli::terminal::complain;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Time that a row may take after both systems have closed its window.
const GRACE: Duration = Duration::from_secs(30);
/// Pause between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// Two systems that run side by side.
pub(in crate::cli) struct Comparing<'a> {
    here: &'a Here,
    cluster: &'a Cluster,
    needs: &'a Needs,
    arguments: &'a TakeOverArgs,
    /// The end of the last window that is not compared, on the wall clock.
    cut: i64,
    clock: Arc<dyn Clock>,
    pairs: Vec<Pair>,
    progress: Progress,
}

/// What a comparison has shown.
#[derive(Debug)]
pub(in crate::cli) enum Verdict {
    /// All compared rows are equal, and there are some.
    Equal,
    Different(Vec<Difference>),
    /// There was nothing to compare, or a system was away, or a job ended.
    Failed(String),
}

impl<'a> Comparing<'a> {
    pub(in crate::cli) fn new(
        (here, cluster): (&'a Here, &'a Cluster),
        needs: &'a Needs,
        arguments: &'a TakeOverArgs,
        cut: i64,
        clock: Arc<dyn Clock>,
    ) -> Comparing<'a> {
        let progress = Progress { next: Duration::ZERO, last_problem: String::new() };
        Comparing { here, cluster, needs, arguments, cut, clock, pairs: Vec::new(), progress }
    }

    /// Adds the tables whose rows can be compared.
    pub(in crate::cli) fn add(
        &mut self,
        tables: &BTreeMap<String, Table>,
        mut topics: BTreeMap<String, TopicRows>,
    ) {
        for name in &self.needs.compared {
            let (Some(table), Some(topic)) = (tables.get(name), topics.remove(name)) else { continue };
            self.pairs.push(Pair::new(name, table, topic, self.arguments, self.cut));
        }
    }

    /// Takes the present names of the tables in Weir.
    pub(in crate::cli) fn rename(&mut self, tables: &BTreeMap<String, Table>) {
        for pair in &mut self.pairs {
            if let Some(table) = tables.get(pair.name()) {
                pair.rename(table);
            }
        }
    }

    /// Compares until each table has closed a window in both systems, or until the time is over.
    pub(in crate::cli) fn run(&mut self) -> Verdict {
        let waiting: Receiver<()> = never();
        let until = self.clock.elapsed() + self.arguments.compare_for;
        while !self.pairs.is_empty() {
            let away = match self.look() {
                Ok(Look::Closed(closed)) => {
                    if let Some(verdict) = self.round(closed, until) {
                        self.tell();
                        return verdict;
                    }
                    if self.is_complete() {
                        self.tell();
                        return Verdict::Equal;
                    }
                    let standing = self.standing(closed);
                    self.progress.tell(&*self.clock, || standing);
                    None
                }
                Ok(Look::Nothing) => None,
                Ok(Look::Ended(why)) => return Verdict::Failed(why),
                // A system may be away for a while, as after a crash.
                Err(failure) => {
                    self.progress.trouble(&failure);
                    Some(failure)
                }
            };

            if self.clock.elapsed() >= until {
                self.tell();
                return match away {
                    Some(failure) => {
                        Verdict::Failed(format!("a system is away at the end of --compare-for: {failure}"))
                    }
                    None => self.at_the_end(),
                };
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
        self.at_the_end()
    }

    /// Waits until the old job has written every row that the trial, which has ended, has written. `trial` is the system of the trial.
    ///
    /// # Errors
    /// It has not done so within the time for the comparison.
    pub(in crate::cli) fn hand_over(&mut self, trial: Trial) -> Result<(), Failure> {
        let waiting: Receiver<()> = never();
        let end = self.clock.elapsed() + self.arguments.compare_for;
        let until = self.newest(trial)?;
        complain(&format!(
            "the old job is stopped as soon as it has written the windows up to {}",
            written(until)
        ));
        loop {
            let problem = match self.compare(until) {
                Ok(differences)
                    if differences.is_empty() && self.pairs.iter().all(|pair| pair.until() >= until) =>
                {
                    self.tell();
                    return Ok(());
                }
                Ok(differences) => format!("{} rows are missing or differ", differences.len()),
                // Its system may be away for a while, as after a crash.
                Err(failure) => {
                    self.progress.trouble(&failure);
                    failure.to_string()
                }
            };
            if self.clock.elapsed() >= end {
                let until = written(until);
                return Err(Failure::failed(anyhow!(
                    "the old job has not written the trial's rows up to {until}: {problem}"
                )));
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
    }

    /// Returns the end of the newest window that the trial has written.
    fn newest(&mut self, trial: Trial) -> Result<i64, Failure> {
        let mut newest = self.pairs.iter().map(Pair::until).fold(self.cut, i64::max);
        for pair in &mut self.pairs {
            newest = newest.max(pair.newest(self.here, trial)?);
        }
        Ok(newest)
    }

    /// Returns the time up to which both systems have closed all windows.
    fn look(&mut self) -> Result<Look, Failure> {
        let figures = self.here.figures()?;
        if figures.has_ended() {
            let why = figures.failure.unwrap_or_default();
            return Ok(Look::Ended(format!("job {} of Weir is {} {why}", figures.name, figures.status)));
        }
        if self.cluster.has_ended()? {
            return Ok(Look::Ended(format!(
                "job {} of the cluster is {}",
                self.cluster.job,
                self.cluster.state()?
            )));
        }

        let closed = |watermark: i64| self.needs.scale.closed(watermark);
        match (figures.watermark().map(closed), self.cluster.watermark()?.map(closed)) {
            (Some(here), Some(there)) => Ok(Look::Closed(Closed { here, there })),
            (here, there) => {
                self.progress.tell(&*self.clock, || {
                    let shown = |closed: Option<i64>| closed.map_or("nothing".to_owned(), written);
                    format!("closed up to: {} in Weir, {} on the cluster", shown(here), shown(there))
                });
                Ok(Look::Nothing)
            }
        }
    }

    /// Compares all rows of windows that both have closed. Returns a verdict if rows differ for too long.
    fn round(&mut self, closed: Closed, until: Duration) -> Option<Verdict> {
        let waiting: Receiver<()> = never();
        let closed = closed.here.min(closed.there);
        let mut late = self.clock.elapsed() + GRACE;
        loop {
            let problem = match self.compare(closed) {
                Ok(differences) if differences.is_empty() => return None,
                Ok(differences) => match self.look() {
                    Ok(Look::Closed(now)) if now.here.min(now.there) >= closed => {
                        if self.clock.elapsed() >= late {
                            return Some(Verdict::Different(differences));
                        }
                        None
                    }
                    Ok(Look::Closed(_) | Look::Nothing) => {
                        Some("a system recovers from a failure".to_owned())
                    }
                    Ok(Look::Ended(why)) => return Some(Verdict::Failed(why)),
                    Err(failure) => Some(failure.to_string()),
                },
                Err(failure) => {
                    self.progress.trouble(&failure);
                    Some(failure.to_string())
                }
            };

            if let Some(problem) = problem {
                if self.clock.elapsed() >= until {
                    return Some(Verdict::Failed(format!(
                        "the rows could not be compared to the end: {problem}"
                    )));
                }
                // The rows get the same time again, once both systems run.
                late = self.clock.elapsed() + GRACE;
            }
            // Nothing is ever sent here: the channel only serves for waiting.
            let _ = waiting.recv_timeout(PAUSE);
        }
    }

    /// Compares the rows of windows that end at `closed` or before, without those that were equal before.
    fn compare(&mut self, closed: i64) -> Result<Vec<Difference>, Failure> {
        let mut all = Vec::new();
        for pair in self.pairs.iter_mut().filter(|pair| pair.until() < closed) {
            all.extend(pair.compare(self.here, closed)?);
        }
        Ok(all)
    }

    fn rows(&self) -> usize {
        self.pairs.iter().map(Pair::rows).sum()
    }

    /// Returns whether each table has closed a window, and some row was compared.
    fn is_complete(&self) -> bool {
        self.rows() > 0 && self.pairs.iter().all(|pair| self.is_compared(pair))
    }

    fn is_compared(&self, pair: &Pair) -> bool {
        match self.needs.first_closed(pair.name(), self.cut) {
            Some(end) => pair.until() >= end,
            None => pair.rows() > 0,
        }
    }

    /// Returns the verdict when no time is left.
    fn at_the_end(&self) -> Verdict {
        let open = self.pairs.iter().filter(|pair| !self.is_compared(pair)).map(Pair::name);
        let open: Vec<&str> = open.collect();
        let why = match (open.as_slice(), self.rows()) {
            ([], rows) if rows > 0 => return Verdict::Equal,
            ([], _) => "no window with rows was closed within --compare-for".to_owned(),
            (open, _) => {
                format!("within --compare-for, both systems have not closed a window of: {}", open.join(", "))
            }
        };
        if self.arguments.anyway {
            complain(&format!("warning: {why}; taking over nevertheless, because of --anyway"));
            return Verdict::Equal;
        }
        Verdict::Failed(format!("{why} (a longer --compare-for waits for them)"))
    }

    fn standing(&self, closed: Closed) -> String {
        let compared = self.pairs.iter().filter(|pair| self.is_compared(pair)).count();
        format!(
            "closed up to: {} in Weir, {} on the cluster; {compared} of {} tables compared",
            written(closed.here),
            written(closed.there),
            self.pairs.len()
        )
    }

    /// Prints the numbers of each table.
    fn tell(&self) {
        let line = |name: &str, cells: [String; 5]| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>12}")).collect();
            format!("{name:<24}{}", cells.join(""))
        };
        complain(&line(
            "table",
            ["equal", "different", "corrected", "only Weir", "only Flink"].map(str::to_owned),
        ));
        for pair in &self.pairs {
            let Counts { equal, different, corrected, only_here, only_there } = pair.counts();
            complain(&line(
                pair.name(),
                [equal, different, corrected, only_here, only_there].map(|count| count.to_string()),
            ));
        }
    }
}

/// The times up to which each system has closed its windows.
#[derive(Debug, Clone, Copy)]
struct Closed {
    here: i64,
    there: i64,
}

/// What a look at both systems shows.
enum Look {
    Closed(Closed),
    /// A system has no watermark yet.
    Nothing,
    Ended(String),
}

/// Lines of progress, not too many.
struct Progress {
    next: Duration,
    last_problem: String,
}

impl Progress {
    fn tell(&mut self, clock: &dyn Clock, line: impl FnOnce() -> String) {
        if clock.elapsed() >= self.next {
            self.next = clock.elapsed() + PROGRESS;
            complain(&line());
        }
    }

    fn trouble(&mut self, failure: &Failure) {
        let problem = failure.to_string();
        if problem != self.last_problem {
            complain(&format!("trying again: {problem}"));
            self.last_problem = problem;
        }
    }
}
