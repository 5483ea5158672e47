//! The records of lateness of earlier attempts of a job, and the progress of their replay.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::{Judged, LatenessEntry};
use crate::connector::Split;
use crate::snapshot::{BoundsImage, ReplayImage, SplitImage};
use crate::watermark::Clamp;

/// The records of earlier attempts, by table and partition.
#[derive(Debug, Default, Clone)]
pub struct LatenessHistory {
    partitions: HashMap<(String, Split), PartitionHistory>,
}

/// The records of one partition.
#[derive(Debug, Default, Clone)]
struct PartitionHistory {
    topic_id: Option<String>,
    /// By the offset from which they hold.
    bounds: BTreeMap<u64, Bounds>,
    reached: u64,
}

/// The bounds against which rows are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub clamp: Clamp,
    /// The clock, if it influenced the judgement.
    pub clock: Option<i64>,
}

/// A partition's records that are replayed.
#[derive(Debug)]
pub(super) struct Replay {
    /// By the offset from which they hold, ascending.
    pub bounds: VecDeque<(u64, Bounds)>,
    /// For each of the bounds: the minimum of it and all that follow.
    floors: VecDeque<Clamp>,
    /// Up to here, exclusive, rows are judged by the recorded bounds.
    pub reached: u64,
}

impl LatenessHistory {
    /// Adds an entry. Of two entries for one offset the later one counts. Offsets of a recreated topic
    /// replace those of the earlier topic.
    pub fn add(&mut self, entry: LatenessEntry) {
        let LatenessEntry { table, split, topic_id, offset, what } = entry;
        let partition = self.partitions.entry((table, split)).or_default();
        if is_another(partition.topic_id.as_deref(), topic_id.as_deref()) {
            *partition = PartitionHistory::default();
        }
        // A log that does not return the id now may have returned it before.
        partition.topic_id = topic_id.or(partition.topic_id.take());
        match what {
            Judged::From { clamp, clock } => {
                partition.bounds.insert(offset, Bounds { clamp, clock });
            }
            Judged::Reached => partition.reached = partition.reached.max(offset),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Begins another attempt: bounds of records whose judgement was never visible do not bind it.
    pub fn begin_attempt(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.bounds.split_off(&partition.reached);
        }
    }

    /// Adds a snapshot's record of a partition that was being replayed when it was taken. Later records take
    /// precedence.
    pub(crate) fn add_image(&mut self, table: &str, split: &SplitImage) {
        let Some(ReplayImage { bounds, reached }) = &split.replay else { return };
        let key = (table.to_owned(), split.split.clone());
        let topic_id = split.topic_id.clone();
        let partition = self.partitions.entry(key).or_insert_with(|| PartitionHistory {
            topic_id: topic_id.clone(),
            ..PartitionHistory::default()
        });
        if is_another(partition.topic_id.as_deref(), topic_id.as_deref()) {
            return;
        }
        for &BoundsImage { offset, current, others, clock } in bounds {
            let bounds = Bounds { clamp: Clamp { current, others }, clock };
            partition.bounds.entry(offset).or_insert(bounds);
        }
        partition.reached = partition.reached.max(*reached);
    }

    /// Returns whether anything was recorded for a partition.
    pub(super) fn knows(&self, table: &str, split: &Split) -> bool {
        self.partitions.contains_key(&(table.to_owned(), split.clone()))
    }

    /// Returns the records of a partition from an offset on; `None` if there are none.
    pub(super) fn replay(
        &self,
        table: &str,
        split: &Split,
        topic_id: Option<&str>,
        from: u64,
    ) -> Option<Replay> {
        let partition = self.partitions.get(&(table.to_owned(), split.clone()))?;
        if is_another(partition.topic_id.as_deref(), topic_id) || partition.reached <= from {
            return None;
        }
        // The bounds for the first record may have been recorded at an earlier offset.
        let first = partition.bounds.range(..=from).next_back();
        let later = partition.bounds.range(from.saturating_add(1)..partition.reached);
        let mut bounds: VecDeque<(u64, Bounds)> =
            first.into_iter().chain(later).map(|(&offset, &bounds)| (offset, bounds)).collect();
        if first.is_none() {
            // Without an earlier entry no bounds held at `from`.
            bounds.push_front((from, Bounds { clamp: Clamp::OPEN, clock: None }));
        }
        Some(Replay { floors: floors(&bounds), bounds, reached: partition.reached })
    }
}

impl Replay {
    /// Returns the bounds that hold at an offset.
    pub fn at(&self, offset: u64) -> Option<Bounds> {
        self.bounds.iter().take_while(|(from, _)| *from <= offset).last().map(|(_, bounds)| *bounds)
    }

    /// Drops bounds that hold only before an offset.
    pub fn advance(&mut self, offset: u64) {
        while self.bounds.get(1).is_some_and(|(from, _)| *from <= offset) {
            self.bounds.pop_front();
            self.floors.pop_front();
        }
    }

    /// Returns a lower bound of the watermarks against which the remaining rows were judged, where the
    /// partition's own watermark is `own`. Bounds may be lower than earlier ones: a restarted attempt judged
    /// records that were not visible by its own knowledge.
    pub fn floor(&self, own: i64) -> i64 {
        self.floors.front().map_or(own, |floor| floor.apply(own))
    }

