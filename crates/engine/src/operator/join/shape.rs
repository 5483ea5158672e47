//! The kind of a join, and the fields that matter to it.

use sql::plan::operator::{Input, JoinKey, JoinKind};
use types::{Repr, Scalar};

use super::output::StoredLayout;
use crate::operator::changes::Changes;
use crate::operator::fields;
use crate::row;

pub(crate) const LEFT: usize = 0;
pub(crate) const RIGHT: usize = 1;

/// A join that emits left rows only, depending on whether they have a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    Semi,
    Anti,
    Mark,
}

/// The output of a join, and the fields by which rows are partners.
pub(crate) struct JoinShape {
    /// Per side: whether a row without a partner is emitted with nulls.
    pub pads: [bool; 2],
    pub filter: Option<Filter>,
    pub keys: [Vec<usize>; 2],
    nulls_match: Vec<bool>,
    pub layouts: [StoredLayout; 2],
    pub widths: [usize; 2],
}

impl JoinShape {
    pub fn new(kind: JoinKind, keys: &[JoinKey], inputs: &[Input]) -> JoinShape {
        let pads = match kind {
            JoinKind::Left => [true, false],
            JoinKind::Right => [false, true],
            JoinKind::Full => [true, true],
            _ => [false, false],
        };
        let filter = match kind {
            JoinKind::Semi => Some(Filter::Semi),
            JoinKind::Anti => Some(Filter::Anti),
            JoinKind::Mark => Some(Filter::Mark),
            _ => None,
        };

        let fields: [Vec<usize>; 2] =
            [keys.iter().map(|key| key.left).collect(), keys.iter().map(|key| key.right).collect()];
        let widths = [inputs[LEFT].fields.len(), inputs[RIGHT].fields.len()];
        let layouts = [LEFT, RIGHT].map(|side| StoredLayout::new(widths[side], &fields[side]));
        let nulls_match = keys.iter().map(|key| key.nulls_match).collect();
        JoinShape { pads, filter, keys: fields, nulls_match, layouts, widths }
    }

    /// Returns whether only pairs are emitted: no side is padded, and no side is emitted alone.
    pub fn gives_pairs_alone(&self) -> bool {
        self.filter.is_none() && self.pads == [false, false]
    }

    /// Returns per side whether each row has a number of partners.
    pub fn tracks(&self) -> [bool; 2] {
        [self.pads[LEFT] || self.filter.is_some(), self.pads[RIGHT]]
    }

    /// Returns the representations of the output fields.
    pub fn output(&self, inputs: &[Input]) -> Vec<Repr> {
        let mut reprs = fields::reprs(&inputs[LEFT].fields);
        match self.filter {
            Some(Filter::Semi | Filter::Anti) => {}
            Some(Filter::Mark) => reprs.push(Repr::Bool),
            None => reprs.extend(fields::reprs(&inputs[RIGHT].fields)),
        }
        reprs
    }

    /// Replaces `key` by the key of a row; returns false if a null in it keeps the row from having partners.
    #[inline]
    pub fn write_key(&self, side: usize, rows: &Changes<'_>, at: usize, key: &mut Vec<u8>) -> bool {
        key.clear();
        self.append_key(side, rows, at, key)
    }

    /// Appends the key of a row to `keys`; returns false if a null in it keeps the row from having partners.
    #[inline]
    pub fn append_key(&self, side: usize, rows: &Changes<'_>, at: usize, keys: &mut Vec<u8>) -> bool {
        for (&field, &nulls_match) in self.keys[side].iter().zip(&self.nulls_match) {
            let value = rows.get(field, at);
            if value.is_null() && !nulls_match {
                return false;
            }
            row::write(value, keys);
        }
        true
    }

    /// Replaces `key` by the key of a row including its nulls; returns false if a null keeps the row from
    /// having partners.
    #[inline]
    pub fn write_whole_key(&self, side: usize, rows: &Changes<'_>, at: usize, key: &mut Vec<u8>) -> bool {
        key.clear();
        let mut may_match = true;
        for (&field, &nulls_match) in self.keys[side].iter().zip(&self.nulls_match) {
            let value = rows.get(field, at);
            may_match &= nulls_match || !value.is_null();
            row::write(value, key);
        }
        may_match
    }

    /// Returns whether rows with this key may have partners: a null in the key may prevent it.
    pub fn may_match(&self, key: &[u8]) -> bool {
        row::Reader::new(key)
            .zip(&self.nulls_match)
            .all(|(value, &nulls_match)| nulls_match || !value.is_null())
    }

    /// Replaces `out` by the stored form of a row.
    #[inline]
    pub fn write_row(&self, side: usize, rows: &Changes<'_>, at: usize, out: &mut Vec<u8>) {
        out.clear();
        row::write_fields(rows.columns, self.layouts[side].stored(), at, out);
    }

    /// Returns the values of a stored row that is a partner of row `at` of `rows`, which belong to the other
    /// side.
    #[inline]
    pub fn stored<'v>(
        &'v self,
        side: usize,
        stored: &'v [u8],
        rows: &'v Changes<'_>,
        at: usize,
    ) -> impl Iterator<Item = Scalar<'v>> + Clone + use<'v> {
        let keys = &self.keys[1 - side];
        self.layouts[side].values(stored, move |place| rows.get(keys[place], at))
    }

    /// Returns the values of a stored row under a key.
    #[inline]
    pub fn keyed<'v>(
        &'v self,
        side: usize,
        stored: &'v [u8],
        key: &'v [u8],
    ) -> impl Iterator<Item = Scalar<'v>> + Clone + use<'v> {
        let value = move |place| row::Reader::new(key).nth(place).unwrap_or(Scalar::Null);
        self.layouts[side].values(stored, value)
    }
}

/// Returns all values of an input row.
#[inline]
pub(crate) fn values<'v>(
    rows: &Changes<'v>,
    at: usize,
) -> impl Iterator<Item = Scalar<'v>> + Clone + use<'v> {
    let columns = rows.columns;
    columns.iter().map(move |column| column.get(at))
}
