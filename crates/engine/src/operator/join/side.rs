//! One side of a join: its rows by join key.
//!
//! A key with few rows holds them in a [`Packed`] run, a key with many in a [`RowTable`]. The two kinds of keys
//! are in two maps, so that the many small keys pay nothing for the few large ones. Rows are bags: equal rows
//! are one entry with a count. Stored rows lack the fields of the join key, which the map's key holds.
//!
//! ```text
//! few     k1 → [row]        k2 → [row row row]
//! many    k3 → slots and index of 100 000 rows
//! ```

#[cfg(test)]
mod tests;

use types::Interval;

use super::packed::{Packed, RowForm};
use super::row_table::RowTable;
use crate::row;
use crate::state::{EntryPlace, EntryStatus, Keyed, StateError, StateValue, StateWriter};

/// The rows of one side; see the module documentation.
pub(crate) struct Side {
    form: RowForm,
    few: Keyed<Packed>,
    many: Keyed<RowTable>,
    /// The tag of `few` in an image; the tag of `many` is the next number.
    tag: u8,
}

/// A range of a key's rows by place, from the first (inclusive) to the second (exclusive). Places of empty
/// slots count.
pub(crate) type PlaceRange = (usize, usize);

pub(crate) const ALL: PlaceRange = (0, usize::MAX);

impl Side {
    /// Creates a side. `side` is 0 or 1.
    pub fn new(form: RowForm, side: u8, ttl: Option<Interval>) -> Side {
        // A side in another form has other tags, so that its image is not mistaken for one of this form.
        let tag = side << 4 | u8::from(form.unique) << 3 | u8::from(form.tracks) << 2;
        Side { form, few: Keyed::new(ttl), many: Keyed::new(ttl), tag }
    }

