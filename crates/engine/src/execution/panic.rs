//! Turns panics into errors: a panic ends its job with its message, and affects nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ExecutionError;

/// Runs a part of a job; a panic in it becomes an error that names the part.
///
/// State that the part shares with other threads must be consistent at every unwind. This holds for
/// everything that a job shares.
pub fn caught<T, E: From<ExecutionError>>(task: &str, body: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let message = panic_message(&*panic);
        Err(ExecutionError::Panic { task: task.to_owned(), message }.into())
    })
}

/// Returns the message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
