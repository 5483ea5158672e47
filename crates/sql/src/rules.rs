//! The rewrite rules, which a script can disable: `SET 'weir.optimizer.disabled-rules' =
//! 'prune-fields;push-filters'`.
//!
//! Each rule makes the plan simpler and keeps the rows the same. Without rules, plans are slower and larger.
//! The setting helps to find out whether a rule causes a wrong result, and lets tests run every case without
//! each rule.

use std::fmt;

/// An optional rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Folds constants and drops trivial logic (`rewrite::fold`).
    SimplifyExpressions,
    /// Replaces groups of functions by one function, mostly from text to time (`rewrite::fuse`).
    FuseFunctions,
    /// Moves conditions below inner joins and into join keys (`rel::filter`).
    PushFilters,
    /// Drops fields that nothing reads (`lower::prune`).
    PruneFields,
    /// Aggregates sliced windows over a scan in the scan itself (`lower::fuse`).
    FuseWindows,
    /// Evaluates conditions that all queries of a scan share once (`lower::pipeline`).
    ShareFilters,
    /// Drops before-images that nothing reads (`lower::images`).
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

    /// Returns the rule's name in the setting.
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

/// The enabled rules: all except those that a script disables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// One bit for each disabled rule.
    disabled: u8,
}

impl Rules {
    /// Parses the setting: names of rules to disable, separated by `;` or `,`. Fails with an unknown name.
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
