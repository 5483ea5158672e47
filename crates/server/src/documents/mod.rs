//! What all kinds of documents share that clients save under names: dashboards and alerts.
//!
//! A document is JSON of a versioned format. Errors name the place of the mistake ([`Mistake`]). A change names the
//! document that it replaces by its entity tag ([`Condition`]). A document is a file in the data directory
//! (`file.rs`), replaced so that a crash leaves the old or the new one.

mod check;
mod condition;
pub(crate) mod file;
mod routes;

pub(crate) use check::{
    Mistake, is_id, is_name, length, most, optional, parse, version, within, without_mark,
};
pub(crate) use condition::{Condition, Tags, Unmet, tag_of};
pub(crate) use routes::{broken, disk_status, name_in, on_disk, read_body};
