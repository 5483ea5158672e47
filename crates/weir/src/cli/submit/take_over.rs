//! `weir submit --take-over JOB`: moves a running job of Weir to the cluster.
//!
//! The job here is stopped last. Until then, every failure leaves it as it was, and ends the job that was started on the cluster.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::anyhow;
use connectors::flink::{ClusterOptions, TRIAL_SUFFIX, Translation, translate};
use types::Clock;

use super::send::Sending;
use super::{Arguments, follow, tell_topics};
use crate::cli::gateway::Gateway;
use crate::cli::jobs::{Among, find};
use crate::cli::take_over::{
    Cluster, Comparing, Here, Needs, Prepared, Preparing, Table, TopicRows, Trial, savepoint_of_trial,
    stop_old, wait_until_closed,
};
use crate::cli::terminal::{complain, print};
use crate::cli::{Failure, Outcome, Script};

/// What a take-over needs.
pub(super) struct TakeOver<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) script: &'a Script,
    pub(super) options: ClusterOptions,
    pub(super) gateway: &'a Gateway,
    pub(super) clock: Arc<dyn Clock>,
}

/// Takes over a running job of Weir, by name or id.
pub(super) fn run(of: &TakeOver<'_>, job: &str) -> Result<Outcome, Failure> {
    let TakeOver { arguments, script, .. } = of;
    let lookup = |name: &str| arguments.script.lookup(name);
    let Some(plan) = script.compile(&lookup) else { return Ok(Outcome::No) };
    let needs = Needs::of(&plan).map_err(Failure::failed)?;

    let here = Here::find(&arguments.weir_jobs_url, &arguments.weir, &arguments.client, |jobs| {
        find(jobs, job, Among::Running)
    })?;
    let figures = here.figures()?;
    let name = figures.name.clone();
    if figures.status != "RUNNING" {
        return Err(Failure::failed(anyhow!(
            "job {name} is {}: only a running job can be taken over",
            figures.status
        )));
    }
    let preparing = Preparing { plan: &plan, needs: &needs, arguments: &arguments.take_over_options };
    preparing.check_sources(&figures)?;
    let tables = preparing.check_tables(here.tables()?)?;

    let taken = here.savepoint(false)?;
    complain(&format!("job {name} goes on; its state is in {taken}"));
    let watermark = here.figures()?.watermark().ok_or_else(|| {
        Failure::failed(anyhow!(
            "job {name} has no watermark yet: it has read no event, and has nothing to take over"
        ))
    })?;
    let prepared = preparing.prepare(watermark, &of.clock)?;
    if !prepared.may_go_on(arguments.take_over_options.anyway) {
        return Ok(Outcome::No);
    }

    let mut started = None;
    let taken = of.take_over(&here, &needs, &prepared, &tables, &mut started);
    match (taken, started) {
        (Ok(job), _) => {
            let place = stop_old(&*of.clock, &name, || here.savepoint(true), || here.has_ended())?;
            complain(&format!("job {name} is stopped here{place}; job {job} of the cluster has taken over"));
            print(&job)?;
            Ok(Outcome::Done)
        }
        (Err(failure), None) => {
            complain(&format!("not taken over: job {name} goes on here as before"));
            Err(failure)
        }
        (Err(failure), Some(cluster)) => give_up(&cluster, &name, &failure),
    }
}

