//! `CROSS JOIN UNNEST(collection)`: emits a row for each element of an array, entry of a map, or copy in a
//! multiset.
//!
//! ```text
//! +I [7, ['a', 'b']]      +I [7, ['a', 'b'], 'a', 1]
//!                         +I [7, ['a', 'b'], 'b', 2]      the number is present WITH ORDINALITY
//! ```
//!
//! The output rows have the kind of their input row, so that an update retracts the elements of the old row
//! one by one. A null element makes a row, but a null `ROW` element does not, as in Flink. `LEFT JOIN` emits
//! a row with nulls if no element is left. The operator keeps no state.

use jiff::tz::TimeZone;
use sql::plan::operator::{Input, Unnest};
use types::nested::Nested;
use types::{DataType, Repr, Scalar};

use super::chain::{Context, OperatorError};
use super::changes::{ChangeBuffer, Changes};
use super::fields;
use super::join::pairs::Pairs;
use super::stateless::Stateless;

/// Unnests collections; see the module documentation.
pub struct UnnestOperator {
    name: String,
    collection: usize,
    shape: CollectionShape,
    /// The number of fields of an element, without its ordinal number.
    width: usize,
    ordinality: bool,
    is_outer: bool,
    condition: Option<Pairs>,
    out: ChangeBuffer,
    /// The rows that wait for the condition: their place in the batch, and their number of pairs.
    waiting: Vec<(usize, usize)>,
}

/// The kind of the collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CollectionShape {
    /// Elements, each in one field.
    Values,
    /// Elements that are rows, whose fields become fields of the output.
    Rows,
    Entries,
    Copies {
        are_rows: bool,
    },
}

impl UnnestOperator {
    /// Builds the operator.
    ///
    /// # Errors
    /// The field is not a collection, or a function of the condition does not accept its literal arguments.
    pub fn new(
        name: String,
        spec: &Unnest,
        inputs: &[Input],
        time_zone: &TimeZone,
    ) -> Result<UnnestOperator, String> {
        let are_rows = spec.spreads_row;
        let (shape, types) = match &spec.collection_type.data_type {
            DataType::Array(element) => {
                let shape = if are_rows { CollectionShape::Rows } else { CollectionShape::Values };
                (shape, element_fields(&element.data_type, are_rows))
            }
            DataType::Multiset(element) => {
                (CollectionShape::Copies { are_rows }, element_fields(&element.data_type, are_rows))
            }
            DataType::Map(key, value) => (CollectionShape::Entries, vec![&key.data_type, &value.data_type]),
            other => return Err(format!("`{name}` takes a collection, and this is {other}")),
        };

        let mut added: Vec<Repr> = types.iter().map(|of| fields::repr_of(of)).collect();
        let width = added.len();
        if spec.ordinality {
            added.push(Repr::Int);
        }
        let reprs: Vec<Repr> = fields::reprs(&inputs[0].fields).into_iter().chain(added).collect();

        let condition = match &spec.condition {
            Some(condition) => Some(Pairs::of_reprs(condition, &reprs, time_zone)?),
            None => None,
        };
        Ok(UnnestOperator {
            name,
            collection: spec.collection,
            shape,
            width,
            ordinality: spec.ordinality,
            is_outer: spec.outer,
            condition,
            out: ChangeBuffer::new(&reprs),
            waiting: Vec::new(),
        })
    }

    /// Returns the number of fields that are appended to the input row.
    fn stride(&self) -> usize {
        self.width + usize::from(self.ordinality)
    }

