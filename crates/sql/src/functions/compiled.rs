//! Compiled patterns: a literal pattern is compiled when the call is prepared, other patterns whenever they
//! change from row to row.

use std::sync::{Mutex, PoisonError};

use super::{EvalError, signature::fail};

#[derive(Debug)]
pub(super) struct Compiled<T> {
    literal: Option<T>,
    last: Mutex<Option<(String, T)>>,
    compile: fn(&str) -> Result<T, String>,
}

impl<T> Compiled<T> {
    /// Creates the cache; `literal` is the pattern if it is constant.
    pub(super) fn new(
        literal: Option<&str>,
        compile: fn(&str) -> Result<T, String>,
    ) -> Result<Compiled<T>, String> {
        Ok(Compiled { literal: literal.map(compile).transpose()?, last: Mutex::new(None), compile })
    }

    /// Calls `body` with the compiled form of a row's pattern.
    pub(super) fn with<R>(&self, pattern: &str, body: impl FnOnce(&T) -> R) -> Result<R, EvalError> {
        if let Some(literal) = &self.literal {
            return Ok(body(literal));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let compiled = match last.take() {
            Some((known, compiled)) if known == pattern => compiled,
            _ => (self.compile)(pattern).map_err(fail)?,
        };
        let (_, compiled) = last.insert((pattern.to_owned(), compiled));
        Ok(body(compiled))
    }
}
