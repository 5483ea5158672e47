//! How far the streams of a chain have come.

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
}

/// Rows of an operator that wait for answers from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InFlight {
    None,
    Some,
    /// So many that the operator is to be given no more until answers came.
    Full,
}
