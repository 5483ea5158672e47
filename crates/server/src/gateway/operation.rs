//! An operation: a statement from its arrival until its result is dropped.

use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::fault::{EXECUTION, Fault, GATEWAY};
use super::handle::Handle;
use super::results::{Outcome, Page};

pub(super) struct Operation {
    pub(super) handle: Handle,
    /// Whether the statement changes nothing that others see.
    pub(super) only_asks: bool,
    state: Mutex<OperationState>,
    /// Notifies of changed state and of new rows. Shared with the job, which may outlive the operation.
    changed: Arc<Notify>,
}

enum OperationState {
    Running,
    Done(Outcome),
    Failed(Fault),
    Canceled,
    TimedOut,
    Closed,
}

/// Status of an operation, by Flink's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Running,
    Finished,
    Error,
    Canceled,
    Timeout,
    Closed,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Finished => "FINISHED",
            Status::Error => "ERROR",
            Status::Canceled => "CANCELED",
            Status::Timeout => "TIMEOUT",
            Status::Closed => "CLOSED",
        }
    }
}

impl Operation {
    pub(super) fn new(only_asks: bool) -> Operation {
        let (handle, state) = (Handle::new(), Mutex::new(OperationState::Running));
        Operation { handle, only_asks, state, changed: Arc::default() }
    }

    /// Returns a function for the query to call when it has rows.
    pub(super) fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let changed = Arc::clone(&self.changed);
        Arc::new(move || changed.notify_waiters())
    }

    pub(super) fn status(&self) -> Status {
        match &*self.state.lock() {
            OperationState::Running => Status::Running,
            OperationState::Done(_) => Status::Finished,
            OperationState::Failed(_) => Status::Error,
            OperationState::Canceled => Status::Canceled,
            OperationState::TimedOut => Status::Timeout,
            OperationState::Closed => Status::Closed,
        }
    }

    /// Sets the outcome of the statement. If the operation was cancelled or closed meanwhile, a query in the
    /// outcome ends.
    pub(super) fn settle(&self, outcome: Result<Outcome, Fault>) {
        let next = match outcome {
            Ok(outcome) => OperationState::Done(outcome),
            Err(fault) => OperationState::Failed(fault),
        };
        self.leave(|state| matches!(state, OperationState::Running), next);
    }

    pub(super) fn time_out(&self) {
        self.leave(|state| matches!(state, OperationState::Running), OperationState::TimedOut);
    }

    /// Cancels a running statement or query; returns false where there is none.
    pub(super) fn cancel(&self) -> bool {
        let goes_on = |state: &OperationState| match state {
            OperationState::Running => true,
            OperationState::Done(outcome) => outcome.is_query(),
            _ => false,
        };
        self.leave(goes_on, OperationState::Canceled)
    }

    /// Drops the result; a query ends.
    pub(super) fn close(&self) {
        self.leave(|_| true, OperationState::Closed);
    }

    fn leave(&self, may: impl FnOnce(&OperationState) -> bool, next: OperationState) -> bool {
        let mut state = self.state.lock();
        let is_left = may(&state);
        // Drop the old state without the lock, because dropping a query ends it.
        let dropped = if is_left { std::mem::replace(&mut *state, next) } else { next };
        drop(state);
        drop(dropped);
        self.changed.notify_waiters();
        is_left
    }

    /// Returns whether the operation may be dropped.
    pub(super) fn is_at_rest(&self) -> bool {
        match &*self.state.lock() {
            OperationState::Running => false,
            OperationState::Done(outcome) => outcome.is_at_rest(),
            OperationState::Failed(_)
            | OperationState::Canceled
            | OperationState::TimedOut
            | OperationState::Closed => true,
        }
    }

    /// Waits for the page of a token, at most for `until`; `answer` converts it.
    pub(super) async fn fetch<T>(
        &self,
        token: u64,
        page_rows: usize,
        until: impl Future<Output = ()>,
        answer: impl Fn(Option<&Outcome>, &Page) -> T,
    ) -> Result<T, Fault> {
        tokio::pin!(until);
        let mut is_late = false;

        loop {
            // Subscribe before looking, so that no change is missed between the two.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match &mut *self.state.lock() {
                OperationState::Running if is_late => return Ok(answer(None, &Page::NotYet)),
                OperationState::Running => {}
                OperationState::Done(outcome) => match outcome.page(token, page_rows)? {
                    Page::NotYet if is_late => {
                        let page = outcome.skip(token);
                        return Ok(answer(Some(outcome), &page));
                    }
                    Page::NotYet => {}
                    page => return Ok(answer(Some(outcome), &page)),
                },
                OperationState::Failed(fault) => return Err(self.failed(fault)),
                OperationState::Canceled => return Err(self.gone("CANCELED")),
                OperationState::TimedOut => return Err(self.gone("TIMEOUT")),
                OperationState::Closed => return Err(self.gone("CLOSED")),
            }
            tokio::select! {
                () = &mut changed => {}
                () = &mut until => is_late = true,
            }
        }
    }

    fn failed(&self, fault: &Fault) -> Fault {
        fault.clone().under(EXECUTION, format!("Failed to execute the operation {}.", self.handle))
    }

    fn gone(&self, status: &str) -> Fault {
        let message = format!("Can not fetch results from the {} in {status} status.", self.handle);
        Fault::new(GATEWAY, message)
    }
}
