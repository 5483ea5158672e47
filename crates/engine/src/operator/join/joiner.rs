//! The joiner: applies rows one by one to the two sides, and emits the resulting changes.
//!
//! A retracted row is removed from its side first. Then the partners of the row are visited, which emits
//! pairs and updates the partners' counts. An added row is stored last. A row with very many partners is
//! applied in parts.

use sql::plan::operator::{Input, Join};
use types::{Interval, Scalar};

use super::condition::{Probe, Probed};
use super::output::{JoinOutput, nulls};
use super::packed::RowForm;
use super::shape::{Filter, JoinShape, LEFT, RIGHT, values};
use super::side::Side;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind};

/// The sides of a join.
pub(super) struct Joiner {
    pub shape: JoinShape,
    pub sides: [Side; 2],
    pub output: JoinOutput,
    /// The findings about the row that is being applied.
    applied: AppliedRow,
    key: Vec<u8>,
    row: Vec<u8>,
}

/// The state of the row that is being applied, while its partners are visited.
#[derive(Debug, Clone, Copy, Default)]
struct AppliedRow {
    /// The number of partners found so far.
    partners: u64,
    /// The number of partners that a retracted row had.
    had: u64,
    /// The row retracts a row that is absent.
    is_unknown: bool,
    /// A null in its key: the row has no partners and is not stored.
    is_alone: bool,
}

impl Joiner {
    pub fn new(join: &Join, shape: JoinShape, inputs: &[Input], ttl: [Option<Interval>; 2]) -> Joiner {
        let tracks = shape.tracks();
        let side = |side: usize| {
            let form = RowForm { unique: join.unique[side], tracks: tracks[side] };
            Side::new(form, side as u8, ttl[side])
        };
        Joiner {
            sides: [side(LEFT), side(RIGHT)],
            output: JoinOutput::new(&shape.output(inputs)),
            applied: AppliedRow::default(),
            key: Vec::new(),
            row: Vec::new(),
            shape,
        }
    }

    /// Visits the partners of a row: emits the pairs, and the changes for the partners.
    fn visit(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        probe: Probe,
        flags: Option<&[bool]>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Joiner { shape, sides, output, applied, key, .. } = self;
        let (other, at, kind, now_ms) = (1 - input, probe.at, rows.kind(probe.at), context.now_ms());
        let is_addition = kind.is_addition();
        // With padding on either side, the two rows of an update do not replace each other.
        let pair_kind = match (shape.pads[LEFT] || shape.pads[RIGHT], is_addition) {
            (false, _) => kind,
            (true, true) => RowKind::Insert,
            // Flink keeps the kind of a retracted row if only the other side is padded.
            (true, false) if !shape.pads[input] => kind,
            (true, false) => RowKind::Delete,
        };
        let mut flags = flags.map(|flags| flags.iter());

        sides[other].visit(key, now_ms, probe.places, |stored, count, partners| {
            if flags.as_mut().is_some_and(|flags| flags.next() != Some(&true)) {
                return Ok(());
            }
            let partner = shape.stored(other, stored, rows, at);
            applied.partners = applied.partners.saturating_add(count);

            // The first partner comes, or the last one goes.
            let turns = if is_addition { *partners == 0 } else { *partners == 1 };
            *partners = if is_addition { *partners + 1 } else { partners.saturating_sub(1) };

            if let Some(filter) = shape.filter {
                if turns && input == RIGHT {
                    give_turned(filter, kind, count, partner, output, context)?;
                }
                return Ok(());
            }

            let padded = shape.pads[other] && turns;
            if padded && is_addition {
                give_padded(shape, other, (RowKind::Delete, count), partner.clone(), output, context)?;
            }
            match input {
                LEFT => output.push((pair_kind, count), values(rows, at).chain(partner.clone()), context)?,
                _ => output.push((pair_kind, count), partner.clone().chain(values(rows, at)), context)?,
            }
            if padded && !is_addition {
                give_padded(shape, other, (RowKind::Insert, count), partner, output, context)?;
            }
            Ok(())
        })
    }

