//! Partitions the rows of a batch by slice.

use crate::layout::align;
use crate::selection::Selection;

/// Partitions rows by slice; its buffers are reused.
#[derive(Debug, Default)]
pub(crate) struct SlicePartitioner {
    parts: Vec<SlicePart>,
    /// Rows, slice by slice, ascending within each.
    order: Vec<u32>,
    counts: Vec<u32>,
}

/// The rows of a slice: a range of the order.
#[derive(Debug, Clone, Copy)]
struct SlicePart {
    slice_end: i64,
    start: usize,
    end: usize,
}

/// Ranges of at most this many slices use a counting sort; wider ones are sorted by comparison.
const COUNTED: i64 = 4096;

impl SlicePartitioner {
    /// Partitions rows into slices of `step` on the grid of `offset`, and calls `each` with each slice's end
    /// and rows.
    pub fn for_each<E>(
        &mut self,
        wall: &[i64],
        rows: Selection<'_>,
        step: i64,
        offset: i64,
        mut each: impl FnMut(i64, Selection<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        rows.for_each(|_, row| {
            least = least.min(wall[row]);
            greatest = greatest.max(wall[row]);
        });

        if rows.is_empty() {
            return Ok(());
        }
        let first = align(least, step, offset);
        let last = align(greatest, step, offset);
        if first == last {
            return each(first + step, rows);
        }
        self.parts.clear();
        let slices = (last - first) / step + 1;

        if slices <= COUNTED {
            self.count_out(wall, rows, first, step, slices as usize);
        } else {
            self.sort_out(wall, rows, step, offset);
        }

        for part in &self.parts {
            each(part.slice_end, Selection::Selected(&self.order[part.start..part.end]))?;
        }
        Ok(())
    }

    fn count_out(&mut self, wall: &[i64], rows: Selection<'_>, first: i64, step: i64, slices: usize) {
        self.counts.clear();
        self.counts.resize(slices, 0);
        let slice = |row: usize| ((wall[row] - first) / step) as usize;
        rows.for_each(|_, row| self.counts[slice(row)] += 1);
        let mut start = 0;

        for (index, count) in self.counts.iter_mut().enumerate() {
            let end = start + *count as usize;
            if *count > 0 {
                self.parts.push(SlicePart { slice_end: first + (index as i64 + 1) * step, start, end });
            }
            *count = start as u32;
            start = end;
        }

        self.order.clear();
        self.order.resize(rows.len(), 0);

        rows.for_each(|_, row| {
            let next = &mut self.counts[slice(row)];
            self.order[*next as usize] = row as u32;
            *next += 1;
        });
    }

    fn sort_out(&mut self, wall: &[i64], rows: Selection<'_>, step: i64, offset: i64) {
        self.order.clear();
        rows.for_each(|_, row| self.order.push(row as u32));
        let slice = |row: u32| align(wall[row as usize], step, offset) + step;
        // The sort is stable: rows stay ascending.
        self.order.sort_by_key(|&row| slice(row));
        let mut start = 0;
        for run in self.order.chunk_by(|&a, &b| slice(a) == slice(b)) {
            self.parts.push(SlicePart { slice_end: slice(run[0]), start, end: start + run.len() });
            start += run.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_row_is_in_its_slice_once(
            wall in prop::collection::vec(-100_000i64..10_000_000, 1..200),
            step in 1i64..50_000,
            offset in -500i64..500,
        ) {
            let mut seen = vec![];
            SlicePartitioner::default()
                .for_each(&wall, Selection::All(wall.len()), step, offset, |end, rows| {
                    let mut last = None;
                    rows.for_each(|_, row| {
                        assert!(end - step <= wall[row] && wall[row] < end);
                        assert!(last < Some(row));
                        last = Some(row);
                        seen.push(row);
                    });
                    Ok::<(), ()>(())
                })
                .unwrap();

            seen.sort_unstable();
            prop_assert_eq!(seen, (0..wall.len()).collect::<Vec<usize>>());
        }
    }
}