impl TakeOver<'_> {
    /// Runs the trial, compares, and starts the job, whose id it returns, once the job here may be stopped. `started` is what runs on
    /// the cluster meanwhile.
    fn take_over(
        &self,
        here: &Here,
        needs: &Needs,
        prepared: &Prepared,
        tables: &BTreeMap<String, Table>,
        started: &mut Option<Rc<Cluster>>,
    ) -> Result<String, Failure> {
        let options = &self.arguments.take_over_options;
        let trial = self.trial(prepared);
        let mut topics = BTreeMap::new();
        for topic in self.translated(&trial)?.results {
            topics.insert(topic.table.clone(), TopicRows::open(&topic, self.clock.clone())?);
        }
        let cluster = self.start(&trial, started)?;
        // Without a directory for savepoints, all waiting would be in vain.
        let savepoint =
            |stop: bool| savepoint_of_trial(&*self.clock, || cluster.savepoint(stop), || cluster.has_ended());
        savepoint(false)?;

        let mut comparing =
            Comparing::new((here, &cluster), needs, options, prepared.cut, self.clock.clone());
        comparing.add(tables, topics);
        comparing.run().demand()?;

        let last = cluster.watermark()?.map_or(prepared.cut, |watermark| needs.scale.closed(watermark));
        let state = savepoint(true)?;
        complain(&format!("the rows are equal; the trial is stopped, and the job continues from {state}"));

        let mut options = self.options.clone();
        options.settings.push(("execution.state-recovery.path".to_owned(), state));
        let new = self.start(&options, started)?;
        comparing.hand_over(Trial::OnCluster)?;
        // Rows that cannot be compared come from windows that the job here has closed.
        wait_until_closed(&*self.clock, self.arguments.take_over_options.compare_for, last, || {
            Ok(here.figures()?.watermark().map(|watermark| needs.scale.closed(watermark)))
        })?;
        Ok(new.job.to_string())
    }

    fn trial(&self, prepared: &Prepared) -> ClusterOptions {
        let mut options = self.options.clone();
        let name = prepared.name.as_ref().or(self.options.name.as_ref()).map_or("", String::as_str);
        options.settings.push(("pipeline.name".to_owned(), format!("{name}{TRIAL_SUFFIX}")));
        options.trial = Some(prepared.trial.clone());
        options
    }

    fn translated(&self, options: &ClusterOptions) -> Result<Translation, Failure> {
        let (translation, findings) =
            translate(&self.script.text, &|name| self.arguments.script.lookup(name), options);
        translation.ok_or_else(|| {
            self.script.show(&findings);
            Failure::failed(anyhow!("Flink would refuse the script"))
        })
    }

    /// Sends the script, and waits until its job runs.
    fn start(
        &self,
        options: &ClusterOptions,
        started: &mut Option<Rc<Cluster>>,
    ) -> Result<Rc<Cluster>, Failure> {
        let Arguments { client, jobs_url, verbose: is_verbose, wait, .. } = self.arguments;
        let translation = self.translated(options)?;
        let sending = Sending { script: self.script, translation: &translation, is_verbose: *is_verbose };
        let Some(submitted) = sending.send(self.gateway)? else {
            return Err(Failure::failed(anyhow!("Flink refused the script")));
        };
        tell_topics(&translation.results);

        let Some(url) = jobs_url.clone().or(submitted.manager) else {
            return Err(Failure::usage(anyhow!(
                "the gateway does not name the job manager: cancel job {} of the cluster, and name the job manager with --jobs-url URL",
                submitted.job
            )));
        };
        let cluster = Rc::new(Cluster::new(&url, client, &submitted.job)?);
        *started = Some(cluster.clone());
        let job = follow::Job::new(client, submitted.job, Some(url), *is_verbose)?;
        match job.follow(&*self.clock, *wait)? {
            Outcome::Done => Ok(cluster),
            Outcome::No => Err(Failure::failed(anyhow!("the job on the cluster does not run"))),
        }
    }
}

/// Ends the job on the cluster.
fn give_up(cluster: &Cluster, name: &str, why: &Failure) -> Result<Outcome, Failure> {
    complain(&format!("not taken over: {why}"));
    let cancelled = match cluster.has_ended() {
        Ok(true) => Ok(()),
        _ => cluster.cancel(),
    };
    match cancelled {
        Ok(()) => complain(&format!(
            "job {} of the cluster is ended; job {name} goes on here as before",
            cluster.job
        )),
        Err(failure) => complain(&format!(
            "job {name} goes on here as before, but job {} of the cluster could not be cancelled: {failure}",
            cluster.job
        )),
    }
    Ok(Outcome::No)
}
