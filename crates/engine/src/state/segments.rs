//! A list that grows without moving its elements: segments of equal length. Only the first segment grows like
//! a `Vec`, so that a short list is small.

use crate::aggregate::keys::prefetch;

/// The number of elements of a segment: a power of two.
const SEGMENT: usize = 1 << 10;

#[derive(Debug)]
pub(super) struct Segments<T> {
    /// All but the last are full, and the last is not empty.
    segments: Vec<Vec<T>>,
    length: usize,
}

impl<T> Segments<T> {
    pub fn new() -> Segments<T> {
        Segments { segments: Vec::new(), length: 0 }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.segments.get(at / SEGMENT)?.get(at % SEGMENT)
    }

    #[inline]
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.segments.get_mut(at / SEGMENT)?.get_mut(at % SEGMENT)
    }

    /// Prefetches the memory of an element.
    #[inline]
    pub fn prefetch(&self, at: usize) {
        if let Some(segment) = self.segments.get(at / SEGMENT) {
            prefetch(segment, at % SEGMENT);
            // The last byte of the element, which may be in another cache line.
            prefetch(segment, at % SEGMENT + 1);
        }
    }

    /// Appends an element.
    #[inline]
    pub fn push(&mut self, element: T) {
        if self.length.is_multiple_of(SEGMENT) {
            let capacity = if self.segments.is_empty() { 0 } else { SEGMENT };
            self.segments.push(Vec::with_capacity(capacity));
        }
        if let Some(last) = self.segments.last_mut() {
            last.push(element);
        }
        self.length += 1;
    }

    /// Removes an element; the last one takes its place.
    pub fn swap_remove(&mut self, at: usize) -> Option<T> {
        let last = self.segments.last_mut()?.pop()?;
        self.length -= 1;
        if self.segments.last().is_some_and(Vec::is_empty) {
            self.segments.pop();
        }
        match self.get_mut(at) {
            Some(element) => Some(std::mem::replace(element, last)),
            None => Some(last),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flatten()
    }

    pub fn into_iter(self) -> impl Iterator<Item = T> {
        self.segments.into_iter().flatten()
    }

    /// Returns the bytes held.
    pub fn memory_bytes(&self) -> usize {
        let elements: usize = match self.segments.as_slice() {
            [] => 0,
            [only] => only.capacity(),
            several => several.len() * SEGMENT,
        };
        elements * size_of::<T>() + self.segments.capacity() * size_of::<Vec<T>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_are_until_one_is_taken_out() {
        let mut list = Segments::new();
        (0..3_000).for_each(|number| list.push(number));
        assert!((0..3_000).all(|at| list.get(at) == Some(&at)));
        assert!(list.get(3_000).is_none());

        assert_eq!(list.swap_remove(5), Some(5));
        assert_eq!((list.get(5), list.len()), (Some(&2_999), 2_999));
        assert_eq!(list.swap_remove(2_998), Some(2_998));
        while list.len() > 1_000 {
            list.swap_remove(0);
        }
        assert_eq!(list.iter().count(), 1_000);
        assert!(list.memory_bytes() < 3 * SEGMENT * size_of::<usize>());

        let mut left: Vec<usize> = list.into_iter().collect();
        left.dedup();
        assert_eq!(left.len(), 1_000);
    }
}
