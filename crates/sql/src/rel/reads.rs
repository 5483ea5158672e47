//! The bound on how often a statement reads tables.
//!
//! A view is one shared node, however often it is read, but lowering visits each reader on its own. Thirty views
//! that each read the one before twice are 30 nodes and a billion reads.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bind::BoundQuery;
use crate::error::Diagnostic;
use crate::rel::Rel;

/// The most reads of tables and value lists by one statement.
const READS_MAX: u64 = 4_096;

/// Checks the statements of a script.
///
/// # Errors
/// Returns an error for each statement that reads too often.
pub(crate) fn within_limit(bound: &[BoundQuery]) -> Result<(), Vec<Diagnostic>> {
    let mut known = HashMap::new();
    let too_many = bound.iter().filter(|query| reads(&query.rel, &mut known) > READS_MAX);
    let errors: Vec<Diagnostic> = too_many
        .map(|query| {
            let message = format!("the query reads tables more than {READS_MAX} times");
            Diagnostic::error(query.span, message)
                .with_detail("a view counts as many times as it is read, with all that it reads")
                .with_hint("write the rows of a view to a table, and read the table")
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Returns how often a node reads tables, at most `u64::MAX`.
fn reads(rel: &Arc<Rel>, known: &mut HashMap<*const Rel, u64>) -> u64 {
    if let Some(&reads) = known.get(&Arc::as_ptr(rel)) {
        return reads;
    }
    let of_inputs = rel.inputs.iter().fold(0, |sum: u64, input| sum.saturating_add(reads(input, known)));
    let reads = of_inputs.max(1);
    known.insert(Arc::as_ptr(rel), reads);
    reads
}
