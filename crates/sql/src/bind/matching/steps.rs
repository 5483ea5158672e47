//! `PATTERN`: turns a regular expression over variables into a sequence of steps.
//!
//! Only patterns that Flink runs are supported: variables in sequence, each with its own quantifier.
//!
//! | written | |
//! | --- | --- |
//! | `A B+ C`, `A (B C)`, `(A)+` | steps |
//! | `A \| B`, `(A B)+`, `{- A -}`, `PERMUTE(A, B)` | refused |
//! | `A B+`, `A B{2,3}` | refused: no row can end a greedy quantifier at the end |
//! | `A*? B?` | refused: it matches no rows |
//! | `A+ B* C`, `A+ B? C` | refused: Flink cannot tell whose row it is |

use std::collections::HashSet;

use super::super::{Bound, QueryBinder};
use crate::error::{Diagnostic, Span, cut};
use crate::parse::ast::{Ident, Pattern, PatternKind};
use crate::plan::operator::PatternStep;

/// The quantifier of a variable.
#[derive(Clone, Copy)]
struct Quantifier {
    min: u32,
    max: Option<u32>,
    reluctant: bool,
}

const ONCE: Quantifier = Quantifier { min: 1, max: Some(1), reluctant: false };

impl Quantifier {
    /// Returns whether a row that fits both this variable and the next one goes to this variable.
    fn is_greedy(self) -> bool {
        !self.reluctant && !self.is_optional() && self.max != Some(self.min)
    }

    /// Returns whether the quantifier is `?` or `*`, reluctant or not. `{0,2}` does not count: Flink accepts
    /// it behind a greedy variable.
    fn may_be_skipped(self) -> bool {
        self.is_optional() || (self.min, self.max) == (0, None)
    }

    /// Returns whether the quantifier is `?`, which has no separate reluctant form in Flink.
    fn is_optional(self) -> bool {
        (self.min, self.max) == (0, Some(1))
    }
}

/// Returns the steps of a pattern in order.
pub(super) fn pattern_steps(binder: &mut QueryBinder<'_>, pattern: &Pattern) -> Bound<Vec<PatternStep>> {
    let mut steps = vec![];
    let mut names = HashSet::new();
    let mut last = pattern.span;
    let mut greedy: Option<&Ident> = None;

    for (variable, quantifier, span) in flattened(binder, pattern)? {
        if !names.insert(&variable.value) {
            let message = format!("the pattern has the variable `{}` twice", variable.value);
            let error = Diagnostic::error(span, message)
                .with_hint("give each its own name, with the same condition in DEFINE");
            return Err(binder.report(error));
        }
        check_quantifier(binder, quantifier, variable, span)?;
        if let Some(greedy) = greedy.filter(|_| quantifier.may_be_skipped()) {
            let (name, before) = (cut(&variable.value), cut(&greedy.value));
            let message = format!("`{name}` may match no rows behind the greedy `{before}`");
            let error = Diagnostic::error(span, message)
                .with_hint(format!("make `{before}` reluctant with another `?`, or write {name}{{0,9}}"));
            return Err(binder.report(error));
        }
        greedy = quantifier.is_greedy().then_some(variable);
        last = span;
        steps.push(PatternStep {
            variable: variable.value.clone(),
            min: quantifier.min,
            max: quantifier.max,
            is_greedy: quantifier.is_greedy(),
        });
    }

    if let Some(step) = steps.last().filter(|step| step.is_greedy) {
        let name = &step.variable;
        let error = Diagnostic::error(last, "a pattern does not end with a greedy quantifier")
            .with_detail(format!("only the next row shows whether `{name}` continues"))
            .with_hint(format!("write {step}?, or add a variable behind it with the opposite condition"));
        return Err(binder.report(error));
    }
    if steps.iter().all(|step| step.min == 0) {
        let error = Diagnostic::error(pattern.span, "this pattern matches no rows at all")
            .with_hint("one of its variables must match at least once: A+ instead of A*");
        return Err(binder.report(error));
    }
    Ok(steps)
}

fn check_quantifier(
    binder: &mut QueryBinder<'_>,
    quantifier: Quantifier,
    variable: &Ident,
    span: Span,
) -> Bound<()> {
    let name = cut(&variable.value);
    if quantifier.max == Some(0) {
        let error = Diagnostic::error(span, format!("`{name}` never matches"));
        return Err(binder.report(error.with_hint(format!("leave it out, or write {name}?"))));
    }
    if quantifier.is_optional() && quantifier.reluctant {
        let error = Diagnostic::error(span, "a reluctant `?` is not supported")
            .with_hint(format!("write {name}?, or {name}*? with a condition that only one row meets"));
        return Err(binder.report(error));
    }
    Ok(())
}

/// Flattens a pattern into its variables in order, each with its quantifier.
fn flattened<'a>(
    binder: &mut QueryBinder<'_>,
    pattern: &'a Pattern,
) -> Bound<Vec<(&'a Ident, Quantifier, Span)>> {
    match &pattern.kind {
        PatternKind::Variable(variable) => Ok(vec![(variable, ONCE, pattern.span)]),
        PatternKind::Group(inner) => flattened(binder, inner),
        PatternKind::Concat(parts) => {
            let mut all = vec![];
            for part in parts {
                all.extend(flattened(binder, part)?);
            }
            Ok(all)
        }
        PatternKind::Quantified { inner, min, max, has_min, reluctant } => {
            let Some(variable) = variable_of(inner) else {
                let error = Diagnostic::error(pattern.span, "a group of a pattern takes no quantifier")
                    .with_hint("quantifiers stand behind variables: A B+");
                return Err(binder.report(error));
            };
            if !has_min {
                let most = max.map(|max| max.to_string()).unwrap_or_default();
                let error = Diagnostic::error(pattern.span, "a quantifier needs its lower bound")
                    .with_hint(format!("write {}{{0,{most}}} or {0}{{1,{most}}}", cut(&variable.value)));
                return Err(binder.report(error));
            }
            let quantifier = Quantifier { min: *min, max: *max, reluctant: *reluctant };
            Ok(vec![(variable, quantifier, pattern.span)])
        }
        PatternKind::Alternation(_) => {
            let error = Diagnostic::error(pattern.span, "a pattern has no alternatives")
                .with_hint("write one variable, and OR in its condition");
            Err(binder.report(error))
        }
        PatternKind::Exclusion(_) => {
            let error = Diagnostic::error(pattern.span, "a pattern has no exclusions `{- … -}`")
                .with_hint("they only matter for ALL ROWS PER MATCH: a measure skips these rows itself");
            Err(binder.report(error))
        }
        PatternKind::Permute(_) => {
            let error = Diagnostic::error(pattern.span, "PERMUTE is not supported")
                .with_hint("write one MATCH_RECOGNIZE for each order, and UNION ALL them");
            Err(binder.report(error))
        }
    }
}

/// Returns the variable of a pattern that is a single variable, possibly in parentheses.
fn variable_of(pattern: &Pattern) -> Option<&Ident> {
    match &pattern.kind {
        PatternKind::Variable(variable) => Some(variable),
        PatternKind::Group(inner) => variable_of(inner),
        _ => None,
    }
}
