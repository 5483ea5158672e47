//! The rewrite rules that a script may leave out: `SET 'weir.optimizer.disabled-rules' = 'prune-fields;push-filters'`.
//!
//! Each rule gives a simpler plan with the same rows. Without them a plan is slower and larger. The setting is there for those
//! who ask whether a rule is why an answer looks wrong, and for the tests, which run every case without each rule.

use std::fmt;

/// A rewrite that a plan is right without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Constants are folded, and trivial logic is dropped (`rewrite::fold`).
    SimplifyExpressions,
    /// Groups of functions become one, above all the ways from text to time (`rewrite::fuse`).
    FuseFunctions,
    /// Conditions move below inner joins and into their keys (`rel::filter`).
    PushFilters,
    /// Fields that nobody reads are not computed, kept or sent (`lower::prune`).
    PruneFields,
    /// Sliced windows over a scan are aggregated by the scan itself (`lower::fuse`).
    FuseWindows,
    /// What all queries of a scan filter by is evaluated once (`lower::pipeline`).
    ShareFilters,
    /// Rows before an update are not sent where nobody reads them (`lower::images`).
    LeaveOutImages,
}

impl Rule {
    pub const ALL: [Rule; 7] = [
        Rule::SimplifyExpressions,
        Rule::FuseFunctions,
        Rule::PushFilters,
        Rule::PruneFields,
        Rule::FuseWindows,
        Rule::ShareFilters,
        Rule::LeaveOutImages,
    ];

    /// The name in the setting.
    pub fn name(self) -> &'static str {
        match self {
            Rule::SimplifyExpressions => "simplify-expressions",
            Rule::FuseFunctions => "fuse-functions",
            Rule::PushFilters => "push-filters",
            Rule::PruneFields => "prune-fields",
            Rule::FuseWindows => "fuse-windows",
            Rule::ShareFilters => "share-filters",
            Rule::LeaveOutImages => "leave-out-images",
        }
    }

    fn named(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The rules that are in force: all, unless a script leaves some out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// One bit a rule that is left out.
    disabled: u8,
}

impl Rules {
    /// Reads the value of the setting: names of rules to leave out, separated by `;` or `,`. Fails with a name that is none.
    pub(crate) fn without(names: &str) -> Result<Rules, &str> {
        let mut rules = Rules::default();
        for name in names.split([';', ',']).map(str::trim).filter(|name| !name.is_empty()) {
            rules.disabled |= 1 << Rule::named(name).ok_or(name)? as u8;
        }
        Ok(rules)
    }

    pub(crate) fn has(self, rule: Rule) -> bool {
        self.disabled & 1 << rule as u8 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_left_out_by_their_names() {
        let rules = Rules::without("prune-fields; push-filters").expect("two names");
        let left = Rule::ALL.into_iter().filter(|rule| rules.has(*rule)).count();
        assert_eq!((rules.has(Rule::PruneFields), rules.has(Rule::PushFilters), left), (false, false, 5));
        assert_eq!(Rules::without(""), Ok(Rules::default()));
        assert_eq!(Rules::without("prune-fields;prune"), Err("prune"));
    }
}
