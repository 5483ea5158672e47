//! Which leaves of the source are decoded, and how.

use sql::expr::{Expr, ExprId};
use sql::plan::Pipeline;
use types::Repr;

use super::Layout;
use crate::batch::{Encoding, LeafRequest};

impl Layout {
    /// One request a leaf of the pipeline's source. A leaf of which only the presence matters is not decoded; text that
    /// is parsed once (a time) stays as it comes; all other text becomes codes.
    pub fn requests(&self, pipeline: &Pipeline) -> Vec<LeafRequest> {
        let leaves = &pipeline.source.leaves;
        let mut uses = vec![Uses::default(); leaves.len()];
        let mut roots = self.row_exprs();
        roots.extend(self.key_exprs());
        roots.extend(&pipeline.common_filter);
        let time = pipeline.rowtime.as_ref().map(|rowtime| rowtime.time);
        for root in roots {
            self.walk(root, time, Use::Value, &mut uses);
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
            .map(|(leaf, uses)| {
                let is_text = leaf.column_type.data_type.repr() == Some(Repr::Text);
                let encoding = match uses {
                    Uses { value: false, time: false } => Encoding::Presence,
                    Uses { value: true, .. } if is_text => Encoding::Coded,
                    _ => Encoding::Plain,
                };
                LeafRequest { leaf: leaf.clone(), encoding }
            })
            .collect()
    }

    /// Notes how the leaves below an expression are used. `stop` is an expression looked at on its own.
    fn walk(&self, expr: ExprId, stop: Option<ExprId>, how: Use, uses: &mut [Uses]) {
        if Some(expr) == stop {
            return;
        }
        match self.graph.expr(expr) {
            Expr::Column(column) => match how {
                Use::Value => uses[*column].value = true,
                Use::Time => uses[*column].time = true,
            },
            Expr::IsNull(of) | Expr::IsNotNull(of) if matches!(self.graph.expr(*of), Expr::Column(_)) => {}
            _ => {
                self.graph.operands(expr).into_iter().for_each(|operand| self.walk(operand, stop, how, uses))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Use {
    Value,
    Time,
}

#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    value: bool,
    time: bool,
}
