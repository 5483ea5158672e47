//! Errors of writing and reading checkpoints, with the domain of each.

use engine::snapshot::SnapshotError;
use types::ErrorDomain;

use super::directory::METADATA;
use super::manifest::FORMAT;

/// The reason why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error(
        "checkpoints can be kept in a directory of this machine, not at `{location}`; mount it and give its path"
    )]
    Scheme { location: String },
    #[error("the directory {location} cannot be used")]
    Directory {
        location: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{free} bytes are free in {location}, and {kept} must stay free")]
    Full { location: String, free: u64, kept: u64 },
    #[error("{doing} {location}")]
    Files {
        doing: &'static str,
        location: String,
        #[source]
        source: object_store::Error,
    },
    #[error("there is no checkpoint at {location}: it holds no {METADATA}")]
    Missing { location: String },
    #[error("the {METADATA} of {location} cannot be read")]
    Manifest {
        location: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("{location} is of format {format}; this version of Weir reads up to {FORMAT}")]
    Format { location: String, format: u32 },
    #[error(
        "the state in {location} does not match its {METADATA}: {there} bytes with checksum {found:08x}, expected \
         {expected} with {wanted:08x}"
    )]
    Damaged { location: String, there: u64, found: u32, expected: u64, wanted: u32 },
    #[error("the state in {location} cannot be read")]
    State {
        location: String,
        #[source]
        source: SnapshotError,
    },
    #[error("{doing} {location}")]
    Part {
        doing: &'static str,
        location: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the file {location} with a part of the state is missing: restore it from a copy, or start from another \
         checkpoint or a savepoint (`weir run JOB.sql --from SAVEPOINT`)"
    )]
    PartMissing { location: String },
    #[error(
        "the file {location} with a part of the state is damaged ({what}): restore it from a copy, or start from \
         another checkpoint or a savepoint (`weir run JOB.sql --from SAVEPOINT`)"
    )]
    PartDamaged { location: String, what: String },
    #[error(
        "the job has completed checkpoints in {location}, but none is there: restore or mount the directory, start \
         from a savepoint (`weir run JOB.sql --from SAVEPOINT`), or begin without state (`weir up --afresh`)"
    )]
    Gone { location: String },
    #[error(
        "none of the {count} checkpoint(s) in {location} can be read: restore one from a copy, start from a savepoint \
         (`weir run JOB.sql --from SAVEPOINT`), or begin without state (`weir up --afresh`)"
    )]
    NoneWhole {
        location: String,
        count: usize,
        /// The error of the newest checkpoint.
        #[source]
        source: Box<DirectoryError>,
    },
}

impl DirectoryError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            DirectoryError::Scheme { .. }
            | DirectoryError::Missing { .. }
            | DirectoryError::Format { .. } => ErrorDomain::User,
            _ => ErrorDomain::External,
        }
    }
}
