//! How a job's subtasks are told to end, and how they tell that they failed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::ExecutionError;

#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    failure: Mutex<Option<ExecutionError>>,
}

impl Control {
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Keeps the first failure and ends the others.
    pub fn fail(&self, error: ExecutionError) {
        self.failure.lock().get_or_insert(error);
        self.cancel();
    }

    pub fn take_failure(&self) -> Option<ExecutionError> {
        self.failure.lock().take()
    }

    /// Runs a subtask; whatever ends it badly ends the job.
    pub(super) fn run(&self, task: &str, body: impl FnOnce() -> Result<(), ExecutionError>) {
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.fail(error),
            Err(panic) => {
                let message = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "no message".to_owned());
                self.fail(ExecutionError::Panic { task: task.to_owned(), message });
            }
        }
    }
}
