//! `IN` over literals.

use hashbrown::HashSet;
use types::{Scalar, Value};

use super::compare::is;
use crate::column::tri;
use crate::evaluate::select::map;
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

/// Up to this many texts are compared one after the other.
const FEW_TEXTS: usize = 8;

/// The values of an `IN`, all of one representation.
pub(crate) struct Set {
    members: Members,
    /// The result without a match: null if the values include a null.
    no_match: u8,
}

enum Members {
    /// Sorted.
    Ints(Vec<i64>),
    /// ASCII characters, as bits.
    Characters(u128),
    FewTexts(Vec<Vec<u8>>),
    Texts(HashSet<Vec<u8>, foldhash::fast::RandomState>),
    Other(Vec<Value>),
}

impl Set {
    pub(crate) fn new(values: &[Value], has_null: bool) -> Set {
        let mut ints = Vec::new();
        let mut texts = Vec::new();

        for value in values {
            match value {
                Value::Int(value) => ints.push(*value),
                Value::Text(text) => texts.push(text.clone().into_bytes()),
                _ => {}
            }
        }

        let members = if ints.len() == values.len() {
            ints.sort_unstable();
            Members::Ints(ints)
        } else if texts.len() < values.len() {
            Members::Other(values.to_vec())
        } else if texts.iter().all(|text| text.len() == 1) {
            Members::Characters(texts.iter().fold(0, |bits, text| bits | 1 << text[0]))
        } else if texts.len() <= FEW_TEXTS {
            Members::FewTexts(texts)
        } else {
            Members::Texts(texts.into_iter().collect())
        };

        Set { members, no_match: if has_null { tri::NULL } else { tri::FALSE } }
    }

    /// Returns whether the set holds a value; `None` is null.
    pub(crate) fn holds(&self, value: Scalar<'_>) -> Option<bool> {
        match self.check(value) {
            tri::NULL => None,
            truth => Some(truth == tri::TRUE),
        }
    }

    fn check(&self, value: Scalar<'_>) -> u8 {
        let found = match (&self.members, value) {
            (_, Scalar::Null) => return tri::NULL,
            (Members::Ints(ints), Scalar::Int(value)) => ints.binary_search(&value).is_ok(),
            (Members::Other(values), value) => {
                values.iter().any(|other| value.compare(other.as_scalar()).is_some_and(|order| order.is_eq()))
            }
            (_, Scalar::Text(text)) => return self.check_text(text.as_bytes()),
            _ => false,
        };
        self.outcome(found)
    }

    #[inline(always)]
    fn outcome(&self, found: bool) -> u8 {
        if found { tri::TRUE } else { self.no_match }
    }

    #[inline(always)]
    fn check_text(&self, text: &[u8]) -> u8 {
        let found = match &self.members {
            Members::Characters(bits) => matches!(*text, [byte] if byte < 128 && bits >> byte & 1 == 1),
            Members::FewTexts(texts) => texts.iter().any(|other| is(text, other)),
            Members::Texts(texts) => texts.contains(text),
            Members::Ints(_) | Members::Other(_) => false,
        };
        self.outcome(found)
    }
}

pub(crate) fn contains(rows: Selection<'_>, set: &Set, input: Vector<'_>, out: &mut [u8]) {
    match (&set.members, input) {
        (Members::Ints(ints), Vector::Int { values, valid }) => {
            match ints.as_slice() {
                // A few values are all compared, without a branch.
                few @ ([] | [_] | [_, _] | [_, _, _] | [_, _, _, _]) => map(rows, values, out, |value| {
                    set.outcome(few.iter().fold(false, |found, other| found | (value == *other)))
                }),
                many => map(rows, values, out, |value| set.outcome(many.binary_search(&value).is_ok())),
            }
            rows.mask(valid, out);
        }
        (Members::Characters(_) | Members::FewTexts(_) | Members::Texts(_), Vector::Text { views, data }) => {
            rows.each(|row| out[row] = views[row].of(data).map_or(tri::NULL, |text| set.check_text(text)));
        }
        _ => rows.each(|row| out[row] = set.check(input.get(row))),
    }
}
