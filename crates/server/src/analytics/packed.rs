//! A column of whole numbers, in as few bytes as their range needs.
//!
//! A run of rows spans some hours, not all of time, and its counts are small. So a value is stored as its
//! distance from a base, and all distances in the narrowest width that holds the largest. Where all values
//! are equal, only the base is stored. Values that are all multiples of the column's grain are divided by it
//! first: times are microseconds, and nearly always whole seconds.
//!
//! ```text
//! values    11:30:00  11:30:00  11:30:20  11:31:00        value = (base + offset) * unit
//! unit      1 s
//! base      11:30:00
//! offsets   0         0         20        60              one byte each instead of eight
//! ```
//!
//! A value that does not fit makes the column be rewritten, wider if need be. The new base leaves as much
//! room below the lowest value as above the highest. So a column that grows at both ends is not rewritten for
//! each value: the remaining room halves each time, and the next width comes after at most 32 times.

/// The width of an offset, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Zero = 0,
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    /// Returns the largest offset.
    fn max(self) -> u64 {
        match self {
            Width::Zero => 0,
            Width::One => u8::MAX.into(),
            Width::Two => u16::MAX.into(),
            Width::Four => u32::MAX.into(),
            Width::Eight => u64::MAX,
        }
    }

    fn of(offset: u64) -> Width {
        let narrow = [Width::Zero, Width::One, Width::Two, Width::Four];
        narrow.into_iter().find(|width| offset <= width.max()).unwrap_or(Width::Eight)
    }
}

/// Conversion of values to offsets. Arithmetic wraps around, so that any base works for any value.
#[derive(Debug, Clone, Copy)]
struct Form {
    unit: i64,
    base: i64,
    width: Width,
}

impl Form {
    /// Returns the narrowest form for these values.
    fn of(grain: i64, values: impl Iterator<Item = i64> + Clone) -> Form {
        let all_whole = grain != 1 && values.clone().all(|value| value % grain == 0);
        let unit = if all_whole { grain } else { 1 };
        let lowest = values.clone().min().unwrap_or(0) / unit;
        let highest = values.max().unwrap_or(0) / unit;
        let width = Width::of(highest.abs_diff(lowest));

        // Counts are not negative. Zero as their base leaves the room above them.
        let base = if lowest >= 0 && highest.unsigned_abs() <= width.max() {
            0
        } else {
            let room = width.max() - highest.abs_diff(lowest);
            lowest.wrapping_sub_unsigned(room / 2)
        };
        Form { unit, base, width }
    }

    fn fits(&self, value: i64) -> bool {
        (self.unit == 1 || value % self.unit == 0) && self.offset(value) <= self.width.max()
    }

    /// Returns the offset of a value that fits.
    fn offset(&self, value: i64) -> u64 {
        // A division takes longer than all the rest.
        let units = if self.unit == 1 { value } else { value / self.unit };
        units.wrapping_sub(self.base).cast_unsigned()
    }

    fn value(&self, offset: u64) -> i64 {
        self.base.wrapping_add_unsigned(offset).wrapping_mul(self.unit)
    }
}

/// A column of whole numbers. Reads return exactly the values that were written.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    /// Divisor of the values if all are multiples of it; at least 1.
    grain: i64,
    form: Form,
    len: usize,
    /// The offsets, least significant byte first.
    bytes: Vec<u8>,
}

impl Packed {
    /// Returns an empty column. `grain` is at least 1: a number of which the values are likely to be
    /// multiples.
    pub(crate) fn new(grain: i64) -> Packed {
        Packed::of(grain, std::iter::empty())
    }

    /// Returns a column in no more memory than these values need.
    fn of(grain: i64, values: impl Iterator<Item = i64> + Clone) -> Packed {
        let form = Form::of(grain, values.clone());
        let bytes = Vec::with_capacity(values.clone().count() * form.width as usize);
        let mut packed = Packed { grain, form, len: 0, bytes };
        for value in values {
            packed.push(value);
        }
        packed
    }

    /// Returns the bytes on the heap.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns a value. Panics if there is no such row.
    pub(crate) fn get(&self, at: usize) -> i64 {
        assert!(at < self.len, "row {at} of {}", self.len);
        let offset = match self.form.width {
            Width::Zero => 0,
            Width::One => self.bytes[at].into(),
            Width::Two => u16::from_le_bytes(self.chunks()[at]).into(),
            Width::Four => u32::from_le_bytes(self.chunks()[at]).into(),
            Width::Eight => u64::from_le_bytes(self.chunks()[at]),
        };
        self.form.value(offset)
    }

