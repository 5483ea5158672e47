//! A join with a condition: gathers the pairs of many rows, evaluates them together, and applies the rows in
//! order.
//!
//! All rows of a batch belong to one side, and the rows of the other side do not change meanwhile. So the
//! pairs of a batch can be gathered before any row is applied. A row with very many possible partners is cut
//! into parts:
//!
//! ```text
//! probes     row 0 [3 pairs]   row 1 [4093 pairs, a part]  │  row 1 [100 pairs, the last part]   row 2 …
//!            ──────────── evaluated together ─────────────│
//! ```

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Predicate};

use super::pairs::Pairs;
use super::shape::{JoinShape, LEFT};
use super::side::PlaceRange;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::Changes;

/// A row of a batch, or a part of a row with very many possible partners.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    pub at: usize,
    /// The rows of the other side to which the probe refers. A first part begins at 0.
    pub places: PlaceRange,
    /// The number of pairs gathered with these rows.
    pub pairs: usize,
    pub is_last: bool,
}

/// The sides of a join whose pairs have a condition.
pub(crate) trait Probed {
    /// Returns whether a row needs the other side's rows.
    fn wants_partners(&self, input: usize, rows: &Changes<'_>, at: usize) -> bool;

    /// Calls `take` with the stored possible partners of a row, beginning at place `from`, until `take`
    /// returns that there is no room for another. Returns the place after the last one taken, and whether
    /// there are more.
    fn candidates(
        &mut self,
        input: usize,
        row: (&Changes<'_>, usize),
        from: usize,
        now_ms: i64,
        take: &mut dyn FnMut(&JoinShape, &[u8]) -> bool,
    ) -> (usize, bool);

    /// Applies a row. `flags` tells which of its possible partners are partners; without it all are.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    fn apply(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        probe: Probe,
        flags: Option<&[bool]>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError>;
}

/// A condition over pairs, and the probes whose pairs wait for it.
pub(crate) struct ProbeCondition {
    operator: String,
    pairs: Pairs,
    /// Set if the join is null-aware: the compared fields of a pair. Values whose comparison is unknown are
    /// partners too.
    compared: Option<(usize, usize)>,
    probes: Vec<Probe>,
}

impl ProbeCondition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(
        operator: String,
        predicate: &Predicate,
        compared: Option<(usize, usize)>,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<ProbeCondition, String> {
        let pairs = Pairs::new(predicate, inputs, time_zone)?;
        Ok(ProbeCondition { operator, pairs, compared, probes: Vec::new() })
    }

    pub fn memory_bytes(&self) -> usize {
        self.pairs.memory_bytes()
    }

    /// Gathers the pairs of the rows, and applies the rows whenever there are many pairs.
    ///
    /// # Errors
    /// As `Operator::process`.
    pub fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        sides: &mut impl Probed,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        for at in rows.places() {
            if !sides.wants_partners(input, rows, at) {
                self.probes.push(Probe { at, places: (0, 0), pairs: 0, is_last: true });
                continue;
            }

            let mut from = 0;
            loop {
                let probe = self.gather(input, (rows, at), from, sides, context.now_ms());
                self.probes.push(probe);
                from = probe.places.1;
                if self.pairs.is_full() {
                    self.apply(input, rows, sides, context)?;
                }
                if probe.is_last {
                    break;
                }
            }
        }
        self.apply(input, rows, sides, context)
    }

    /// Gathers the pairs of a row with the other side's rows, beginning at place `from`, as many as there is
    /// room for.
    fn gather(
        &mut self,
        input: usize,
        (rows, at): (&Changes<'_>, usize),
        from: usize,
        sides: &mut impl Probed,
        now_ms: i64,
    ) -> Probe {
        let before = self.pairs.len();
        let pairs = &mut self.pairs;
        let (to, more) = sides.candidates(input, (rows, at), from, now_ms, &mut |shape, stored| {
            let stored = shape.stored(1 - input, stored, rows, at);
            match input {
                LEFT => pairs.push(rows.row(at).chain(stored)),
                _ => pairs.push(stored.chain(rows.row(at))),
            }
            !pairs.is_full()
        });
        Probe { at, places: (from, to), pairs: self.pairs.len() - before, is_last: !more }
    }

    /// Evaluates the pairs and applies the rows that they belong to.
    fn apply(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        sides: &mut impl Probed,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let failed = |source| OperatorError::Evaluate { operator: self.operator.clone(), source };
        let mut flags = self.pairs.evaluate(context.env(), self.compared).map_err(failed)?;
        for &probe in &self.probes {
            let (of_probe, rest) = flags.split_at(probe.pairs);
            flags = rest;
            sides.apply(input, rows, probe, Some(of_probe), context)?;
        }
        self.probes.clear();
        Ok(())
    }
}
