//! JSON functions: lookups by path, and constructors of JSON texts.
//!
//! A path is `[lax | strict] $`, followed by `.name`, `['name']`, `[n]`, `.*` and `[*]`. Numbers keep their
//! original digits; rewritten JSON has no blanks.

mod construct;
mod path;
mod query;
mod text;
mod value;

use super::ScalarFunction;

pub use text::{write_key_order, write_text};

/// The function lists of this module.
pub(super) static FUNCTIONS: [&[ScalarFunction]; 3] =
    [value::FUNCTIONS, query::FUNCTIONS, construct::FUNCTIONS];
