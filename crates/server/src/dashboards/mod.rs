//! Dashboards: documents that say which panels a page shows. The server checks and keeps the documents; the page
//! draws them.
//!
//! A dashboard comes from one of three places. A dashboard of a later place hides one of the same name:
//!
//! ```text
//! built-in  jobs/dashboards/NAME.json             in the binary
//! file      dashboards/NAME.json                  beside a script that `weir up` runs, read at the start
//! saved     dashboards/NAME.json                  in the data directory, written by PUT and DELETE
//! ```
//!
//! Only saved dashboards change. A change names the document that it replaces by its entity tag, so that two
//! people who edit the same dashboard do not overwrite each other's work.

mod check;
mod document;
mod file;
pub(crate) mod routes;
mod store;

pub(crate) use store::Dashboards;
