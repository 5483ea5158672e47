//! Compares tables with a naive model, and helpers of other tests.

use jobs::{ColumnKind, ResultColumn, ResultTable};

/// Returns a declaration.
pub(super) fn table(name: &str, key: &str, columns: &[(&str, ColumnKind)]) -> ResultTable {
    let column = |(name, kind): &(&str, ColumnKind)| ResultColumn {
        name: (*name).to_owned(),
        sql_type: format!("{kind:?}"),
        kind: *kind,
    };
    ResultTable {
        name: name.to_owned(),
        key: key.to_owned(),
        columns: columns.iter().map(column).collect(),
        window: Vec::new(),
        queries: Vec::new(),
        ttl_seconds: 60,
        channel: String::new(),
        job: "a job".to_owned(),
        job_id: String::new(),
        declared: 0,
        started: 0,
    }
}
