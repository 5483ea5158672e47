//! Tables that are looked up, by the connector in their `WITH` clause.
//!
//! | connector | rows are found in |
//! | --- | --- |
//! | `redis` | the result store, under the key that the table's template makes of the join's values |
//! | `filesystem` | files of JSON lines, held in memory and read again when they change |
//! | `jdbc` | a file of a local run: `--input TABLE=FILE`; a job that runs cannot look it up |

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

/// A lookup that failed.
#[derive(Debug, thiserror::Error)]
enum LookupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What stands in the table is no row. Whoever wrote it may write it again.
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
    /// It failed as often as the table's options allow.
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

/// Repeats a lookup until it succeeds, fails for good, has failed as often as the table's options allow, or the job ends.
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
