//! Panics as errors: whatever goes wrong in a job ends that job, with what was said, and nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ExecutionError;

/// Runs a part of a job; a panic in it is an error that names the part.
///
/// What the part shares with others must hold together whenever it lets go of it: that is so of all that a job shares.
pub fn caught<T, E: From<ExecutionError>>(task: &str, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let message = panic_message(&*panic);
        Err(ExecutionError::Panic { task: task.to_owned(), message }.into())
    })
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
