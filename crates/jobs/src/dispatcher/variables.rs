//! The variables that a script uses, and which of them are secrets. A record contains the names of secrets,
//! but not their values.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::registry::JobRecord;

/// Records which variables a script used, and their values.
pub(super) struct Used<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    used: RefCell<BTreeMap<String, String>>,
}

impl<'a> Used<'a> {
    pub fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Used<'a> {
        Used { source, used: RefCell::default() }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?;
        self.used.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// Returns the variables with their values, and the names of those that `script` uses as secrets.
    pub fn sorted_for(self, script: &str) -> (BTreeMap<String, String>, BTreeSet<String>) {
        without_secrets(script, self.used.into_inner())
    }
}

/// Removes the values of secrets from the variables of a script, and returns the names of the secrets.
pub(super) fn without_secrets(
    script: &str,
    mut variables: BTreeMap<String, String>,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let named = sql::secret_variables(script);
    let secrets: BTreeSet<String> = variables
        .iter()
        .filter(|(name, value)| named.contains(*name) || has_password(value))
        .map(|(name, _)| name.clone())
        .collect();
    variables.retain(|name, _| !secrets.contains(name));
    (variables, secrets)
}

/// Returns whether a value is a URL with a password, such as `redis://user:password@host`.
fn has_password(value: &str) -> bool {
    let authority = value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
}

impl JobRecord {
    /// Returns the value of a variable: from the record, or from `source` if the record only contains the
    /// name.
    pub(super) fn variable(&self, name: &str, source: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let kept = self.variables.get(name).cloned();
        kept.or_else(|| source(name).filter(|_| self.secrets.contains(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_a_secret() {
        for url in ["redis://:p@host:6379", "rediss://u:p@host/0?x=a", "http://u:p@h"] {
            assert!(has_password(url), "{url}");
        }
        for text in ["redis://host:6379/0", "http://u@host", "http://host/a:b@c", "a:b@c", ""] {
            assert!(!has_password(text), "{text}");
        }
    }
}
