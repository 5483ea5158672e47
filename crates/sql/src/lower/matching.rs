//! Lowers `MATCH_RECOGNIZE` to one operator that accepts only inserts.

use std::sync::Arc;

use super::operators::spread;
use super::{Failed, Lowering, Producer, fields_of};
use crate::plan::operator::{Changes, Match, OperatorKind, PatternExpr, PatternStep};
use crate::rel::{MatchRel, Rel};
use crate::rewrite::Rewriter;

impl Lowering<'_> {
    pub(super) fn matching(&mut self, rel: &Arc<Rel>, matching: &MatchRel) -> Result<Producer, Failed> {
        let input = self.produce(rel.input())?;
        if !input.changes.is_append() {
            return Err(self.takes_no_updates("MATCH_RECOGNIZE", rel));
        }

        let time = self.time(rel.input(), matching.order[0].field, rel)?;
        let simplified = |expr: &PatternExpr| {
            let mut rewriter = Rewriter::new(&expr.exprs, &self.time_zone, self.settings.rules);
            let root = rewriter.rewrite(expr.root);
            PatternExpr { exprs: rewriter.finish(), root, inputs: expr.inputs.clone() }
        };
        let kind = OperatorKind::Match(Match {
            partition: matching.partition.clone(),
            time,
            order: matching.order[1..].to_vec(),
            pattern: matching.pattern.clone(),
            defines: matching.defines.iter().map(|define| define.as_ref().map(simplified)).collect(),
            measures: matching.measures.iter().map(simplified).collect(),
            skip: matching.skip,
            within: matching.within,
        });

        let steps: Vec<String> = matching.pattern.iter().map(PatternStep::to_string).collect();
        let name = format!("MatchRecognize[{}]", steps.join(" "));
        let inputs = vec![(input, spread(&matching.partition))];
        Ok(self.add(kind, inputs, (fields_of(rel), Changes::Append, None), (name, rel.span)))
    }
}