    /// Returns the hash of a key, for either side.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.few.hash(key)
    }

    /// Returns whether a look-up mostly waits for memory.
    pub fn exceeds_caches(&self) -> bool {
        self.few.exceeds_caches()
    }

    /// Prefetches the rows of keys with these hashes: see [`Keyed::prefetch`].
    pub fn prefetch(&self, hashes: impl Iterator<Item = u64> + Clone) {
        self.few.prefetch(hashes, Packed::prefetch);
    }

    fn is_many(&self, key: &[u8], now_ms: i64) -> bool {
        !self.many.is_empty() && self.many.get(key, now_ms).is_some()
    }

    /// Adds a row. An existing equal row keeps its partners.
    pub fn add(&mut self, key: &[u8], row: &[u8], partners: u64, now_ms: i64) {
        self.add_hashed(self.hash(key), key, row, partners, now_ms);
    }

    /// As [`add`](Side::add), with the key's hash.
    pub fn add_hashed(&mut self, hash: u64, key: &[u8], row: &[u8], partners: u64, now_ms: i64) {
        if !self.many.is_empty()
            && let Some(EntryPlace { at, status: EntryStatus::Live }) = self.many.find(hash, key, now_ms)
            && let Some(table) = self.many.at(at)
        {
            let before = table.heap_bytes();
            table.add(row, 1, partners);
            let more = table.heap_bytes() as isize - before as isize;
            self.many.charge(more);
            self.many.written_at(at, now_ms);
            return;
        }

        let form = self.form;
        let outgrown = self.few.update_hashed(hash, key, now_ms, |kept| {
            let Some(packed) = kept else {
                *kept = Some(Packed::new(form, row, 1, partners));
                return None;
            };
            if packed.add(form, row, partners) {
                return None;
            }
            kept.take()
        });

        if let Some(packed) = outgrown {
            let mut table = RowTable::default();
            packed.entries(form).for_each(|entry| table.add(entry.row, entry.count, entry.partners));
            table.add(row, 1, partners);
            self.many.update(key, now_ms, |kept| *kept = Some(table));
        }
    }

    /// Removes a row; returns its number of partners, or `None` if there is no such row.
    pub fn remove(&mut self, key: &[u8], row: &[u8], now_ms: i64) -> Option<u64> {
        let form = self.form;
        if !self.is_many(key, now_ms) {
            return self.few.update(key, now_ms, |kept| {
                let (partners, is_empty) = kept.as_mut()?.remove(form, row)?;
                if is_empty {
                    *kept = None;
                }
                Some(partners)
            });
        }

        let (partners, shrunk) = self.many.update(key, now_ms, |kept| {
            let partners = kept.as_mut().and_then(|table| table.remove(row));
            let is_few = kept.as_ref().is_some_and(|table| match form.unique {
                true => table.total() <= 1,
                // This is well below the limit at which a list becomes a table, so that a key near the limit
                // does not move to and fro.
                false => table.len() <= 2 && table.row_bytes() <= 1_024,
            });
            (partners, if is_few { kept.take() } else { None })
        });
        if let Some(table) = shrunk.filter(|table| table.len() > 0) {
            let rows = table.rows_from(0).map(|(_, row, count, partners)| (row, count, partners));
            let packed = Packed::of(form, rows);
            self.few.update(key, now_ms, |kept| *kept = Some(packed));
        }
        partners
    }

    /// Returns the number of rows of a key, including copies.
    pub fn total(&self, key: &[u8], now_ms: i64) -> u64 {
        match self.few.get(key, now_ms) {
            Some(packed) => packed.entries(self.form).map(|entry| entry.count).sum(),
            None if self.many.is_empty() => 0,
            None => self.many.get(key, now_ms).map_or(0, RowTable::total),
        }
    }

    /// Calls `take` with the rows of a key, beginning at place `from`, until `take` returns that there is no
    /// room for another. Returns the place after the last row taken, and whether there are more.
    pub fn read(
        &self,
        key: &[u8],
        now_ms: i64,
        from: usize,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> (usize, bool) {
        if let Some(packed) = self.few.get(key, now_ms) {
            let mut entries = packed.entries(self.form).enumerate().skip(from).peekable();
            while let Some((at, entry)) = entries.next() {
                if !take(entry.row) {
                    return (at + 1, entries.peek().is_some());
                }
            }
            return (ALL.1, false);
        }
        if self.many.is_empty() {
            return (ALL.1, false);
        }
        let Some(table) = self.many.get(key, now_ms) else { return (ALL.1, false) };

        let mut rows = table.rows_from(from).peekable();
        while let Some((at, row, ..)) = rows.next() {
            if !take(row) {
                return (at + 1, rows.peek().is_some());
            }
        }
        (ALL.1, false)
    }

    /// Calls `change` with rows of a key in order of arrival: row, count and number of partners.
    pub fn visit<E>(
        &mut self,
        key: &[u8],
        now_ms: i64,
        places: PlaceRange,
        mut change: impl FnMut(&[u8], u64, &mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let form = self.form;
        if !form.tracks {
            return self.visit_untracked(key, now_ms, places, change);
        }

        if self.is_many(key, now_ms) {
            return self.many.update(key, now_ms, |kept| match kept {
                Some(table) => table.visit(places, change),
                None => Ok(()),
            });
        }
        self.few.update(key, now_ms, |kept| match kept {
            Some(packed) => packed.visit(form, places, &mut change),
            None => Ok(()),
        })
    }

    /// Calls `take` with all rows of a key and their counts, in order of arrival.
    pub fn partners<'s, E>(
        &'s self,
        hash: u64,
        key: &[u8],
        now_ms: i64,
        mut take: impl FnMut(&'s [u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(packed) = self.few.get_hashed(hash, key, now_ms) {
            for entry in packed.entries(self.form) {
                take(entry.row, entry.count)?;
            }
        } else if !self.many.is_empty()
            && let Some(table) = self.many.get_hashed(hash, key, now_ms)
        {
            for (_, row, count, _) in table.rows_from(0) {
                take(row, count)?;
            }
        }
        Ok(())
    }

    fn visit_untracked<E>(
        &self,
        key: &[u8],
        now_ms: i64,
        (from, to): PlaceRange,
        mut change: impl FnMut(&[u8], u64, &mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(packed) = self.few.get(key, now_ms) {
            for entry in packed.entries(self.form).take(to).skip(from) {
                change(entry.row, entry.count, &mut 0)?;
            }
        } else if !self.many.is_empty()
            && let Some(table) = self.many.get(key, now_ms)
        {
            for (_, row, count, _) in table.rows_from(from).take_while(|(at, ..)| *at < to) {
                change(row, count, &mut 0)?;
            }
        }
        Ok(())
    }

    pub fn expire(&mut self, now_ms: i64) {
        self.few.expire(now_ms);
        self.many.expire(now_ms);
    }

    pub fn memory_bytes(&self) -> usize {
        self.few.memory_bytes() + self.many.memory_bytes()
    }

    pub fn write(&self, out: &mut StateWriter) {
        self.few.write(self.tag, out);
        self.many.write(self.tag + 1, out);
    }

    /// Reads the entry after a tag; returns false if the tag belongs to something else.
    ///
    /// # Errors
    /// The bytes are not an entry.
    pub fn restore(
        &mut self,
        tag: u8,
        reader: &mut row::Reader<'_>,
        operator: &str,
    ) -> Result<bool, StateError> {
        match tag.checked_sub(self.tag) {
            Some(0) => {
                let is_sound =
                    |packed: &Packed| packed.entries(self.form).all(|entry| row::is_sound(entry.row));
                self.few.read_if(reader, operator, is_sound).map(|()| true)
            }
            Some(1) => {
                let is_sound = |table: &RowTable| table.rows_from(0).all(|(_, row, ..)| row::is_sound(row));
                self.many.read_if(reader, operator, is_sound).map(|()| true)
            }
            _ => Ok(false),
        }
    }
}
