//! Functions that return properties of the session.

use types::DataType;

use super::ScalarFunction;
use super::signature::{function, simple, typed};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[function(
    "CURRENT_DATABASE",
    "CURRENT_DATABASE(): the name of the one database there is; 'default_database'",
    |args| typed(args, "no arguments", &[], 0, DataType::STRING),
    |_| simple(|_, out| out.text(crate::session::DATABASE)),
)];
