//! The activity of a data-plane thread, which the thread marks with one store per batch so that a profiler
//! can read it.

/// A step of a subtask's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Activity {
    /// Not started, or ended.
    Away,
    /// In the source: waiting for records, and decoding them. The idle time tells how much of it was waiting.
    Read,
    /// Computed columns, filters, watermarks.
    Prepare,
    /// Aggregating rows into the state, or into what is to be shipped.
    Aggregate,
    /// Rows of queries without windows.
    PassThrough,
    /// The ledger, and dead letters for records that are not counted.
    Account,
    /// Sending partial aggregates to global subtasks.
    Ship,
    /// Waiting until a global subtask takes them.
    Blocked,
    /// A global subtask waits for partial aggregates.
    Receive,
    /// Merging partial aggregates into the state.
    Merge,
    /// Windows that close: their results are computed and written.
    Fire,
    /// Results of windows that are still open.
    Early,
    /// Building a part of a snapshot, and making earlier writes durable.
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

    /// Returns the activity with this number; `Away` for unknown numbers.
    pub fn of(number: u8) -> Activity {
        Activity::ALL.get(usize::from(number)).copied().unwrap_or(Activity::Away)
    }

    /// Returns the stack frames of the activity, the caller first.
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

    /// Returns whether the thread waits for another.
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
