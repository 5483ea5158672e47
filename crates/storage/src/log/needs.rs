//! The records that readers of the embedded log still need. Retention drops none of them.
//!
//! A job needs everything after its newest checkpoint, because it reads from there after a crash. While the
//! result store is unreachable, for example, no checkpoint completes, and the log grows beyond its
//! retention until the disk reaches its reserve; then events are refused.

use std::collections::{BTreeMap, HashMap};

use types::{Offset, PartitionId};

/// The first offset of each partition that each reader needs.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    readers: HashMap<String, BTreeMap<(String, PartitionId), Offset>>,
}

impl Needs {
    /// Replaces the offsets that a reader needs of some partitions.
    pub(crate) fn retain(&mut self, reader: &str, positions: &[(&str, PartitionId, Offset)]) {
        let needs = self.readers.entry(reader.to_owned()).or_default();
        for &(topic, partition, offset) in positions {
            needs.insert((topic.to_owned(), partition), offset);
        }
    }

    pub(crate) fn release(&mut self, reader: &str) {
        self.readers.remove(reader);
    }

    /// Returns the first offset of a partition that any reader needs, and the reader; `None` if none needs
    /// any.
    pub(crate) fn first(&self, topic: &str, partition: PartitionId) -> Option<(Offset, &str)> {
        let place = (topic.to_owned(), partition);
        let needed = self.readers.iter().filter_map(|(reader, of)| Some((*of.get(&place)?, reader.as_str())));
        needed.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PartitionId = PartitionId(0);

    #[test]
    fn the_reader_that_is_furthest_behind_decides_until_it_is_released() {
        let mut needs = Needs::default();
        needs.retain("a", &[("t", P, Offset(7)), ("u", P, Offset(1))]);
        needs.retain("b", &[("t", P, Offset(3))]);
        assert_eq!(needs.first("t", P), Some((Offset(3), "b")));
        needs.retain("b", &[("t", P, Offset(9))]);
        assert_eq!(needs.first("t", P), Some((Offset(7), "a")));
        needs.release("a");
        assert_eq!((needs.first("t", P), needs.first("u", P)), (Some((Offset(9), "b")), None));
    }
}