    pub(crate) fn last(&self) -> Option<i64> {
        self.len.checked_sub(1).map(|at| self.get(at))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + Clone {
        (0..self.len).map(|at| self.get(at))
    }

    /// Fills `values` with the rows from `from` on, much faster than one by one. Panics if there are too few.
    pub(crate) fn read(&self, from: usize, values: &mut [i64]) {
        let rows = from..from + values.len();
        assert!(rows.end <= self.len, "rows {rows:?} of {}", self.len);
        let form = self.form;
        match form.width {
            Width::Zero => values.fill(form.value(0)),
            Width::One => fill(values, &self.bytes[rows], |byte| form.value((*byte).into())),
            Width::Two => {
                fill(values, &self.chunks()[rows], |bytes| form.value(u16::from_le_bytes(*bytes).into()));
            }
            Width::Four => {
                fill(values, &self.chunks()[rows], |bytes| form.value(u32::from_le_bytes(*bytes).into()));
            }
            Width::Eight => {
                fill(values, &self.chunks()[rows], |bytes| form.value(u64::from_le_bytes(*bytes)));
            }
        }
    }

    /// Counts the rows for which `holds` is true. They must precede all others.
    pub(crate) fn partition_point(&self, holds: impl Fn(i64) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low.midpoint(high);
            if holds(self.get(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(crate) fn push(&mut self, value: i64) {
        self.insert(self.len, value);
    }

    /// Inserts a value. Panics if `at` is beyond the end.
    pub(crate) fn insert(&mut self, at: usize, value: i64) {
        assert!(at <= self.len, "row {at} of {}", self.len);
        let offset = self.offset_for(value).to_le_bytes();
        let width = self.form.width as usize;

        let place = at * width;
        reserve(&mut self.bytes, width);
        if place == self.bytes.len() {
            self.bytes.extend_from_slice(&offset[..width]);
        } else {
            self.bytes.splice(place..place, offset[..width].iter().copied());
        }
        self.len += 1;
    }

    /// Overwrites a value. Panics if there is no such row.
    pub(crate) fn set(&mut self, at: usize, value: i64) {
        assert!(at < self.len, "row {at} of {}", self.len);
        let offset = self.offset_for(value).to_le_bytes();
        let width = self.form.width as usize;
        self.bytes[at * width..][..width].copy_from_slice(&offset[..width]);
    }

    /// Removes the value of a row that exists.
    pub(crate) fn remove(&mut self, at: usize) {
        let width = self.form.width as usize;
        self.bytes.drain(at * width..at * width + width);
        self.len -= 1;
    }

    /// Returns the rows at these indexes in their order, in no more memory than they need.
    pub(crate) fn gather(&self, rows: &[u32]) -> Packed {
        Packed::of(self.grain, rows.iter().map(|at| self.get(*at as usize)))
    }

    /// Replaces each value by the result of `change`.
    pub(crate) fn map(&mut self, change: impl FnMut(i64) -> i64) {
        let values: Vec<i64> = self.iter().map(change).collect();
        *self = Packed::of(self.grain, values.into_iter());
    }

    /// Returns the offset of a value to be written, having widened the column if the value does not fit.
    fn offset_for(&mut self, value: i64) -> u64 {
        if !self.form.fits(value) {
            let form = Form::of(self.grain, self.iter().chain(std::iter::once(value)));
            let bytes = Vec::with_capacity((self.len + 1) * form.width as usize);
            let mut wider = Packed { grain: self.grain, form, len: 0, bytes };
            self.iter().for_each(|value| wider.push(value));
            *self = wider;
        }
        self.form.offset(value)
    }

    fn chunks<const N: usize>(&self) -> &[[u8; N]] {
        self.bytes.as_chunks().0
    }
}

/// Reserves room for more values. A column grows by an eighth, where a vector would double.
pub(crate) fn reserve<T>(column: &mut Vec<T>, more: usize) {
    if column.capacity() - column.len() < more {
        column.reserve_exact(more.max(column.len() / 8).max(8));
    }
}

fn fill<T>(values: &mut [i64], offsets: &[T], value: impl Fn(&T) -> i64) {
    for (value_of_row, offset) in values.iter_mut().zip(offsets) {
        *value_of_row = value(offset);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn packed(grain: i64, values: &[i64]) -> Packed {
        let mut packed = Packed::new(grain);
        values.iter().for_each(|value| packed.push(*value));
        packed
    }

    fn width(packed: &Packed) -> usize {
        packed.form.width as usize
    }

    #[test]
    fn a_value_takes_as_many_bytes_as_the_range_of_all_needs() {
        let noon = 1_765_281_600 * SECOND;
        for (values, expected) in [
            (vec![noon; 3], 0),
            (vec![0, 255], 1),
            (vec![-3, 252], 1),
            (vec![0, 256], 2),
            (vec![noon, noon + 65_535 * SECOND], 2),
            (vec![noon + 65_536 * SECOND, noon], 4),
            (vec![noon, noon + 1], 1),
            (vec![noon, noon + 3_600 * SECOND, noon + 1], 4),
            (vec![0, i64::from(u32::MAX)], 4),
            (vec![0, i64::from(u32::MAX) + 1], 8),
            (vec![i64::MIN, i64::MAX], 8),
            (vec![i64::MIN, noon], 8),
        ] {
            let column = packed(SECOND, &values);
            assert_eq!(width(&column), expected, "{values:?}");
            assert_eq!(column.iter().collect::<Vec<_>>(), values);
        }
    }

    #[test]
    fn gathered_rows_hold_nothing_for_more_rows_nor_for_those_left_out() {
        let mut column = packed(1, &[5; 100]);
        column.push(1_000);
        column.push(6);
        assert!(width(&column) == 2 && column.memory_bytes() > 102 * 2);

        let column = column.gather(&[0, 1, 101]);
        assert_eq!((width(&column), column.memory_bytes()), (1, 3));
        let column = column.gather(&[0, 1]);
        assert_eq!((width(&column), column.memory_bytes()), (0, 0));
        assert_eq!(column.iter().collect::<Vec<_>>(), [5, 5]);
    }

    #[test]
    fn growing_at_both_ends_writes_a_column_anew_few_times() {
        for directions in [&[1][..], &[-1], &[1, -1]] {
            let mut column = Packed::new(1);
            let mut written = 0;
            for n in 0..100_000_i64 {
                let before = column.form.base;
                column.push(-7 + n * directions[n as usize % directions.len()]);
                written += usize::from(column.form.base != before);
            }
            assert!(written <= 8 + 16 + 32, "{directions:?}: {written} times");
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(i64),
        Insert(prop::sample::Index, i64),
        Set(prop::sample::Index, i64),
        Gather(Vec<prop::sample::Index>),
        Map(i64),
    }

    fn value() -> impl Strategy<Value = i64> {
        prop_oneof![
            40 => 0i64..300,
            4 => -70_000i64..70_000,
            4 => (0i64..100_000).prop_map(|seconds| seconds * SECOND),
            2 => prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX)],
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        let at = any::<prop::sample::Index>;
        prop_oneof![
            20 => value().prop_map(Step::Push),
            10 => (at(), value()).prop_map(|(at, value)| Step::Insert(at, value)),
            10 => (at(), value()).prop_map(|(at, value)| Step::Set(at, value)),
            1 => prop::collection::vec(at(), 0..80).prop_map(Step::Gather),
            1 => (0i64..70_000).prop_map(Step::Map),
        ]
    }

    proptest! {
        #[test]
        fn a_column_gives_back_what_a_plain_one_does(
            grain in prop_oneof![Just(1), Just(SECOND)],
            steps in prop::collection::vec(step(), 0..200),
        ) {
            let (mut column, mut plain) = (Packed::new(grain), Vec::new());
            for step in steps {
                match step {
                    Step::Push(value) => {
                        column.push(value);
                        plain.push(value);
                    }
                    Step::Insert(at, value) => {
                        let at = at.index(plain.len() + 1);
                        column.insert(at, value);
                        plain.insert(at, value);
                    }
                    Step::Set(at, value) if !plain.is_empty() => {
                        column.set(at.index(plain.len()), value);
                        *at.get_mut(&mut plain) = value;
                    }
                    Step::Gather(rows) if !plain.is_empty() => {
                        let rows: Vec<u32> = rows.iter().map(|at| at.index(plain.len()) as u32).collect();
                        column = column.gather(&rows);
                        plain = rows.iter().map(|at| plain[*at as usize]).collect();
                        prop_assert_eq!(column.memory_bytes(), plain.len() * width(&column));
                    }
                    Step::Set(..) | Step::Gather(_) => {}
                    Step::Map(more) => {
                        column.map(|value| value.wrapping_add(more));
                        plain.iter_mut().for_each(|value| *value = value.wrapping_add(more));
                    }
                }

                prop_assert_eq!(column.last(), plain.last().copied());
                prop_assert_eq!(column.iter().collect::<Vec<_>>(), plain.clone());
                let from = plain.len() / 3;
                let mut read = vec![0; plain.len() - from];
                column.read(from, &mut read);
                prop_assert_eq!(&read, &plain[from..]);
            }

            plain.sort_unstable();
            let column = packed(grain, &plain);
            for value in plain.iter().copied().chain([0, 300]) {
                prop_assert_eq!(column.partition_point(|v| v < value), plain.partition_point(|v| *v < value));
                prop_assert_eq!(column.partition_point(|v| v <= value), plain.partition_point(|v| *v <= value));
            }
        }
    }
}