    /// Returns the fields of all elements of a collection, one element after another.
    fn elements<'a>(&self, collection: Scalar<'a>) -> Vec<Scalar<'a>> {
        let Some(nested) = Nested::of(collection) else { return Vec::new() };
        let mut fields: Vec<Scalar<'a>> = Vec::with_capacity(nested.len() * self.stride());
        let mut number = 0;
        let mut end_element = |fields: &mut Vec<Scalar<'a>>| {
            number += 1;
            if self.ordinality {
                fields.push(Scalar::Int(number));
            }
        };

        match self.shape {
            CollectionShape::Values => {
                for value in nested.values() {
                    fields.push(value);
                    end_element(&mut fields);
                }
            }
            CollectionShape::Rows => {
                for row in nested.values().filter_map(Nested::of) {
                    fields.extend(self.fields_of(&row));
                    end_element(&mut fields);
                }
            }
            CollectionShape::Entries => {
                for (key, value) in nested.entries() {
                    fields.extend([key, value]);
                    end_element(&mut fields);
                }
            }
            CollectionShape::Copies { are_rows } => {
                for (value, count) in nested.entries() {
                    let Scalar::Int(count) = count else { continue };
                    let row = Nested::of(value);
                    if are_rows && row.is_none() {
                        continue;
                    }
                    for _ in 0..count {
                        match row.as_ref().filter(|_| are_rows) {
                            Some(row) => fields.extend(self.fields_of(row)),
                            None => fields.push(value),
                        }
                        end_element(&mut fields);
                    }
                }
            }
        }
        fields
    }

    /// Returns the fields of an element that is a row.
    fn fields_of<'a>(&self, row: &Nested<'a>) -> impl Iterator<Item = Scalar<'a>> + use<'a> {
        row.values().chain(std::iter::repeat(Scalar::Null)).take(self.width)
    }

    /// Emits the output rows of an input row. `flags` tells which elements pass the condition; without it all
    /// do.
    fn give(
        &mut self,
        rows: &Changes<'_>,
        row: usize,
        flags: Option<&[bool]>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let (kind, watermark) = (rows.kind(row), rows.watermark(row));
        let elements = self.elements(rows.get(self.collection, row));
        let mut given = 0;
        for (at, element) in elements.chunks_exact(self.stride()).enumerate() {
            if flags.is_none_or(|flags| flags[at]) {
                self.out.push(kind, watermark, rows.row(row).chain(element.iter().copied()));
                given += 1;
            }
        }
        if given == 0 && self.is_outer {
            // Missing values are null.
            self.out.push(kind, watermark, rows.row(row));
        }

        if self.out.is_full() { self.emit(context) } else { Ok(()) }
    }

    /// Evaluates the condition for the waiting elements, and emits their rows.
    fn apply(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let Some(pairs) = &mut self.condition else { return Ok(()) };
        let flags = pairs.evaluate(context.env(), None);
        let failed = |source| OperatorError::Evaluate { operator: self.name.clone(), source };
        // Emitting needs `self` while the flags are read, so they are copied out of the evaluator.
        let flags = flags.map_err(failed)?.to_vec();

        let mut rest = &flags[..];
        for (row, elements) in std::mem::take(&mut self.waiting) {
            let (of_row, behind) = rest.split_at(elements);
            rest = behind;
            self.give(rows, row, Some(of_row), context)?;
        }
        Ok(())
    }

    fn emit(&mut self, context: &mut Context<'_>) -> Result<(), OperatorError> {
        self.out.lend(|rows| context.emit(rows))?;
        self.out.clear();
        Ok(())
    }
}

impl Stateless for UnnestOperator {
    fn take(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        for row in rows.places() {
            if self.condition.is_none() {
                self.give(rows, row, None, context)?;
                continue;
            }

            let elements = self.elements(rows.get(self.collection, row));
            let elements = elements.chunks_exact(self.stride());
            self.waiting.push((row, elements.len()));
            let Some(pairs) = &mut self.condition else { continue };
            elements.for_each(|element| pairs.push(rows.row(row).chain(element.iter().copied())));
            if pairs.is_full() {
                self.apply(rows, context)?;
            }
        }
        self.apply(rows, context)?;
        self.emit(context)
    }

    fn memory_bytes(&self) -> usize {
        let condition = self.condition.as_ref().map_or(0, Pairs::memory_bytes);
        self.out.memory_bytes() + condition + self.waiting.capacity() * size_of::<(usize, usize)>()
    }
}

fn element_fields(element: &DataType, are_rows: bool) -> Vec<&DataType> {
    match element {
        DataType::Row(fields) if are_rows => {
            fields.iter().map(|field| &field.column_type.data_type).collect()
        }
        other => vec![other],
    }
}

#[cfg(test)]
mod tests;
