//! New job ids.

use std::hash::{BuildHasher, RandomState};

use types::JobId;

/// A random id: the standard library seeds each `RandomState` from the operating system.
pub(crate) fn new_job_id() -> JobId {
    let half = || RandomState::new().hash_one(0u8) as u128;
    JobId(half() << 64 | half())
}
