//! Executes a statement: declarations and questions in its session, jobs through the dispatcher.

use jiff::tz::TimeZone;
use jobs::{JobOrigin, JobStatus, JobView, Sequel, Submission};
use sql::session::{Answer, Insertion, Outcome as Meant, Selection, StopJob};
use types::{DataType, JobId, Value, with_causes};

use super::answer::Parts;
use super::fault::{EXECUTION, Fault, VALIDATION};
use super::findings::{fault, submit_fault};
use super::operation::Operation;
use super::results::Outcome;
use super::sessions::Session;

const NO_SUCH_JOB: &str = "org.apache.flink.runtime.messages.FlinkJobNotFoundException";

/// Name of the query of a script that sets no `pipeline.name`.
const NAMELESS: &str = "query of a script";

/// Flink's settings by which a job starts from a savepoint.
const RECOVERY: [&str; 2] = ["execution.state-recovery.path", "execution.savepoint.path"];

/// Executes a statement. Blocks: it compiles, and starting or stopping a job may wait for disks and brokers.
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
        Meant::ShowJobs => Ok(Outcome::of(listed(parts.services.dispatcher.views()), zone)),
        Meant::DescribeJob(text) => {
            let view = text.parse().ok().and_then(|id| parts.services.dispatcher.view(id));
            let view = view.ok_or_else(|| {
                let message = format!("Described job {text} does not exist in the cluster.");
                Fault::new(EXECUTION, message)
            })?;
            Ok(Outcome::of(listed(vec![view]), zone))
        }
        Meant::StopJob(stop) => stopped(parts, operation, &stop),
        Meant::Insert(insertion) => inserted(parts, &insertion),
        Meant::Query(selection) => started(parts, operation, *selection, zone),
    }
}

/// Runs the query of a whole script. Blocks, as [`run`] does.
pub(super) fn run_script(parts: &Parts, operation: &Operation, script: &str) -> Result<Outcome, Fault> {
    let query = sql::compile_query(script, &*parts.services.variables);
    let query = query.map_err(|found| fault(&found, script))?;
    let zone = query.plan.settings.time_zone.clone();
    let selection =
        Selection { script: script.to_owned(), name: NAMELESS.to_owned(), query, statement_at: 0 };
    started(parts, operation, selection, zone)
}

/// Starts a query, unless there are too many.
fn started(
    parts: &Parts,
    operation: &Operation,
    selection: Selection,
    zone: TimeZone,
) -> Result<Outcome, Fault> {
    let Selection { script, name, query, statement_at } = selection;
    let columns = query.columns.clone();
    let query = parts.sessions.queries.start(parts.options.queries_max, || {
        let started = parts.services.dispatcher.query(&script, &name, query, operation.waker());
        started.map_err(|error| submit_fault(&error, &script, statement_at))
    })?;
    Ok(Outcome::of_query(columns, zone, query))
}

fn inserted(parts: &Parts, insertion: &Insertion) -> Result<Outcome, Fault> {
    let submission = Submission {
        script: &insertion.script,
        name: &insertion.name,
        variables: &*parts.services.variables,
        origin: JobOrigin::Submitted,
        from: None,
        afresh: false,
    };
    let job = parts.services.dispatcher.submit(submission);
    let job = job.map_err(|error| submit_fault(&error, &insertion.script, insertion.statement_at))?;
    let id = job.id();
    Ok(Outcome { job: Some(id), ..Outcome::one("job id", id.to_string()) })
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
    let dispatcher = &parts.services.dispatcher;

    let terminal = |status: JobStatus| {
        let message = format!("the job has already reached another terminal state ({status})");
        failed().caused_by(EXECUTION, message)
    };

    let known = id.parse::<JobId>().ok();
    let Some(job) = known.and_then(|id| dispatcher.job(id)) else {
        // A job that could not be started again after the last process is given up.
        if !with_savepoint && known.is_some_and(|id| dispatcher.abandon(id)) {
            return Ok(Outcome::ok());
        }
        return Err(match known.and_then(|id| dispatcher.view(id)) {
            Some(view) => terminal(view.status),
            None => failed().caused_by(NO_SUCH_JOB, format!("Could not find Flink job ({id})")),
        });
    };

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

    Err(terminal(job.status()))
}

/// Returns jobs as `SHOW JOBS` lists them, oldest first.
fn listed(jobs: Vec<JobView>) -> Answer {
    let text = |name: &str| (name.to_owned(), DataType::STRING.nullable());
    let columns = vec![
        text("job id"),
        text("job name"),
        text("status"),
        ("start time".to_owned(), DataType::TimestampLtz(3).nullable()),
    ];
    let rows = jobs.into_iter().map(|view| {
        vec![
            Value::Text(view.id.to_string()),
            Value::Text(view.name),
            Value::Text(view.status.to_string()),
            Value::Int(view.started.0),
        ]
    });
    Answer { columns, rows: rows.collect() }
}
