//! Lookup tables, by the connector in their `WITH` clause.
//!
//! | connector | where rows are found |
//! | --- | --- |
//! | `redis` | in the result store, under the key that the table's template builds from the join's values |
//! | `filesystem` | in files of JSON lines, held in memory and read again when they change |
//! | `jdbc` | in a file of a local run, `--input TABLE=FILE`; other jobs cannot look it up |

mod file;
mod options;
mod policy;
mod rows;
mod store;

pub use file::{FileLookup, LineForm};
pub use options::{FileOptions, LookupOptions, LookupSystem, StoreOptions, lookup_options};
pub use policy::LookupPolicy;
pub use store::StoreLookup;

use engine::connector::ConnectorError;
use storage::store::StoreError;

use crate::retry::{Retry, RetryError, Transience};

/// The error of a failed lookup.
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The table contains something that is not a row. Its writer may still correct it.
    #[error("{0}")]
    Malformed(String),
    #[error("cannot {doing} {path}")]
    File {
        doing: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{0}")]
    NotAllowed(String),
    /// The lookup failed as often as the table's options allow.
    #[error(transparent)]
    GivenUp(Box<LookupError>),
}

impl Transience for LookupError {
    fn is_transient(&self) -> bool {
        match self {
            LookupError::Store(error) => error.is_transient(),
            LookupError::Malformed(_) | LookupError::File { .. } => true,
            LookupError::NotAllowed(_) | LookupError::GivenUp(_) => false,
        }
    }
}

/// Repeats a lookup until it succeeds, fails permanently, has failed as often as the table's options allow,
/// or the job ends.
fn repeated<T>(
    retry: &Retry,
    table: &str,
    policy: &LookupPolicy,
    mut attempt: impl FnMut() -> Result<T, LookupError>,
) -> Result<T, ConnectorError> {
    let mut retries = policy.max_retries;
    let done = retry.run(&format!("look up rows of `{table}`"), || {
        attempt().map_err(|error| match &mut retries {
            Some(0) => LookupError::GivenUp(Box::new(error)),
            Some(left) => {
                *left -= 1;
                error
            }
            None => error,
        })
    });
    done.map_err(|error| {
        let doing = format!("cannot look up rows of `{table}`");
        match error {
            RetryError::Permanent(error) => ConnectorError::external(doing, error),
            RetryError::Stopped => ConnectorError::external(doing, crate::retry::Stopped),
        }
    })
}