    /// Returns the form of it in a snapshot.
    pub fn image(&self) -> ReplayImage {
        let bounds = self.bounds.iter().map(|&(offset, Bounds { clamp, clock })| BoundsImage {
            offset,
            current: clamp.current,
            others: clamp.others,
            clock,
        });
        ReplayImage { bounds: bounds.collect(), reached: self.reached }
    }
}

/// Returns whether two ids belong to different topics. A log does not always return an id.
fn is_another(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

fn floors(bounds: &VecDeque<(u64, Bounds)>) -> VecDeque<Clamp> {
    let mut floors = VecDeque::with_capacity(bounds.len());
    let mut least = Clamp { current: i64::MAX, others: i64::MAX };
    for (_, Bounds { clamp, .. }) in bounds.iter().rev() {
        least = Clamp { current: least.current.min(clamp.current), others: least.others.min(clamp.others) };
        floors.push_front(least);
    }
    floors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watermark::NO_WATERMARK;

    fn split() -> Split {
        Split { topic: "t".to_owned(), partition: 0 }
    }

    fn entry(topic_id: &str, offset: u64, what: Judged) -> LatenessEntry {
        let topic_id = Some(topic_id.to_owned());
        LatenessEntry { table: "t".to_owned(), split: split(), topic_id, offset, what }
    }

    fn from(current: i64) -> Judged {
        Judged::From { clamp: Clamp { current, others: i64::MAX }, clock: None }
    }

    fn history(entries: &[LatenessEntry]) -> LatenessHistory {
        let mut history = LatenessHistory::default();
        entries.iter().for_each(|entry| history.add(entry.clone()));
        history
    }

    #[test]
    fn a_replay_begins_with_the_bounds_that_hold_at_its_first_record() {
        let entries = [entry("a", 0, from(1)), entry("a", 10, from(2)), entry("a", 20, from(3))];
        let history = history(&[&entries[..], &[entry("a", 25, Judged::Reached)]].concat());
        let mut replay = history.replay("t", &split(), Some("a"), 15).expect("recorded");
        let current = |replay: &Replay, offset| replay.at(offset).map(|bounds| bounds.clamp.current);
        assert_eq!([current(&replay, 15), current(&replay, 24)], [Some(2), Some(3)]);
        assert_eq!(current(&replay, 9), None);
        replay.advance(22);
        assert_eq!((replay.bounds.len(), current(&replay, 22)), (1, Some(3)));
    }

    #[test]
    fn nothing_is_judged_again_that_was_not_seen_or_stood_in_another_topic() {
        let history = history(&[entry("a", 0, from(1)), entry("a", 10, Judged::Reached)]);
        assert!(history.replay("t", &split(), Some("a"), 10).is_none());
        assert!(history.replay("t", &split(), Some("b"), 0).is_none());
        assert!(history.replay("other", &split(), Some("a"), 0).is_none());
    }

    #[test]
    fn bounds_to_come_that_are_lower_count_from_the_beginning() {
        let entries = [entry("a", 0, from(10)), entry("a", 10, from(30)), entry("a", 20, from(5))];
        let history = history(&[&entries[..], &[entry("a", 25, Judged::Reached)]].concat());
        let mut replay = history.replay("t", &split(), Some("a"), 0).expect("recorded");
        assert_eq!(replay.floor(NO_WATERMARK), 5);
        replay.advance(12);
        assert_eq!(replay.floor(NO_WATERMARK), 5);
        assert_eq!(replay.floor(8), 8, "the partition's own watermark counts too");
    }

    #[test]
    fn what_a_snapshot_says_of_a_second_reading_is_gone_on_with() {
        let before =
            history(&[entry("a", 0, from(1)), entry("a", 10, from(2)), entry("a", 20, Judged::Reached)]);
        let replay = before.replay("t", &split(), Some("a"), 5).expect("recorded");
        let image = SplitImage {
            split: split(),
            offset: 5,
            watermark: None,
            topic_id: Some("a".to_owned()),
            replay: Some(replay.image()),
        };

        let mut after = history(&[entry("a", 10, from(7))]);
        after.add_image("t", &image);
        let replay = after.replay("t", &split(), Some("a"), 5).expect("the snapshot says so");
        let current = |offset| replay.at(offset).map(|bounds| bounds.clamp.current);
        assert_eq!((current(5), current(19), replay.reached), (Some(1), Some(7), 20));
    }

    #[test]
    fn bounds_of_records_that_nobody_has_seen_do_not_bind_the_next_attempt() {
        let mut history =
            history(&[entry("a", 0, from(1)), entry("a", 5, Judged::Reached), entry("a", 9, from(7))]);
        history.begin_attempt();
        history.add(entry("a", 5, from(2)));
        history.add(entry("a", 20, Judged::Reached));
        let replay = history.replay("t", &split(), None, 0).expect("recorded");
        assert_eq!(replay.at(12).map(|bounds| bounds.clamp.current), Some(2));
    }

    #[test]
    fn a_topic_that_was_made_anew_takes_the_place_of_the_one_before() {
        let old = [entry("a", 0, from(1)), entry("a", 90, Judged::Reached)];
        let new = [entry("b", 0, from(2)), entry("b", 5, Judged::Reached)];
        let history = history(&[old, new].concat());
        let replay = history.replay("t", &split(), Some("b"), 0).expect("recorded");
        assert_eq!((replay.reached, replay.bounds.len()), (5, 1));
    }
}
