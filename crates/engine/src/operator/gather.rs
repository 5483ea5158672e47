//! Columns of rows in another order, or with repetitions, built from the rows that an operator was given.
//!
//! ```text
//! column   [x] [y] [z]        places   0 0 2 2
//! gathered [x] [x] [z] [z]
//! ```
//!
//! Texts are not copied: the gathered column refers to the buffer of the original column. Dictionary codes
//! become texts, since a consumer may get rows of several dictionaries.

use crate::column::{Numbers, Texts, View};
use crate::dictionary::NULL_CODE;
use crate::evaluate::Vector;

/// Reusable buffers for one gathered column.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    flags: Vec<u8>,
    whole: Numbers<i64>,
    doubles: Numbers<f64>,
    wide: Numbers<i128>,
    texts: Texts,
}

impl Gathered {
    /// Returns the values of a column at these places.
    pub fn gather<'a>(&'a mut self, column: Vector<'a>, places: &[u32]) -> Vector<'a> {
        match column {
            Vector::Const(value) => Vector::Const(value),
            Vector::Bool(flags) => {
                pick(flags, places, &mut self.flags);
                Vector::Bool(&self.flags)
            }
            Vector::Int { values, valid } => {
                pick_numbers(values, valid, places, &mut self.whole);
                Vector::Int { values: &self.whole.values, valid: &self.whole.valid }
            }
            Vector::Double { values, valid } => {
                pick_numbers(values, valid, places, &mut self.doubles);
                Vector::Double { values: &self.doubles.values, valid: &self.doubles.valid }
            }
            Vector::Wide { values, valid } => {
                pick_numbers(values, valid, places, &mut self.wide);
                Vector::Wide { values: &self.wide.values, valid: &self.wide.valid }
            }
            Vector::Text { views, data } => {
                pick(views, places, &mut self.texts.views);
                Vector::Text { views: &self.texts.views, data }
            }
            Vector::Bytes { views, data } => {
                pick(views, places, &mut self.texts.views);
                Vector::Bytes { views: &self.texts.views, data }
            }
            Vector::Coded { codes, dictionary } => {
                self.texts.reset(0);
                let mut last = (NULL_CODE, View::NULL);
                for &place in places {
                    let code = codes[place as usize];
                    if code != last.0 {
                        let text = (code != NULL_CODE).then(|| dictionary.bytes(code));
                        self.texts.push(text);
                        last = (code, self.texts.views[self.texts.views.len() - 1]);
                    } else {
                        self.texts.views.push(last.1);
                    }
                }
                Vector::Text { views: &self.texts.views, data: &self.texts.data }
            }
        }
    }

    /// Returns the bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.flags.capacity()
            + self.whole.values.capacity() * (size_of::<i64>() + 1)
            + self.doubles.values.capacity() * (size_of::<f64>() + 1)
            + self.wide.values.capacity() * (size_of::<i128>() + 1)
            + self.texts.views.capacity() * size_of::<View>()
            + self.texts.data.capacity()
    }
}

fn pick<T: Copy>(values: &[T], places: &[u32], out: &mut Vec<T>) {
    out.clear();
    out.extend(places.iter().map(|&place| values[place as usize]));
}

fn pick_numbers<T: Copy>(values: &[T], valid: &[u8], places: &[u32], out: &mut Numbers<T>) {
    pick(values, places, &mut out.values);
    pick(valid, places, &mut out.valid);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Coded, Column};
    use types::{Repr, Scalar};

    #[test]
    fn values_are_those_of_their_places() {
        let values = [
            (Column::new(Repr::Bool), [Scalar::Bool(true), Scalar::Null, Scalar::Bool(false)]),
            (Column::new(Repr::Int), [Scalar::Int(7), Scalar::Null, Scalar::Int(-7)]),
            (Column::new(Repr::Double), [Scalar::Double(0.5), Scalar::Null, Scalar::Double(2.0)]),
            (Column::new(Repr::Wide), [Scalar::Wide(1 << 80), Scalar::Null, Scalar::Wide(3)]),
            (Column::new(Repr::Text), [Scalar::Text("a"), Scalar::Null, Scalar::Text("long")]),
            (Column::new(Repr::Bytes), [Scalar::Bytes(b"a"), Scalar::Null, Scalar::Bytes(b"")]),
            (Column::Coded(Coded::default()), [Scalar::Text("a"), Scalar::Null, Scalar::Text("b")]),
        ];
        let places = [2, 2, 0, 1, 1, 0, 2];

        let mut buffer = Gathered::default();
        for (mut column, values) in values {
            values.iter().for_each(|&value| column.push(value));
            let gathered = buffer.gather(Vector::of(&column), &places);
            let given: Vec<Scalar<'_>> = (0..places.len()).map(|at| gathered.get(at)).collect();
            assert_eq!(given, places.map(|place| values[place as usize]));
        }
    }
}
