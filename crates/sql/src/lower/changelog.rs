//! Lowers `FROM_CHANGELOG` and `TO_CHANGELOG` to operators that convert between rows and changes.

use std::sync::Arc;

use super::{Failed, Lowering, Producer, fields_of};
use crate::error::Diagnostic;
use crate::plan::operator::{Changes, Distribution, FromChangelog, Operator, OperatorKind};
use crate::plan::{Settings, Updates};
use crate::rel::{Rel, ToChangelogRel};

impl Lowering<'_> {
    pub(super) fn changelog_read(
        &mut self,
        rel: &Arc<Rel>,
        changelog: &FromChangelog,
    ) -> Result<Producer, Failed> {
        let input = self.produce(rel.input())?;
        if !input.changes.is_append() {
            return Err(self.takes_no_updates("FROM_CHANGELOG", rel));
        }

        let name = format!("FromChangelog[{}]", input.fields[changelog.op].name);
        let kind = OperatorKind::FromChangelog(changelog.clone());
        let out = (fields_of(rel), Changes::Retract, None);
        Ok(self.add(kind, vec![(input, Distribution::Forward)], out, (name, rel.span)))
    }

    pub(super) fn changelog_written(
        &mut self,
        rel: &Arc<Rel>,
        changelog: &ToChangelogRel,
    ) -> Result<Producer, Failed> {
        let input = self.produce(rel.input())?;
        if let Some(span) = changelog.on_time
            && !input.changes.is_append()
        {
            let message = "on_time takes new rows only, but these are updated";
            return Err(self.fail(Diagnostic::error(span, message).with_hint("leave it out")));
        }

        let kind = OperatorKind::ToChangelog(changelog.changelog.clone());
        let out = (fields_of(rel), Changes::Append, None);
        let name = "ToChangelog".to_owned();
        Ok(self.add(kind, vec![(input, Distribution::Forward)], out, (name, rel.span)))
    }
}

/// Returns how many changes the operators of a script emit. `TO_CHANGELOG` makes each change a row, so the
/// number of changes is visible: every change is emitted, as in Flink, unless the script's settings say
/// otherwise.
pub(super) fn updates(operators: &[Operator], settings: &Settings) -> Updates {
    let shows_changes =
        operators.iter().any(|operator| matches!(operator.kind, OperatorKind::ToChangelog(_)));
    if shows_changes && !settings.says_updates() { Updates::PerRow } else { settings.updates }
}