    /// Emits the row's own changes once all its partners are known, and stores the row.
    fn finish(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        at: usize,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let (kind, applied) = (rows.kind(at), self.applied);
        let is_addition = kind.is_addition();
        // The rows emitted for a retracted row depend on the partners that it had, not on those still
        // stored.
        let has_partners = if is_addition { applied.partners > 0 } else { applied.had > 0 };
        let given = values(rows, at);

        match self.shape.filter {
            Some(Filter::Semi) if input == LEFT && has_partners => {
                self.output.push((kind, 1), given, context)?
            }
            Some(Filter::Anti) if input == LEFT && !has_partners => {
                self.output.push((kind, 1), given, context)?
            }
            Some(Filter::Mark) if input == LEFT => {
                let mark = std::iter::once(Scalar::Bool(has_partners));
                self.output.push((kind, 1), given.chain(mark), context)?
            }
            None if self.shape.pads[input] && !has_partners => {
                let kind = if is_addition { RowKind::Insert } else { RowKind::Delete };
                give_padded(&self.shape, input, (kind, 1), given, &mut self.output, context)?;
            }
            _ => {}
        }

        if is_addition && !applied.is_alone {
            self.sides[input].add(&self.key, &self.row, applied.partners, context.now_ms());
        }
        Ok(())
    }
}

impl Probed for Joiner {
    /// A semi, anti or mark join finds the effect of a retracted left row from its count of partners.
    fn wants_partners(&self, input: usize, rows: &Changes<'_>, at: usize) -> bool {
        self.shape.filter.is_none() || input == RIGHT || rows.kind(at).is_addition()
    }

    fn candidates(
        &mut self,
        input: usize,
        (rows, at): (&Changes<'_>, usize),
        from: usize,
        now_ms: i64,
        take: &mut dyn FnMut(&JoinShape, &[u8]) -> bool,
    ) -> (usize, bool) {
        let Joiner { shape, sides, key, .. } = self;
        match shape.write_key(input, rows, at, key) {
            true => sides[1 - input].read(key, now_ms, from, |stored| take(shape, stored)),
            false => (from, false),
        }
    }

    /// Applies a row, or a part of one: removes a retracted row, visits its partners, and stores an added
    /// row.
    fn apply(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        probe: Probe,
        flags: Option<&[bool]>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let (at, kind, now_ms) = (probe.at, rows.kind(probe.at), context.now_ms());
        let has_key = self.shape.write_key(input, rows, at, &mut self.key);

        if probe.places.0 == 0 {
            self.applied = AppliedRow { is_alone: !has_key, ..AppliedRow::default() };
            if has_key {
                self.shape.write_row(input, rows, at, &mut self.row);
                if !kind.is_addition() {
                    match self.sides[input].remove(&self.key, &self.row, now_ms) {
                        Some(partners) => self.applied.had = partners,
                        None => self.applied.is_unknown = true,
                    }
                }
            }
        }

        if self.applied.is_unknown {
            return Ok(());
        }

        if has_key && self.wants_partners(input, rows, at) {
            if input == LEFT && self.shape.filter.is_some() && flags.is_none() {
                // The partners need only be counted.
                self.applied.partners = self.sides[RIGHT].total(&self.key, now_ms);
            } else {
                self.visit(input, rows, probe, flags, context)?;
            }
        }
        if probe.is_last { self.finish(input, rows, at, context) } else { Ok(()) }
    }
}

/// Emits a row of a side with nulls for the other side's fields.
pub(crate) fn give_padded<'v>(
    shape: &JoinShape,
    side: usize,
    (kind, copies): (RowKind, u64),
    values: impl Iterator<Item = Scalar<'v>> + Clone,
    output: &mut JoinOutput,
    context: &mut Context<'_>,
) -> Result<(), OperatorError> {
    let nulls = nulls(shape.widths[1 - side]);
    match side {
        LEFT => output.push((kind, copies), values.chain(nulls), context),
        _ => output.push((kind, copies), nulls.chain(values), context),
    }
}

/// Emits the change of a left row when its first right partner comes or its last one goes; `kind` is that of
/// the right row.
fn give_turned<'v>(
    filter: Filter,
    kind: RowKind,
    copies: u64,
    left: impl Iterator<Item = Scalar<'v>> + Clone,
    output: &mut JoinOutput,
    context: &mut Context<'_>,
) -> Result<(), OperatorError> {
    let marked = |value: bool| left.clone().chain(std::iter::once(Scalar::Bool(value)));
    let comes = kind.is_addition();
    match filter {
        Filter::Semi => output.push((kind, copies), left, context),
        Filter::Anti if comes => output.push((RowKind::Delete, copies), left, context),
        Filter::Anti => output.push((RowKind::Insert, copies), left, context),
        Filter::Mark => {
            // Copies are updated one after the other, so that each old row is followed by its new one.
            for _ in 0..copies {
                output.push((RowKind::UpdateBefore, 1), marked(!comes), context)?;
                output.push((RowKind::UpdateAfter, 1), marked(comes), context)?;
            }
            Ok(())
        }
    }
}
