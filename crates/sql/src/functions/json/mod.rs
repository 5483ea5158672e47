//! Functions of JSON: what is found in a text by a path, and texts that are made of values.
//!
//! A path is `[lax | strict] $`, then `.name`, `['name']`, `[n]`, `.*` and `[*]`. Numbers keep the digits they are written
//! with; what is written again has no blanks.

mod construct;
mod path;
mod query;
mod text;
mod value;

use super::Function;

pub use text::{write_key_order, write_text};

/// The chapters of this family.
pub(super) static FUNCTIONS: [&[Function]; 3] = [value::FUNCTIONS, query::FUNCTIONS, construct::FUNCTIONS];
