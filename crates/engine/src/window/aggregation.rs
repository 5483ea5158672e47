//! The aggregation of a pipeline's window queries, as one subtask runs it.
//!
//! [`Aggregation::add`] adds rows; [`Aggregation::advance`] advances the watermark and writes the windows that close;
//! [`Aggregation::early`] writes changes of open windows. The groups are in [`WindowState`]; how rows get into them and
//! how windows are written is up to [`RowAdder`] and [`WindowWriter`].

use std::sync::Arc;

use jiff::tz::TimeZone;
use sql::expr::ExprId;
use sql::functions::Env;
use sql::plan::Pipeline;

use super::state::{
    FailedRow, LateRow, Options, Receiving, RowAdder, RowsIn, Share, Shipment, Shipping, WindowError,
    WindowOutput, WindowState, WindowWriter,
};
use crate::connector::Stage;
use crate::layout::Layout;
use crate::snapshot::AggregationImage;
use crate::state::KeyGroups;

/// The window queries of a pipeline: their groups, and the buffers for adding and writing rows.
pub struct Aggregation {
    state: WindowState,
    adder: RowAdder,
    writer: WindowWriter,
}

impl Aggregation {
    /// # Errors
    /// An expression of the plan has no column type.
    pub fn new(
        layout: Arc<Layout>,
        pipeline: &Pipeline,
        time_zone: &TimeZone,
        options: Options,
    ) -> Result<Aggregation, WindowError> {
        let writer = WindowWriter::new(pipeline, time_zone)?;
        let adder = RowAdder::new(&layout, time_zone)?;
        Ok(Aggregation { state: WindowState::new(layout, options), adder, writer })
    }

    /// Returns the expressions needed for each row.
    pub fn row_exprs(&self) -> Vec<ExprId> {
        self.state.layout().row_exprs()
    }

    /// Adds rows to the state. Returns the rows that were late for some units.
    ///
    /// # Errors
    /// A condition over keys cannot be computed for a row.
    pub fn add(&mut self, rows: &RowsIn<'_>) -> Result<Vec<LateRow>, FailedRow> {
        self.adder.add(&mut self.state, rows)
    }

    /// Returns the watermark, in milliseconds.
    pub fn watermark(&self) -> i64 {
        self.state.watermark()
    }

    /// Returns the watermark at which there is something to do: a window closes, or written results need a
    /// correction.
    pub fn next_event(&self) -> i64 {
        self.state.next_event()
    }

    /// Advances the watermark and writes every window that closes, in order of their ends and of the queries;
    /// then corrections of written results.
    ///
    /// # Errors
    /// A row cannot be computed or written.
    pub fn advance(
        &mut self,
        watermark: i64,
        env: &Env,
        output: &mut dyn WindowOutput,
    ) -> Result<(), WindowError> {
        self.state.advance(watermark);
        while let Some((end, unit)) = self.state.next_due() {
            self.writer.window(&mut self.state, unit, end, Stage::Final, env, output)?;
            self.state.fired(unit, end);
        }

        for unit in 0..self.state.layout().units.len() {
            for end in self.state.take_corrections(unit) {
                self.writer.correction(&mut self.state, unit, end, env, output)?;
            }
            self.state.clean(unit);
        }
        Ok(())
    }

    /// Writes the changes of windows that are still open.
    ///
    /// # Errors
    /// A row cannot be computed or written.
    pub fn early(&mut self, env: &Env, output: &mut dyn WindowOutput) -> Result<(), WindowError> {
        self.state.fold();
        for unit in 0..self.state.layout().units.len() {
            for end in self.state.open_windows(unit) {
                self.writer.window(&mut self.state, unit, end, Stage::Early, env, output)?;
            }
        }
        Ok(())
    }

    /// Returns the bytes of state.
    pub fn memory_bytes(&self) -> usize {
        let mut parts = Vec::new();
        self.memory_parts(&mut parts);
        parts.iter().sum()
    }

    /// Returns the bytes of state, one part per unit; values to which several units refer are divided evenly.
    /// The last part belongs to no unit alone.
    pub fn memory_parts(&self, parts: &mut Vec<usize>) {
        self.state.memory_parts(parts);
        for (unit, part) in self.state.layout().units.iter().zip(&mut *parts) {
            *part += self.writer.memory_bytes(&unit.queries);
        }
        *parts.last_mut().expect("the last part belongs to no unit") += self.adder.memory_bytes();
    }

    /// Calls `each` with the queries of every unit, the number of its open windows, and that of the groups in them. Units whose
    /// newest rows are not sorted into groups yet are left out.
    pub fn for_each_unit(&self, each: &mut dyn FnMut(&[usize], usize, usize)) {
        self.state.for_each_unit(each);
    }

    /// Takes everything out of the state, one shipment per receiver.
    pub fn ship(&mut self, shipping: &mut Shipping) -> Vec<Shipment> {
        shipping.take(&mut self.state)
    }

    /// Merges a shipment into the state.
    pub fn receive(&mut self, receiving: &mut Receiving, shipment: Shipment) {
        receiving.merge(&mut self.state, shipment);
    }

    /// Returns all state, when no results wait to be written. `groups` are the key groups that the subtask
    /// owns.
    pub fn image(&mut self, groups: KeyGroups) -> AggregationImage {
        self.state.image(groups)
    }

    /// Restores the subtask's share of a snapshot's groups. Must precede any row.
    pub fn restore(&mut self, images: &[AggregationImage], share: Share) {
        self.state.restore(images, share);
        // The codes of groups that other subtasks own are not needed here.
        if share.of > 1 {
            self.compact(&mut []);
        }
    }

    /// Compacts if some domain has grown enough since the last compaction. Codes to which senders refer are
    /// kept.
    pub fn compact_if_grown(&mut self, senders: &mut [Receiving]) -> bool {
        let has_grown = self.state.has_grown();
        if has_grown {
            self.compact(senders);
        }
        has_grown
    }

    /// Drops all codes that no table holds and no sender refers to.
    pub fn compact(&mut self, senders: &mut [Receiving]) {
        self.state.compact(senders);
        // The writer remembers values by code.
        self.writer.forget(self.state.layout());
    }

    /// Clears the translations of the dictionaries in front of the state, which were dropped.
    pub fn forget_front(&mut self) {
        self.state.forget_front();
    }
}
