//! The alignment of barriers: a subtask reads no channel beyond the barrier of a snapshot until the barriers of
//! all channels have arrived (Carbone et al., "Lightweight Asynchronous Snapshots for Distributed Dataflows").
//!
//! ```text
//! channel 0   rows  rows  ║ rows        at its barrier: not read
//! channel 1   rows  rows  rows          still read
//! channel 2   end                       nothing more comes: all its rows are in the state
//! ```
//!
//! When channel 1 has come to its barrier too, the state holds everything before the barriers and nothing after.

use std::time::Duration;

/// Whether a channel may be read.
#[derive(Debug, Default)]
pub(super) struct Gate {
    ended: bool,
    /// The barrier that has arrived, and when, by the clock's `elapsed`.
    barrier: Option<(u64, Duration)>,
}

/// The barriers of a snapshot have arrived on all channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AlignedBarrier {
    pub barrier: u64,
    /// When the first of the barriers arrived.
    pub first: Duration,
}

impl Gate {
    /// Returns whether the channel may be read.
    pub fn is_open(&self) -> bool {
        !self.ended && self.barrier.is_none()
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether the channel is at a barrier.
    pub fn is_at_barrier(&self) -> bool {
        self.barrier.is_some()
    }

    /// Closes the gate at a barrier.
    pub fn close(&mut self, barrier: u64, now: Duration) {
        self.barrier = Some((barrier, now));
    }

    /// Ends the channel.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Opens the gate after the snapshot's part was contributed.
    pub fn open(&mut self) {
        self.barrier = None;
    }
}

/// Returns the alignment of the latest barrier once it has arrived on all channels that have not ended; `gate`
/// returns the gate of an input.
pub(super) fn align<I>(inputs: &mut [I], gate: impl Fn(&mut I) -> &mut Gate) -> Option<AlignedBarrier> {
    let barriers = inputs.iter_mut().filter_map(|input| gate(input).barrier);
    let latest = barriers.map(|(barrier, _)| barrier).max()?;

    // The snapshot of an older barrier was abandoned, so the channel is read on.
    for input in inputs.iter_mut() {
        gate(input).barrier.take_if(|(barrier, _)| *barrier < latest);
    }

    // A channel that has ended brings nothing more: all its rows are in the state.
    if inputs.iter_mut().any(|input| gate(input).is_open()) {
        return None;
    }

    let first = inputs.iter_mut().filter_map(|input| gate(input).barrier).map(|(_, at)| at).min()?;
    Some(AlignedBarrier { barrier: latest, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn aligned(gates: &mut [Gate]) -> Option<AlignedBarrier> {
        align(gates, |gate| gate)
    }

    #[test]
    fn a_barrier_waits_for_those_of_all_channels_that_have_not_ended() {
        let mut gates = [Gate::default(), Gate::default(), Gate::default()];
        assert_eq!(aligned(&mut gates), None);
        gates[2].end();
        gates[1].close(1, at(5));
        assert_eq!(aligned(&mut gates), None);
        gates[0].close(1, at(7));
        assert_eq!(aligned(&mut gates), Some(AlignedBarrier { barrier: 1, first: at(5) }));
    }

    #[test]
    fn a_later_barrier_opens_the_channels_that_wait_at_an_earlier_one() {
        let mut gates = [Gate::default(), Gate::default()];
        gates[0].close(1, at(5));
        gates[1].close(2, at(6));
        assert_eq!(aligned(&mut gates), None);
        assert!(gates[0].is_open() && !gates[1].is_open());
        gates[0].close(2, at(8));
        assert_eq!(aligned(&mut gates), Some(AlignedBarrier { barrier: 2, first: at(6) }));
    }
}
