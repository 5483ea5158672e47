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
        InputTimes { producers: vec![StreamTime::START; end], edges }
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
}
