//! Limits of the tree that a statement becomes.
//!
//! Each join, subquery and set operation is one more node above those before it, and passes their fields on:
//!
//! ```text
//! FROM a, b, c, …       Join[a, b, c]     fields of a, b and c
//!                        ├ Join[a, b]     fields of a and b
//!                        │  ├ Scan[a]
//! ```
//!
//! Code after the binder recurses over the nodes, and copies the fields of each.

use crate::error::{Diagnostic, Span};
use crate::rel::Rel;

/// Largest number of nodes above each other. At run time, a row passes through as many operators.
const MAX_DEPTH: u32 = 500;

/// Largest number of fields of all nodes that the joins of a statement build.
const MAX_FIELDS: usize = 500_000;

/// What a statement may still build.
#[derive(Default)]
pub(super) struct TreeBudget {
    /// Number of fields of the nodes that the statement has built.
    fields_built: usize,
}

impl TreeBudget {
    /// Counts the fields of a node that a step of the statement has built.
    ///
    /// # Errors
    /// The tree below the node is too deep, or the statement has built too many fields.
    pub(super) fn spend(&mut self, rel: &Rel, span: Span) -> Result<(), Box<Diagnostic>> {
        self.fields_built += rel.fields.len();

        let error = if rel.depth > MAX_DEPTH {
            Diagnostic::error(span, format!("this query has more than {MAX_DEPTH} steps, one after another"))
                .with_detail("each join, subquery, set operation and view adds its steps to those before it")
                .with_hint("write the rows of a view to a table, and read the table")
        } else if self.fields_built > MAX_FIELDS {
            let message = format!("the steps of this statement have more than {MAX_FIELDS} columns in total");
            Diagnostic::error(span, message)
                .with_detail("each join and subquery passes on all columns of the tables before it")
                .with_hint("name the columns that are needed in subqueries, and join those")
        } else {
            return Ok(());
        };
        Err(Box::new(error))
    }
}
