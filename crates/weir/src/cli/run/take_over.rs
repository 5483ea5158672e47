//! `weir run --take-over URL/jobs/ID`: moves a running job of a Flink cluster to Weir.
//!
//! The job on the cluster is stopped last. Until then, every failure leaves it as it was, and ends the job that was started in Weir.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use connectors::flink::{TRIAL_SUFFIX, translate};
use crossbeam_channel::{Receiver, never};
use serde_json::{Value, json};
use sql::statements::Statements;
use types::Clock;

use super::{Arguments, DryRun, Submitted};
use crate::cli::take_over::{
    Cluster, Comparing, Here, Needs, Prepared, Preparing, Table, TopicRows, Trial, base, savepoint_of_trial,
    stop_old, wait_until_closed,
};
use crate::cli::terminal::{complain, print};
use crate::cli::{Failure, Outcome, Script};

/// Interval and number of looks at a job that has no watermark yet.
const PAUSE: Duration = Duration::from_millis(300);
const LOOKS_MAX: u32 = 200;

/// What a take-over needs.
struct TakeOver<'a> {
    arguments: &'a Arguments,
    script: Script,
    name: String,
    needs: Needs,
    cluster: Cluster,
    clock: Arc<dyn Clock>,
}

/// Takes over the job of a Flink cluster at `URL/jobs/ID`.
pub(super) fn run(arguments: &Arguments, job: &str, clock: Arc<dyn Clock>) -> Result<Outcome, Failure> {
    let script = arguments.script.read()?;
    let lookup = |name: &str| arguments.script.lookup(name);
    let Some(plan) = script.compile(&lookup) else { return Ok(Outcome::No) };
    let needs = Needs::of(&plan).map_err(Failure::failed)?;
    let (translation, findings) = translate(&script.text, &lookup, &arguments.results.options());
    let Some(translation) = translation else {
        script.show(&findings);
        return Ok(Outcome::No);
    };

    let (url, id) = place(job)?;
    let cluster = Cluster::new(url, arguments.manager.client(), id)?;
    let state = cluster.state()?;
    if state != "RUNNING" {
        return Err(Failure::failed(anyhow!(
            "job {id} of the cluster is {state}: only a running job can be taken over"
        )));
    }
    let taken = cluster.savepoint(false)?;
    complain(&format!("job {id} of the cluster goes on; its state is in {taken}"));

    // The topics are opened before the watermark is known, so that no row of a later window is missed.
    let mut topics = BTreeMap::new();
    for topic in translation.results.iter().filter(|topic| needs.compared.contains(&topic.table)) {
        let opened = TopicRows::open(topic, clock.clone())?;
        topics.insert(topic.table.clone(), opened);
    }
    // A topic begins with its first row: that of a long window may not exist yet.
    if !topics.is_empty() && !topics.values().any(TopicRows::exists) {
        let known: Vec<&str> = translation.results.iter().map(|topic| topic.topic.as_str()).collect();
        return Err(Failure::failed(anyhow!(
            "none of the results topics exists ({}): --topic-prefix says where the job writes",
            known.join(", ")
        )));
    }
    let watermark = cluster.fresh_watermark(&*clock)?.ok_or_else(|| {
        Failure::failed(anyhow!("job {id} of the cluster has no watermark yet: it has nothing to take over"))
    })?;
    let preparing = Preparing { plan: &plan, needs: &needs, arguments: &arguments.take_over_options };
    let prepared = preparing.prepare(watermark, &clock)?;
    if !prepared.may_go_on(arguments.take_over_options.anyway) {
        return Ok(Outcome::No);
    }

    let name = prepared.name.clone().or_else(|| arguments.name.clone());
    let name = name.unwrap_or_else(|| script.job_name().to_owned());
    let of = TakeOver { arguments, script, name, needs, cluster, clock };
    let mut started = None;
    match (of.take_over(&prepared, topics, &mut started), started) {
        (Ok(job), _) => {
            let place = stop_old(&*of.clock, id, || of.cluster.savepoint(true), || of.cluster.has_ended())?;
            complain(&format!("job {id} of the cluster is stopped{place}; job {job} has taken over"));
            print(&job)?;
            Ok(Outcome::Done)
        }
        (Err(failure), started) => give_up(id, started.as_deref(), &failure),
    }
}

