//! How far streams have come in event time, each and together.
//!
//! ```text
//! edge 0   subtask 0: watermark 5, idle    subtask 1: watermark 9          stands at 5, not idle
//! edge 1   subtask 0: watermark 3, idle    subtask 1: watermark 3, idle    is idle: holds nobody back
//! input    stands at 5
//! ```

use std::ops::Range;

use crate::watermark::NO_WATERMARK;

/// How far a stream has come in event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTime {
    /// Nothing more will come up to here, ms.
    pub watermark: i64,
    /// Nothing comes at the moment: the stream holds back nobody who has other inputs.
    pub is_idle: bool,
}

impl StreamTime {
    pub const START: StreamTime = StreamTime { watermark: NO_WATERMARK, is_idle: false };
    pub const END: StreamTime = StreamTime { watermark: i64::MAX, is_idle: false };

    /// Where several streams stand together: at the slowest that is not idle; at the fastest if all are idle.
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

    /// Where the subtasks of one producer stand together: at the slowest, idle or not. They hear of event time one after
    /// another: one that is idle may have yet to hear what moves it on, and makes it emit rows.
    fn of_subtasks(times: &[StreamTime]) -> StreamTime {
        let watermark = times.iter().map(|time| time.watermark).min().unwrap_or(NO_WATERMARK);
        let mut open = times.iter().filter(|time| time.watermark < i64::MAX);
        StreamTime { watermark, is_idle: watermark < i64::MAX && open.all(|time| time.is_idle) }
    }
}

/// Rows of an operator that wait for answers from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InFlight {
    None,
    Some,
    /// So many that the operator is to be given no more until answers came.
    Full,
}

/// How far the producers of an input have come.
pub(super) struct InputTimes {
    /// By producer: the subtasks of the first edge, then those of the next.
    pub(super) producers: Vec<StreamTime>,
    edges: Vec<Range<usize>>,
}

impl InputTimes {
    /// `edges`: by edge, how many subtasks send its rows.
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
