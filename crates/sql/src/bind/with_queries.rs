//! The `WITH` names in scope: a stack, because queries nest. A name hides the same name of an enclosing query.

use std::collections::HashMap;

use super::scope::Relation;

#[derive(Default)]
pub(super) struct WithQueries {
    /// All names, innermost last.
    names: Vec<String>,
    /// The relations of each name, innermost last; `None` if its query failed.
    relations: HashMap<String, Vec<Option<Relation>>>,
}

impl WithQueries {
    pub(super) fn get(&self, name: &str) -> Option<&Option<Relation>> {
        self.relations.get(name)?.last()
    }

    /// Returns the number of names in scope.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    pub(super) fn push(&mut self, name: String, relation: Option<Relation>) {
        self.relations.entry(name.clone()).or_default().push(relation);
        self.names.push(name);
    }

    /// Removes all names but the first ones.
    pub(super) fn truncate(&mut self, count: usize) {
        for name in self.names.drain(count..) {
            if let Some(relations) = self.relations.get_mut(&name) {
                relations.pop();
            }
        }
    }
}
