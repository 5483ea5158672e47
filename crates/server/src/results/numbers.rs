//! What a group keeps of its numbers: sums, extremes, and weighted averages.

use super::cell::{Cell, scaled};
use crate::analytics::intern::TextPages;

/// The numbers of a group in one column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// Values that are not null.
    pub(super) count: u32,
    pub(super) numbers: u32,
    /// Sum of whole numbers and of decimals of one scale, in units of `10^-scale`.
    exact: i64,
    /// Sum of all other numbers.
    float: f64,
    scale: u8,
    is_exact: bool,
}

impl Numbers {
    pub(super) const NONE: Numbers =
        Numbers { count: 0, numbers: 0, exact: 0, float: 0.0, scale: NO_SCALE, is_exact: true };

    pub(super) fn add(&mut self, cell: Cell, texts: &TextPages) {
        let (unscaled, scale) = match cell {
            Cell::Int(value) => (value, 0),
            Cell::Decimal { unscaled, scale } => (unscaled, scale),
            Cell::Null => return,
            Cell::Float(_) | Cell::Bool(_) | Cell::Text(_) | Cell::Json(_) | Cell::Time { .. } => {
                (0, NO_SCALE)
            }
        };
        self.count += 1;
        if self.scale == NO_SCALE {
            self.scale = scale;
        }
        match self.exact.checked_add(unscaled) {
            Some(sum) if scale == self.scale && scale != NO_SCALE => {
                self.exact = sum;
                self.numbers += 1;
            }
            _ => {
                let Some(number) = cell.as_number(texts) else { return };
                self.numbers += 1;
                self.float += number;
                self.is_exact = false;
            }
        }
    }

    pub(super) fn sum(&self) -> Cell {
        match (self.scale, self.is_exact) {
            (0, true) => Cell::Int(self.exact),
            (scale, true) if scale != NO_SCALE => Cell::Decimal { unscaled: self.exact, scale },
            _ => Cell::Float(self.total()),
        }
    }

    pub(super) fn total(&self) -> f64 {
        let scale = if self.scale == NO_SCALE { 0 } else { self.scale };
        self.float + scaled(self.exact, scale)
    }
}

/// The values of a group in one column, each times its weight, and the weights.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weighted {
    products: f64,
    weights: f64,
}

impl Weighted {
    /// Adds a value; without a value or a weight, a row does not count.
    pub(super) fn add(&mut self, value: Cell, weight: Cell, texts: &TextPages) {
        if let (Some(value), Some(weight)) = (value.as_number(texts), weight.as_number(texts)) {
            self.products += value * weight;
            self.weights += weight;
        }
    }

    pub(super) fn average(&self) -> Cell {
        if self.weights > 0.0 { Cell::Float(self.products / self.weights) } else { Cell::Null }
    }
}

/// No number with a scale was added.
const NO_SCALE: u8 = u8::MAX;

/// The least and the greatest number of a group in one column; nulls if there is none.
pub(super) type Extremes = [Cell; 2];

pub(super) fn widen([least, greatest]: &mut Extremes, cell: Cell, texts: &TextPages) {
    if cell.as_number(texts).is_none() {
        return;
    }
    if *least == Cell::Null || cell.order(*least, texts).is_lt() {
        *least = cell;
    }
    if *greatest == Cell::Null || cell.order(*greatest, texts).is_gt() {
        *greatest = cell;
    }
}