impl TakeOver<'_> {
    /// Runs the trial, compares, and starts the job, whose id it returns, once the job of the cluster may be stopped. `started` is
    /// what runs in Weir meanwhile.
    fn take_over(
        &self,
        prepared: &Prepared,
        topics: BTreeMap<String, TopicRows>,
        started: &mut Option<Rc<Here>>,
    ) -> Result<String, Failure> {
        let options = &self.arguments.take_over_options;
        let lookup = |name: &str| self.arguments.script.lookup(name);
        let statements = Statements::of(&self.script.text, &lookup);
        let statements =
            statements.map_err(|_| Failure::failed(anyhow!("the script has changed meanwhile")))?;
        let trial = prepared.trial.script(&self.script.text, &statements, &self.name);
        let trial = Rc::new(self.start(&trial, &format!("{}{TRIAL_SUFFIX}", self.name), None)?);
        *started = Some(trial.clone());

        let declared = tables(&trial)?;
        let mut comparing =
            Comparing::new((&trial, &self.cluster), &self.needs, options, prepared.cut, self.clock.clone());
        comparing.add(&declared, topics);
        comparing.run().demand()?;

        let state = savepoint_of_trial(&*self.clock, || trial.savepoint(true), || trial.has_ended())?;
        complain(&format!("the rows are equal; the trial is stopped, and the job continues from {state}"));
        self.keeps_all_state(&state)?;
        let here = Rc::new(self.start(&self.script.text, &self.name, Some(&state))?);
        *started = Some(here.clone());

        // The tables of the new job may have taken the names of those of the trial.
        comparing.rename(&tables(&trial)?);
        comparing.hand_over(Trial::InWeir)?;
        // Rows that cannot be compared come from windows that the job of the cluster has closed. The new job continues at the
        // watermark at which its trial ended.
        let until = self.needs.scale.closed(first_watermark(&here)?);
        wait_until_closed(&*self.clock, options.compare_for, until, || {
            Ok(self.cluster.watermark()?.map(|watermark| self.needs.scale.closed(watermark)))
        })?;
        Ok(here.job.to_string())
    }

    fn body(&self, text: &str, name: &str, from: Option<&str>) -> Value {
        let variables: BTreeMap<&str, &str> = self.arguments.script.given().collect();
        json!({
            "script": text, "name": name, "file": self.script.name, "variables": variables,
            "from": from, "replace": null, "dry_run": false,
        })
    }

    fn start(&self, text: &str, name: &str, from: Option<&str>) -> Result<Here, Failure> {
        let Arguments { manager, weir, .. } = self.arguments;
        Here::find(manager.url(), weir, manager.client(), |jobs| {
            let submitted: Submitted = jobs.post("/weir/jobs", &self.body(text, name, from))?;
            submitted.tell();
            submitted
                .jobid
                .parse()
                .map_err(|_| Failure::external(anyhow!("Weir answers with an id that is none")))
        })
    }

    /// Checks that the script continues from its trial without a loss.
    fn keeps_all_state(&self, state: &str) -> Result<(), Failure> {
        let mut body = self.body(&self.script.text, &self.name, Some(state));
        body["dry_run"] = json!(true);
        let manager = crate::cli::rest::JobManager::new(&self.arguments.manager)?;
        let DryRun { complete, report } = manager.post("/weir/jobs", &body)?;
        match complete {
            true => Ok(()),
            false => Err(Failure::failed(anyhow!(
                "the script would not keep all state of its trial:\n{}",
                report.trim_end()
            ))),
        }
    }
}

/// Returns the URL of a job manager, and the id of a job in it.
fn place(job: &str) -> Result<(&str, &str), Failure> {
    let found = job.trim_end_matches('/').rsplit_once("/jobs/");
    let found = found.filter(|(url, id)| url.contains("://") && !id.contains('/'));
    found.ok_or_else(|| {
        let example = "http://flink:8081/jobs/0123456789abcdef0123456789abcdef";
        Failure::usage(anyhow!(
            "`{job}` names no job of a Flink cluster: --take-over takes a URL such as {example}"
        ))
    })
}

/// Returns the result tables of a trial by their names in the script.
fn tables(here: &Here) -> Result<BTreeMap<String, Table>, Failure> {
    Ok(here.tables()?.into_iter().map(|table| (base(&table.name).to_owned(), table)).collect())
}

/// Returns the first watermark of a job that has just started.
fn first_watermark(here: &Here) -> Result<i64, Failure> {
    let waiting: Receiver<()> = never();
    for _ in 0..LOOKS_MAX {
        if let Some(watermark) = here.figures()?.watermark() {
            return Ok(watermark);
        }
        // Nothing is ever sent here: the channel only serves for waiting.
        let _ = waiting.recv_timeout(PAUSE);
    }
    Err(Failure::failed(anyhow!("job {} has no watermark", here.job)))
}

/// Ends the job in Weir.
fn give_up(id: &str, started: Option<&Here>, why: &Failure) -> Result<Outcome, Failure> {
    complain(&format!("not taken over: {why}"));
    let cancelled = match started {
        Some(here) if !here.has_ended().unwrap_or_default() => here.cancel(),
        _ => Ok(()),
    };
    match cancelled {
        Ok(()) => complain(&format!("job {id} of the cluster goes on as before")),
        Err(failure) => {
            complain(&format!(
                "job {id} of the cluster goes on as before, but that of Weir could not be cancelled: {failure}"
            ));
        }
    }
    Ok(Outcome::No)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_of_a_cluster_is_named_by_its_url() {
        let id = "0123456789abcdef0123456789abcdef";
        let url = format!("https://flink/proxy/jobs/{id}/");
        assert_eq!(place(&url).expect("a job"), ("https://flink/proxy", id));
        for wrong in ["clicks", id, "http://flink:8081/jobs/", "flink/jobs/a/b"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
