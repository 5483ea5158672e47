//! Pairs as columns. A pair consists of an input row and a row stored on the other side.
//!
//! Fields of input rows are gathered from their columns, so that texts are not copied. Fields of stored rows
//! are decoded directly into columns. Only the fields that are read are built:
//!
//! ```text
//! input rows    [a] [b]          stored, by pair   (x, 7) (y, 8) (z, 9)
//! pairs         (0, x 7) (0, y 8) (1, z 9)
//! columns       [a a b] gathered   [x y z] [7 8 9] decoded
//! ```

use types::{Repr, Scalar};

use super::shape::{JoinShape, LEFT};
use crate::column::Column;
use crate::evaluate::Vector;
use crate::operator::changes::Changes;
use crate::operator::copy::push_stored;
use crate::operator::gather::Gathered;
use crate::row::Reader;

/// An input row and a partner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'s> {
    pub at: u32,
    /// The number of copies of the partner.
    pub count: u64,
    pub stored: &'s [u8],
}

/// Builds the columns of pairs; see the module documentation.
pub(super) struct PairColumns {
    /// Indexed by the side of the input rows.
    sources: [PairSources; 2],
    /// One per field of a pair.
    gathered: Vec<Gathered>,
    decoded: Vec<Column>,
}

/// The sources of the fields of a pair.
struct PairSources {
    /// One per field of a pair.
    fields: Vec<FieldSource>,
    /// Per field of a stored row, up to the last that is read: the field of the pair that it becomes.
    stored: Vec<Option<usize>>,
}

/// Where a field of a pair comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldSource {
    Unread,
    /// A field of the input row: one of its own, or a key field, which both rows have.
    Given(usize),
    Stored,
}

impl PairColumns {
    /// Creates the columns. `reprs` are the representations of a pair's fields; `reads` returns whether a
    /// field is read.
    pub fn new(shape: &JoinShape, reprs: &[Repr], reads: impl Fn(usize) -> bool) -> PairColumns {
        PairColumns {
            sources: [0, 1].map(|given| PairSources::new(shape, given, &reads)),
            gathered: reprs.iter().map(|_| Gathered::default()).collect(),
            decoded: reprs.iter().map(|&repr| Column::new(repr)).collect(),
        }
    }

    /// Returns the columns of pairs: `places` are those of the input rows, and `stored` their partners.
    pub fn fill<'a, 's>(
        &'a mut self,
        given: usize,
        rows: &'a Changes<'_>,
        places: &[u32],
        stored: impl Iterator<Item = &'s [u8]>,
    ) -> Vec<Vector<'a>> {
        let PairColumns { sources, gathered, decoded } = self;
        let sources = &sources[given];

        if !sources.stored.is_empty() {
            sources.stored.iter().flatten().for_each(|&field| decoded[field].reset(0));
            for row in stored {
                decode(row, &sources.stored, decoded);
            }
        }

        let fields = sources.fields.iter().zip(gathered).zip(&*decoded);
        let vectors = fields.map(|((source, gathered), decoded)| match *source {
            FieldSource::Unread => Vector::Const(Scalar::Null),
            FieldSource::Given(field) => gathered.gather(rows.columns[field], places),
            FieldSource::Stored => Vector::of(decoded),
        });
        vectors.collect()
    }

    pub fn memory_bytes(&self) -> usize {
        let gathered: usize = self.gathered.iter().map(Gathered::memory_bytes).sum();
        gathered + self.decoded.iter().map(Column::memory_bytes).sum::<usize>()
    }
}

impl PairSources {
    fn new(shape: &JoinShape, given: usize, reads: &impl Fn(usize) -> bool) -> PairSources {
        let first = |side: usize| if side == LEFT { 0 } else { shape.widths[LEFT] };
        let mut fields = vec![FieldSource::Unread; shape.widths.iter().sum()];
        for field in (0..shape.widths[given]).filter(|&field| reads(first(given) + field)) {
            fields[first(given) + field] = FieldSource::Given(field);
        }

        let other = 1 - given;
        let mut stored = Vec::new();
        for (field, origin) in shape.layouts[other].origins().iter().enumerate() {
            let of_pair = first(other) + field;
            let is_read = reads(of_pair);
            match origin {
                Some(place) if is_read => fields[of_pair] = FieldSource::Given(shape.keys[given][*place]),
                Some(_) => {}
                None => {
                    if is_read {
                        fields[of_pair] = FieldSource::Stored;
                    }
                    stored.push(is_read.then_some(of_pair));
                }
            }
        }

        stored.truncate(stored.iter().rposition(Option::is_some).map_or(0, |last| last + 1));
        PairSources { fields, stored }
    }
}

/// Adds the fields of a stored row to their columns. If the bytes end early, the remaining fields are null.
#[inline]
fn decode(row: &[u8], fields: &[Option<usize>], columns: &mut [Column]) {
    let mut reader = Reader::new(row);
    for field in fields {
        let value = reader.unchecked();
        if let Some(field) = *field {
            push_stored(&mut columns[field], value);
        }
    }
}
