//! All values of each group, for percentiles.

/// A list of values per group.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    pub of: Vec<Vec<f64>>,
    /// Bytes of all lists, tracked as they grow, since counting them would visit every group.
    held: usize,
}

/// Bytes that the allocator takes for a list beside its values.
const OVERHEAD: usize = 16;

impl Lists {
    pub fn of(lists: Vec<Vec<f64>>) -> Lists {
        let held = lists.iter().map(bytes).sum();
        Lists { of: lists, held }
    }

    pub fn resize(&mut self, groups: usize) {
        let gone = self.of.get(groups..).unwrap_or_default();
        self.held -= gone.iter().map(bytes).sum::<usize>();
        self.of.resize_with(groups, Vec::new);
    }

    #[inline(always)]
    pub fn add(&mut self, group: usize, values: &[f64]) {
        let list = &mut self.of[group];
        if list.capacity() - list.len() < values.len() {
            let before = bytes(list);
            list.reserve(values.len());
            self.held += bytes(list) - before;
        }
        list.extend_from_slice(values);
    }

    pub fn memory_bytes(&self) -> usize {
        self.of.capacity() * size_of::<Vec<f64>>() + self.held
    }
}

fn bytes(list: &Vec<f64>) -> usize {
    if list.capacity() == 0 { 0 } else { list.capacity() * 8 + OVERHEAD }
}
