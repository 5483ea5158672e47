//! Determines which leaves of the source are decoded, and in which encoding.
//!
//! Codes make the first access to a text expensive and later ones cheap. The use of a text decides:
//!
//! | use | encoding |
//! | --- | --- |
//! | only whether it is present | presence |
//! | key of groups, argument of DISTINCT, MIN or MAX | codes |
//! | argument of functions and conditions | codes while texts repeat |
//! | passed on as it is, or parsed once (a time) | plain |

use std::collections::BTreeSet;

use sql::expr::{Expr, ExprId};
use sql::plan::Pipeline;
use types::Repr;

use super::{Layout, QueryLayout};
use crate::aggregate::domain::DomainSpec;
use crate::batch::{Encoding, LeafRequest};

impl Layout {
    /// Returns one request per leaf of the pipeline's source; see the module documentation.
    pub fn requests(&self, pipeline: &Pipeline) -> Vec<LeafRequest> {
        let leaves = &pipeline.source.leaves;
        let mut uses = vec![Use::Presence; leaves.len()];
        let time = pipeline.rowtime.as_ref().map(|rowtime| rowtime.time);
        let mut note = |root, how| self.walk(root, time, how, &mut uses);

        for query in &self.queries {
            if let QueryLayout::Rows { filter, columns } = query {
                filter.iter().for_each(|&condition| note(condition, Use::Function));
                columns.iter().for_each(|&column| note(column, Use::PassedOn));
            }
        }

        for domain in &self.domains {
            match *domain {
                DomainSpec::Text(expr) => note(expr, Use::Key),
                other => other.expr().into_iter().for_each(|expr| note(expr, Use::Function)),
            }
        }

        let conditions = self.units.iter().flat_map(|unit| unit.row_filter.iter().copied());
        let args = self.args.iter().map(|arg| arg.expr);
        for root in
            pipeline.common_filter.iter().copied().chain(conditions).chain(args).chain(self.key_exprs())
        {
            note(root, Use::Function);
        }

        if let Some(rowtime) = &pipeline.rowtime {
            self.walk(rowtime.time, None, Use::Time, &mut uses);
            if rowtime.delay.is_none() {
                self.walk(rowtime.watermark, time, Use::Time, &mut uses);
            }
        }

        leaves
            .iter()
            .zip(uses)
            .map(|(leaf, how)| {
                let is_text = leaf.column_type.data_type.repr() == Some(Repr::Text);
                let encoding = match how {
                    Use::Presence => Encoding::Presence,
                    Use::Key if is_text => Encoding::Coded,
                    Use::Function if is_text => Encoding::CodedWhileRepeated,
                    Use::Time | Use::PassedOn | Use::Function | Use::Key => Encoding::Plain,
                };
                LeafRequest { leaf: leaf.clone(), encoding }
            })
            .collect()
    }

    /// Records how the leaves below an expression are used. `stop` is an expression that is handled on its
    /// own.
    fn walk(&self, root: ExprId, stop: Option<ExprId>, how: Use, uses: &mut [Use]) {
        // A chain of operators may have thousands of levels, so this is no recursion.
        let mut waiting = vec![(root, how)];
        let mut seen = BTreeSet::new();
        while let Some((expr, how)) = waiting.pop() {
            if Some(expr) == stop || !seen.insert((expr, how)) {
                continue;
            }
            match self.graph.expr(expr) {
                Expr::Column(column) => uses[*column] = uses[*column].max(how),
                Expr::IsNull(of) | Expr::IsNotNull(of) if matches!(self.graph.expr(*of), Expr::Column(_)) => {
                }
                _ => {
                    let inside = if how == Use::PassedOn { Use::Function } else { how };
                    let operands = self.graph.operands(expr);
                    waiting.extend(operands.into_iter().map(|operand| (operand, inside)));
                }
            }
        }
    }
}

/// The use of a leaf, ordered by increasing value of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// Only whether it is present.
    Presence,
    /// A time is parsed from it, once.
    Time,
    /// Its value is passed on, and nothing reads it.
    PassedOn,
    Function,
    Key,
}
