//! What a data-plane thread is at, as it marks itself for a profiler that looks on from outside: one store a batch.

/// A piece of a subtask's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Activity {
    /// Not begun, or ended.
    Away,
    /// In the source: waiting for records, and decoding them. How much of it was waiting is in the idle time.
    Read,
    /// Computed columns, filters, watermarks.
    Prepare,
    /// Into the state, or what is to be shipped.
    Aggregate,
    /// Rows of queries without windows.
    PassThrough,
    /// The ledger, and letters for what was not counted.
    Account,
    /// Handing partials to global subtasks.
    Ship,
    /// Waiting until a global subtask takes them.
    Blocked,
    /// A global subtask waits for partials.
    Receive,
    /// Partials into the state.
    Merge,
    /// Windows that close: their results are made and written.
    Fire,
    /// Results of windows that are still open.
    Early,
    /// A part of a snapshot is made, and what was written before it becomes durable.
    Snapshot,
}

impl Activity {
    const ALL: [Activity; 13] = [
        Activity::Away,
        Activity::Read,
        Activity::Prepare,
        Activity::Aggregate,
        Activity::PassThrough,
        Activity::Account,
        Activity::Ship,
        Activity::Blocked,
        Activity::Receive,
        Activity::Merge,
        Activity::Fire,
        Activity::Early,
        Activity::Snapshot,
    ];

    /// The one with this number; `Away` for numbers that are none.
    pub fn of(number: u8) -> Activity {
        Activity::ALL.get(usize::from(number)).copied().unwrap_or(Activity::Away)
    }

    /// Where in the code it is, the caller first.
    pub fn frames(self) -> &'static [&'static str] {
        match self {
            Activity::Away => &[],
            Activity::Read => &["SourceSubtask::run", "Source::poll"],
            Activity::Prepare => &["SourceSubtask::run", "SourceSubtask::process", "Prepare::prepare"],
            Activity::Aggregate => &["SourceSubtask::run", "SourceSubtask::process", "Aggregation::add"],
            Activity::PassThrough => &["SourceSubtask::run", "SourceSubtask::process", "Sink::write"],
            Activity::Account => &["SourceSubtask::run", "SourceSubtask::process", "Ledger::account"],
            Activity::Ship => &["SourceSubtask::run", "SourceSubtask::ship", "Aggregation::ship"],
            Activity::Blocked => &["SourceSubtask::run", "SourceSubtask::ship", "Sender::send"],
            Activity::Receive => &["GlobalSubtask::run", "GlobalSubtask::receive"],
            Activity::Merge => &["GlobalSubtask::run", "Aggregation::receive"],
            Activity::Fire => &["Subtask::run", "Aggregation::advance"],
            Activity::Early => &["Subtask::run", "Aggregation::early"],
            Activity::Snapshot => &["Subtask::run", "Aggregation::image"],
        }
    }

    /// Whether the thread waits for somebody else.
    pub fn is_waiting(self) -> bool {
        matches!(self, Activity::Blocked | Activity::Receive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_activity_is_found_by_its_number() {
        for activity in Activity::ALL {
            assert_eq!(Activity::of(activity as u8), activity);
        }
        assert_eq!(Activity::of(200), Activity::Away);
    }
}
