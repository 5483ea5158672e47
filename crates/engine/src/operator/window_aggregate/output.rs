//! The rows of closed windows: keys, results, and properties of the window.

use sql::plan::operator::{Field, WindowAggregate, WindowProperty};
use types::{Repr, Scalar};

use super::group::WindowGroup;
use super::panes::Pane;
use crate::operator::accumulate::Accumulators;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::operator::fields;
use crate::operator::windows::StoredKey;
use crate::row::Reader;

/// Rows that wait to be emitted.
pub(super) struct WindowAggregateOutput {
    properties: Vec<WindowProperty>,
    rows: ChangeBuffer,
    results: Vec<u8>,
}

impl WindowAggregateOutput {
    pub fn new(
        spec: &WindowAggregate,
        fields: &[Field],
        accumulators: &Accumulators,
    ) -> WindowAggregateOutput {
        let mut reprs: Vec<Repr> =
            spec.keys.iter().map(|&key| fields::repr(&fields[key].column_type)).collect();
        reprs.extend(accumulators.reprs());
        reprs.extend(spec.properties.iter().map(|_| Repr::Int));
        WindowAggregateOutput {
            properties: spec.properties.clone(),
            rows: ChangeBuffer::new(&reprs),
            results: Vec::new(),
        }
    }

    /// Adds the row of a group.
    #[inline]
    pub fn push(
        &mut self,
        watermark: i64,
        (keys, key): (&StoredKey, &[u8]),
        (accumulators, group): (&Accumulators, &WindowGroup),
        pane: Pane,
    ) {
        let WindowAggregateOutput { properties, rows, results } = self;
        results.clear();
        accumulators.write_results(group.states(), results);

        let properties = properties.iter().map(|property| {
            Scalar::Int(match property {
                WindowProperty::Start => pane.start,
                WindowProperty::End => pane.end,
                WindowProperty::Time => pane.closes_at,
            })
        });
        keys.with_values(key, |values| {
            rows.push(RowKind::Insert, watermark, values.chain(Reader::new(results)).chain(properties));
        });
    }

    pub fn emit_if_full(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        if self.rows.is_full() { self.emit(context) } else { Ok(()) }
    }

    pub fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.rows.lend(|rows| context.emit(rows))?;
        self.rows.clear();
        Ok(())
    }

    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }
}
