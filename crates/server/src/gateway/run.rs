//! Carries a statement out: in its session what is declared and asked, with the dispatcher what runs.

use jobs::{JobMaster, Origin, Sequel, Submission, with_causes};
use sql::session::{Answer, Insertion, Outcome as Meant, Selection, StopJob};
use types::{DataType, JobId, Value};

use super::answer::Parts;
use super::fault::{EXECUTION, Fault, VALIDATION};
use super::findings::{fault, submit_fault};
use super::operation::Operation;
use super::results::{Counted, Outcome};
use super::sessions::Session;

const NO_SUCH_JOB: &str = "org.apache.flink.runtime.messages.FlinkJobNotFoundException";

/// Settings of Flink's by which a job would go on from a savepoint.
const RECOVERY: [&str; 2] = ["execution.state-recovery.path", "execution.savepoint.path"];

/// Blocks: it compiles, and what it starts or stops may wait for disks and brokers.
pub(super) fn run(
    parts: &Parts,
    session: &Session,
    operation: &Operation,
    statement: &str,
) -> Result<Outcome, Fault> {
    let variables = &*parts.services.variables;
    let (meant, zone) = {
        let mut sql = session.sql.lock();
        let meant = sql.execute(statement, variables).map_err(|found| fault(&found, statement))?;
        if matches!(meant, Meant::Insert(_) | Meant::Query(_))
            && let Some(key) = RECOVERY.iter().find(|key| sql.settings().contains_key(**key))
        {
            let message = format!("'{key}' has no effect here: start from a savepoint with weir run --from");
            return Err(Fault::new(VALIDATION, message));
        }
        (meant, sql.time_zone())
    };
    match meant {
        Meant::Done => Ok(Outcome::ok()),
        Meant::Rows(answer) => Ok(Outcome::of(answer, zone)),
        Meant::ShowJobs => {
            Ok(Outcome::of(listed(parts.services.dispatcher.jobs().iter().map(|job| &**job)), zone))
        }
        Meant::DescribeJob(text) => {
            let job = job(parts, &text).ok_or_else(|| {
                let message = format!("Described job {text} does not exist in the cluster.");
                Fault::new(EXECUTION, message)
            })?;
            Ok(Outcome::of(listed(std::iter::once(&*job)), zone))
        }
        Meant::StopJob(stop) => stopped(parts, operation, &stop),
        Meant::Insert(insertion) => inserted(parts, &insertion),
        Meant::Query(selection) => {
            let at_most = parts.options.queries_max;
            let counted = Counted::one_of(&parts.sessions.queries, at_most).ok_or_else(|| {
                Fault::new(EXECUTION, format!("{at_most} queries run already: cancel or close some of them"))
            })?;
            let Selection { script, query, statement_at } = *selection;
            let columns = query.columns.clone();
            let started = parts.services.dispatcher.query(&script, query, operation.waker());
            let query = started.map_err(|error| submit_fault(&error, &script, statement_at))?;
            Ok(Outcome::of_query(columns, zone, query, counted))
        }
    }
}

fn inserted(parts: &Parts, insertion: &Insertion) -> Result<Outcome, Fault> {
    let submission = Submission {
        script: &insertion.script,
        name: &insertion.name,
        variables: &*parts.services.variables,
        origin: Origin::Submitted,
        from: None,
        afresh: false,
    };
    let job = parts.services.dispatcher.submit(submission);
    let job = job.map_err(|error| submit_fault(&error, &insertion.script, insertion.statement_at))?;
    let id = job.id();
    Ok(Outcome { job: Some(id), ..Outcome::one("job id", id.to_string()) })
}

fn job(parts: &Parts, id: &str) -> Option<std::sync::Arc<JobMaster>> {
    parts.services.dispatcher.job(id.parse::<JobId>().ok()?)
}

fn stopped(parts: &Parts, operation: &Operation, stop: &StopJob) -> Result<Outcome, Fault> {
    let StopJob { id, with_savepoint, with_drain } = stop;
    if *with_drain && !with_savepoint {
        let message = "WITH DRAIN could only be used after WITH SAVEPOINT.";
        return Err(Fault::new(VALIDATION, message));
    }
    let how = if *with_savepoint { " with savepoint" } else { "" };
    let failed =
        || Fault::new(EXECUTION, format!("Could not stop job {id}{how} for operation {}.", operation.handle));
    let job = job(parts, id)
        .ok_or_else(|| failed().caused_by(NO_SUCH_JOB, format!("Could not find Flink job ({id})")))?;
    if *with_savepoint {
        let sequel = if *with_drain { Sequel::Drain } else { Sequel::Stop };
        let written = job.savepoint(None, sequel);
        let place = written.map_err(|error| failed().caused_by(EXECUTION, with_causes(&error)))?;
        return Ok(Outcome::one("savepoint path", place));
    }
    if job.cancel() {
        tracing::info!(job_id = %job.id(), "job is being cancelled");
        return Ok(Outcome::ok());
    }
    let message = format!("the job has already reached another terminal state ({})", job.status());
    Err(failed().caused_by(EXECUTION, message))
}

/// Jobs as `SHOW JOBS` lists them, oldest first.
fn listed<'a>(jobs: impl Iterator<Item = &'a JobMaster>) -> Answer {
    let text = |name: &str| (name.to_owned(), DataType::STRING.nullable());
    let columns = vec![
        text("job id"),
        text("job name"),
        text("status"),
        ("start time".to_owned(), DataType::TimestampLtz(3).nullable()),
    ];
    let rows = jobs.map(|job| {
        let view = job.view();
        vec![
            Value::Text(view.id.to_string()),
            Value::Text(view.name),
            Value::Text(view.status.to_string()),
            Value::Int(view.started.0),
        ]
    });
    Answer { columns, rows: rows.collect() }
}
