//! The watermarks of streams, and how they combine.
//!
//! ```text
//! edge 0     subtask 0: watermark 5, idle     subtask 1: watermark 9        watermark 5, not idle
//! edge 1     subtask 0: watermark 3, idle     subtask 1: watermark 3, idle  idle: holds nothing back
//! input                                                                     watermark 5
//! ```

use std::ops::Range;

use crate::watermark::NO_WATERMARK;

/// The watermark of a stream, and whether the stream is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTime {
    /// No row up to this time will come any more, in milliseconds.
    pub watermark: i64,
    /// No rows come at the moment: the stream does not hold back the watermark of a consumer with other
    /// inputs.
    pub is_idle: bool,
}

impl StreamTime {
    pub const START: StreamTime = StreamTime { watermark: NO_WATERMARK, is_idle: false };
    pub const END: StreamTime = StreamTime { watermark: i64::MAX, is_idle: false };

    /// Combines several streams: the minimum of those that are not idle; the maximum if all are idle.
    pub fn of_all(times: impl Iterator<Item = StreamTime> + Clone) -> StreamTime {
        let active = times.clone().filter(|time| !time.is_idle).map(|time| time.watermark).min();
        match active {
            Some(watermark) => StreamTime { watermark, is_idle: false },
            None => {
                let watermark = times.map(|time| time.watermark).max().unwrap_or(NO_WATERMARK);
                StreamTime { watermark, is_idle: true }
            }
        }
    }

    /// Combines the subtasks of one producer: the minimum, idle or not. Watermarks reach the subtasks one
    /// after another, so an idle subtask may still receive one that makes it emit rows.
    fn of_subtasks(times: &[StreamTime]) -> StreamTime {
        let watermark = times.iter().map(|time| time.watermark).min().unwrap_or(NO_WATERMARK);
        let mut open = times.iter().filter(|time| time.watermark < i64::MAX);
        StreamTime { watermark, is_idle: watermark < i64::MAX && open.all(|time| time.is_idle) }
    }
}

/// Whether an operator has rows that wait for answers from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InFlight {
    None,
    Some,
    /// The operator must get no more rows until answers have arrived.
    Full,
}

/// The watermarks of the producers of an input.
pub(super) struct InputTimes {
    /// Per producer: the subtasks of the first edge, then those of the next.
    pub(super) producers: Vec<StreamTime>,
    /// Per producer: whether it sends no rows until it is not idle.
    without_rows: Vec<bool>,
    edges: Vec<Range<usize>>,
}

impl InputTimes {
    /// Creates the times of an input. `edges` holds the number of sending subtasks per edge.
    pub(super) fn new(edges: &[usize]) -> InputTimes {
        let mut end = 0;
        let edges = edges.iter().map(|subtasks| {
            end += subtasks;
            end - subtasks..end
        });
        let edges = edges.collect();
        InputTimes { producers: vec![StreamTime::START; end], without_rows: vec![false; end], edges }
    }

    /// Declares that a producer sends no rows until it is not idle.
    pub(super) fn expect_no_rows(&mut self, producer: usize) {
        self.without_rows[producer] = true;
        self.producers[producer].is_idle = true;
    }

    /// Advances the time of a producer. Its watermark never goes back.
    pub(super) fn advance(&mut self, producer: usize, time: StreamTime) {
        let known = &mut self.producers[producer];
        *known = StreamTime { watermark: time.watermark.max(known.watermark), is_idle: time.is_idle };
        self.without_rows[producer] &= time.is_idle;
    }

    /// Returns the watermark up to which the other producers let a row of this one advance event time.
    pub(super) fn others(&self, producer: usize) -> i64 {
        let edges = self.edges.iter().filter_map(|edge| {
            if !edge.contains(&producer) {
                let time = StreamTime::of_subtasks(&self.producers[edge.clone()]);
                return (!time.is_idle).then_some(time.watermark);
            }
            let subtasks = edge.clone().filter(|&other| other != producer && !self.without_rows[other]);
            subtasks.map(|other| self.producers[other].watermark).min()
        });
        edges.min().unwrap_or(i64::MAX)
    }

    pub(super) fn together(&self) -> StreamTime {
        let edges = self.edges.iter().map(|edge| StreamTime::of_subtasks(&self.producers[edge.clone()]));
        StreamTime::of_all(edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(watermark: i64, is_idle: bool) -> StreamTime {
        StreamTime { watermark, is_idle }
    }

    fn together(edges: &[&[StreamTime]]) -> StreamTime {
        let mut times = InputTimes::new(&edges.iter().map(|edge| edge.len()).collect::<Vec<_>>());
        times.producers.clone_from_slice(&edges.concat());
        times.together()
    }

    #[test]
    fn an_idle_subtask_holds_back_the_others_of_its_producer() {
        assert_eq!(together(&[&[at(5, true), at(9, false)]]), at(5, false));
        assert_eq!(together(&[&[at(5, true), at(9, true)]]), at(5, true));
        assert_eq!(together(&[&[at(5, true), StreamTime::END]]), at(5, true));
        assert_eq!(together(&[&[StreamTime::END, StreamTime::END]]), StreamTime::END);
    }

    #[test]
    fn an_idle_producer_holds_back_no_other() {
        assert_eq!(together(&[&[at(5, true), at(9, false)], &[at(3, true), at(3, true)]]), at(5, false));
        assert_eq!(together(&[&[at(5, true)], &[at(3, true)]]), at(5, true));
        assert_eq!(together(&[&[at(5, false)], &[at(3, false)]]), at(3, false));
    }

    #[test]
    fn rows_advance_time_as_far_as_the_other_producers_have_come() {
        let mut times = InputTimes::new(&[3, 2]);
        times.producers.clone_from_slice(&[
            at(5, true),
            at(9, false),
            StreamTime::END,
            at(7, false),
            at(3, false),
        ]);
        assert_eq!((0..5).map(|of| times.others(of)).collect::<Vec<_>>(), [3, 3, 3, 3, 5]);

        times.advance(4, at(3, true));
        times.advance(3, at(7, true));
        assert_eq!((0..3).map(|of| times.others(of)).collect::<Vec<_>>(), [9, 5, 5]);

        // The first subtask has no partitions, until it has some.
        times.expect_no_rows(0);
        times.advance(0, at(6, true));
        assert_eq!(times.others(1), i64::MAX);
        times.advance(0, at(6, false));
        assert_eq!(times.others(1), 6);
    }
}
