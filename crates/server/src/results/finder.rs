//! Finds the table of a key.
//!
//! Tables are looked up by the text with which their keys begin, for each length that such a text has. Of
//! several tables whose template fits, the one with the most text counts, then the one declared last.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use storage::store::Interest;
use storage::store::key::{INTERNAL_PREFIX, covering};

use super::Slot;
use super::template::Template;

type Candidate = (Arc<Template>, Arc<Slot>);

#[derive(Default)]
pub(super) struct Finder {
    by_prefix: HashMap<String, Vec<Candidate>, RandomState>,
    /// The lengths of the prefixes.
    lengths: Vec<usize>,
}

impl Finder {
    /// `slots` come in the order of their declaration.
    pub(super) fn new<'s>(slots: impl Iterator<Item = &'s Arc<Slot>>) -> Finder {
        let mut finder = Finder::default();
        for slot in slots {
            let template = Arc::clone(&slot.table.read().template);
            let prefix = template.prefix().to_owned();
            finder.lengths.push(prefix.len());
            finder.by_prefix.entry(prefix).or_default().push((template, Arc::clone(slot)));
        }
        finder.lengths.sort_unstable();
        finder.lengths.dedup();
        finder
    }

    pub(super) fn find(&self, key: &str) -> Option<&Arc<Slot>> {
        if key.starts_with(INTERNAL_PREFIX) {
            return None;
        }
        let beginnings = self.lengths.iter().filter_map(|length| key.get(..*length));
        let candidates = beginnings.filter_map(|beginning| self.by_prefix.get(beginning)).flatten();
        let fitting = candidates.filter(|(template, _)| template.matches(key));
        fitting.max_by_key(|(template, _)| template.text_bytes()).map(|(_, slot)| slot)
    }

    /// Returns the rows that other writers may write, and on which channels they send messages.
    pub(super) fn interests(&self) -> Vec<Interest> {
        let tables = self
            .by_prefix
            .iter()
            .flat_map(|(prefix, tables)| tables.iter().map(move |(_, slot)| (prefix, slot)));
        let interests = tables.map(|(prefix, slot)| Interest {
            prefix: prefix.clone(),
            channel: slot.table.read().declared.channel.clone(),
        });
        interests.collect()
    }

    /// Returns prefixes that together cover all tables, none covered by another.
    pub(super) fn prefixes(&self) -> Vec<String> {
        covering(self.by_prefix.keys().map(String::as_str))
    }
}
