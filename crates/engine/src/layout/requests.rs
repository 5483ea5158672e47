//! Which leaves of the source are decoded, and how.
//!
//! Codes make the second look at a text cheap and the first one dear. What a text is used for decides:
//!
//! | use | encoding |
//! | --- | --- |
//! | only whether it is there | presence |
//! | key of groups, argument of DISTINCT, MIN or MAX | codes |
//! | argument of functions and conditions | codes while texts repeat |
//! | passed on as it is, or parsed once (a time) | plain |

use sql::expr::{Expr, ExprId};
use sql::plan::Pipeline;
use types::Repr;

use super::{Layout, QueryLayout};
use crate::aggregate::domain::DomainSpec;
use crate::batch::{Encoding, LeafRequest};

impl Layout {
    /// One request a leaf of the pipeline's source. See the module's text.
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

    /// Notes how the leaves below an expression are used. `stop` is an expression looked at on its own.
    fn walk(&self, expr: ExprId, stop: Option<ExprId>, how: Use, uses: &mut [Use]) {
        if Some(expr) == stop {
            return;
        }
        match self.graph.expr(expr) {
            Expr::Column(column) => uses[*column] = uses[*column].max(how),
            Expr::IsNull(of) | Expr::IsNotNull(of) if matches!(self.graph.expr(*of), Expr::Column(_)) => {}
            _ => {
                let inside = if how == Use::PassedOn { Use::Function } else { how };
                self.graph
                    .operands(expr)
                    .into_iter()
                    .for_each(|operand| self.walk(operand, stop, inside, uses))
            }
        }
    }
}

/// What a leaf is needed for, from the least to the most that codes are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// Only whether it is there.
    Presence,
    /// A time is made of it, once.
    Time,
    /// Its value, which nothing looks at.
    PassedOn,
    Function,
    Key,
}
