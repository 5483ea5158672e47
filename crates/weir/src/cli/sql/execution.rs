//! Executes one statement, from its text to its last row. A thread of its own fetches the pages, so that
//! Ctrl-C works while the gateway holds a fetch, and the table on the screen updates while a page is on its
//! way.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select, tick};

use super::output::{Ending, Format, Look, Output};
use super::signals::Signals;
use crate::cli::Failure;
use crate::cli::gateway::{Answer, Head, Operation, Page, Problem, ResultKind, RowFormat, Session};

/// Minimum interval between two drawings of a table on the screen.
const FRAME: Duration = Duration::from_millis(100);
/// Wait before a gateway is asked again that answered at once that there is nothing.
const PAUSE: Duration = Duration::from_millis(50);

/// How a statement ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The statement had no result to show.
    Done,
    /// The statement started this job.
    Submitted(String),
    /// The result was written.
    Shown,
    /// A signal stopped the statement.
    Stopped,
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The gateway did not accept the statement.
    Submission(Problem),
    /// The statement failed.
    Execution(Problem),
    /// The rows could not be written.
    Output(Failure),
}

pub(super) fn execute(
    session: &Session,
    statement: &str,
    look: &Look,
    signals: &Signals,
) -> Result<Ended, Trouble> {
    // The signal came while nothing ran.
    if signals.came().try_recv().is_ok() {
        return Ok(Ended::Stopped);
    }
    let operation = session.execute(statement).map_err(Trouble::Submission)?;
    let ended = show(&operation, look, signals);
    if !matches!(ended, Ok(Ended::Done | Ended::Submitted(_) | Ended::Shown)) {
        // The operation may have ended already.
        let _ = operation.cancel();
    }
    let _ = operation.close();
    ended
}

fn show(operation: &Operation, look: &Look, signals: &Signals) -> Result<Ended, Trouble> {
    let pages = fetch(operation, look.row_format())?;
    let mut result: Option<Box<dyn Output>> = None;
    let frames = tick(FRAME);

    loop {
        let page = select! {
            recv(pages) -> page => page,
            recv(signals.came()) -> _ => {
                end(&mut result, Ending::Stopped)?;
                return Ok(Ended::Stopped);
            }
            recv(frames) -> _ => {
                result.as_mut().map_or(Ok(()), |output| output.tick()).map_err(Trouble::Output)?;
                continue;
            }
        };
        // The thread ends after the last page.
        let Ok(page) = page else {
            end(&mut result, Ending::Complete)?;
            return Ok(Ended::Shown);
        };
        let page = match page {
            Ok(page) => page,
            Err(problem) => {
                end(&mut result, Ending::Failed)?;
                return Err(Trouble::Execution(problem));
            }
        };
        if let (None, Some(head)) = (&result, &page.head) {
            if let Some(ended) = without_rows(head, look) {
                return Ok(ended);
            }
            result = Some(look.output(head));
        }
        if let Some(output) = &mut result
            && !page.rows.is_empty()
        {
            output.rows(page.rows).map_err(Trouble::Output)?;
        }
    }
}

fn end(result: &mut Option<Box<dyn Output>>, ending: Ending) -> Result<(), Trouble> {
    result.as_mut().map_or(Ok(()), |output| output.end(ending)).map_err(Trouble::Output)
}

/// Returns the outcome of a result that only reports that something was done.
fn without_rows(head: &Head, look: &Look) -> Option<Ended> {
    match (&head.job, head.kind) {
        // Programs read the id as a row.
        (Some(job), _) if !head.is_query && look.format == Format::Table => {
            Some(Ended::Submitted(job.clone()))
        }
        (None, ResultKind::Success) => Some(Ended::Done),
        _ => None,
    }
}

/// Fetches page after page, until the last one or until the receiver is gone.
fn fetch(operation: &Operation, format: RowFormat) -> Result<Receiver<Answer<Page>>, Trouble> {
    let (send, pages) = bounded(1);
    let operation = operation.clone();
    let fetching = move || fetch_all(&operation, format, &send);
    let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(fetching);
    thread.map_err(|error| Trouble::Output(Failure::failed(error)))?;
    Ok(pages)
}

fn fetch_all(operation: &Operation, format: RowFormat, send: &Sender<Answer<Page>>) {
    // Nothing is ever sent here: the channel only serves for waiting.
    let (_open, never) = bounded::<()>(0);
    let mut token = 0;
    loop {
        let fetched = operation.fetch(token, format);
        let next = fetched.as_ref().ok().and_then(|page| page.next);
        let is_empty = fetched.as_ref().is_ok_and(|page| page.rows.is_empty());
        let is_over = next.is_none();
        if send.send(fetched).is_err() || is_over {
            return;
        }
        token = next.unwrap_or(token);
        if is_empty && never.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
