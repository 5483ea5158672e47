//! Errors as text for people: the message and its causes in one line.
//!
//! A cause is printed once, where the error leaves the program: in a log, in a job's view, in an answer.

use std::error::Error;

/// Returns the message of an error with its causes, in one line: `message: cause: cause of the cause`.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
