//! One side of a join: its rows by join key.
//!
//! A key with a few rows holds them in a [`Packed`] run, a key with many in a [`Table`]. The two kinds of keys stand in two
//! maps, so that the many small keys pay nothing for the few large ones. Rows are bags: equal rows are one entry with a
//! count. Stored rows lack the fields of the join key, which the map's key holds.
//!
//! ```text
//! few    k1 → [row]          k2 → [row row row]
//! many   k3 → slots and index of 100 000 rows
//! ```

use types::Interval;

use super::packed::{Form, Packed};
use super::table::Table;
use crate::row;
use crate::state::{Keyed, StateError, StateWriter};

/// See the module's text.
pub(crate) struct Side {
    form: Form,
    few: Keyed<Packed>,
    many: Keyed<Table>,
    /// The tag of `few` in an image; that of `many` is the next.
    tag: u8,
}

/// Some of a key's rows, by place: from the first to before the second. Places of empty slots count.
pub(crate) type Places = (usize, usize);

/// State that holds more than this does not fit the caches.
const LARGE_BYTES: usize = 1 << 20;

pub(crate) const ALL: Places = (0, usize::MAX);

impl Side {
    /// `side` is 0 or 1.
    pub fn new(form: Form, side: u8, ttl: Option<Interval>) -> Side {
        // A side that is held in another form has other tags, so that an image of it is not taken for one of this.
        let tag = side << 4 | u8::from(form.unique) << 3 | u8::from(form.tracks) << 2;
        Side { form, few: Keyed::new(ttl), many: Keyed::new(ttl), tag }
    }

    /// The hash of a key, of any side.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.few.hash(key)
    }

    /// Whether looking a key up mostly waits for memory.
    pub fn is_large(&self) -> bool {
        self.few.memory_bytes() > LARGE_BYTES
    }

    /// Asks for a key's rows: see [`Keyed::touch`].
    #[inline]
    pub fn touch(&self, hash: u64, key: &[u8]) {
        self.few.touch(hash, key, Packed::prefetch);
    }

    fn is_many(&self, hash: u64, key: &[u8], now_ms: i64) -> bool {
        !self.many.is_empty() && self.many.get_hashed(hash, key, now_ms).is_some()
    }

    /// Adds a row. A row that is there already keeps its partners.
    pub fn add(&mut self, key: &[u8], row: &[u8], partners: u64, now_ms: i64) {
        self.add_hashed(self.hash(key), key, row, partners, now_ms);
    }

    /// [`add`](Side::add) with the key's hash.
    pub fn add_hashed(&mut self, hash: u64, key: &[u8], row: &[u8], partners: u64, now_ms: i64) {
        if self.is_many(hash, key, now_ms) {
            self.many.update_hashed(hash, key, now_ms, |table| {
                table.iter_mut().for_each(|t| t.add(row, 1, partners))
            });
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
            let mut table = Table::default();
            packed.entries(form).for_each(|entry| table.add(entry.row, entry.count, entry.partners));
            table.add(row, 1, partners);
            self.many.update(key, now_ms, |kept| *kept = Some(table));
        }
    }

    /// Takes a row out; gives its number of partners. `None` where there is no such row.
    pub fn remove(&mut self, key: &[u8], row: &[u8], now_ms: i64) -> Option<u64> {
        let form = self.form;
        if !self.is_many(self.hash(key), key, now_ms) {
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
                // Well below where a list becomes a table: a key at the limit does not move to and fro.
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

    /// How many rows a key holds, copies included.
    pub fn total(&self, key: &[u8], now_ms: i64) -> u64 {
        match self.few.get(key, now_ms) {
            Some(packed) => packed.entries(self.form).map(|entry| entry.count).sum(),
            None if self.many.is_empty() => 0,
            None => self.many.get(key, now_ms).map_or(0, Table::total),
        }
    }

    /// Calls `take` with the rows of a key from a place on, until it says that there is no room for another. Gives the place
    /// behind the last row taken, and whether there are more.
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

    /// Calls `change` with rows of a key, in the order in which they came: row, count and number of partners.
    pub fn visit<E>(
        &mut self,
        key: &[u8],
        now_ms: i64,
        places: Places,
        mut change: impl FnMut(&[u8], u64, &mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let form = self.form;
        if !form.tracks {
            return self.visit_untracked(key, now_ms, places, change);
        }

        if self.is_many(self.hash(key), key, now_ms) {
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

    /// Calls `take` with all rows of a key and their counts, in the order in which they came.
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
        (from, to): Places,
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

    /// Reads an entry behind its tag; `false` where the tag belongs to something else.
    ///
    /// # Errors
    /// The bytes are no entry.
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
                let is_sound = |table: &Table| table.rows_from(0).all(|(_, row, ..)| row::is_sound(row));
                self.many.read_if(reader, operator, is_sound).map(|()| true)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Model = BTreeMap<u8, BTreeMap<Vec<u8>, (u64, u64)>>;

    fn held(side: &mut Side) -> Model {
        let mut held = Model::new();
        for key in 0..3u8 {
            side.visit(&[key], 0, ALL, |row, count, partners| {
                held.entry(key).or_default().insert(row.to_vec(), (count, *partners));
                Ok::<(), ()>(())
            })
            .unwrap();
        }
        held
    }

    proptest! {
        #[test]
        fn a_side_is_a_bag_of_rows_by_key(
            unique: bool,
            tracks: bool,
            steps in prop::collection::vec((0u8..3, 0u8..40, any::<bool>()), 0..300),
        ) {
            let form = Form { unique, tracks };
            let mut side = Side::new(form, 0, None);
            let mut model = Model::new();
            for (key, row, is_add) in steps {
                // Row 0 has no bytes. The others are whole numbers.
                let bytes = vec![row + 16; usize::from(row % 20)];
                let bag = model.entry(key).or_default();
                if is_add {
                    side.add(&[key], &bytes, u64::from(row), 0);
                    let partners = if tracks { u64::from(row) } else { 0 };
                    bag.entry(bytes).or_insert((0, partners)).0 += 1;
                } else {
                    let removed = side.remove(&[key], &bytes, 0);
                    prop_assert_eq!(removed.is_some(), bag.contains_key(&bytes));
                    if let Some(known) = bag.get_mut(&bytes) {
                        known.0 -= 1;
                    }
                    bag.retain(|_, (count, _)| *count > 0);
                }
                model.retain(|_, bag| !bag.is_empty());
            }
            prop_assert_eq!(&held(&mut side), &model);
            for key in 0..3u8 {
                let total: u64 = model.get(&key).map_or(0, |bag| bag.values().map(|(count, _)| count).sum());
                prop_assert_eq!(side.total(&[key], 0), total);
            }

            let mut writer = StateWriter::default();
            side.write(&mut writer);
            let mut restored = Side::new(form, 0, None);
            for part in &writer.finish().parts {
                let mut reader = row::Reader::new(&part.bytes);
                while let Some(tag) = reader.tag() {
                    prop_assert!(restored.restore(tag, &mut reader, "test").unwrap());
                }
            }
            prop_assert_eq!(&held(&mut restored), &model);
        }
    }

    #[test]
    fn a_key_with_many_rows_is_read_in_pieces_in_order() {
        let mut side = Side::new(Form { unique: false, tracks: true }, 1, None);
        for row in 0..1_000u32 {
            side.add(b"k", &row.to_le_bytes(), 0, 0);
        }
        for row in (0..1_000u32).filter(|row| row % 3 != 0) {
            assert!(side.remove(b"k", &row.to_le_bytes(), 0).is_some());
        }

        let (mut from, mut rows) = (0, Vec::new());
        loop {
            let mut room = 7;
            let (next, more) = side.read(b"k", 0, from, |row| {
                rows.push(row.to_vec());
                room -= 1;
                room > 0
            });
            from = next;
            if !more {
                break;
            }
        }
        let expected: Vec<Vec<u8>> = (0..1_000u32).step_by(3).map(|row| row.to_le_bytes().to_vec()).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn memory_is_given_back_with_the_rows() {
        let mut side = Side::new(Form { unique: false, tracks: true }, 1, None);
        let empty = side.memory_bytes();
        for row in 0..1_000u32 {
            side.add(b"k", &row.to_le_bytes(), 0, 0);
        }
        assert!(side.memory_bytes() > 30_000);
        for row in 0..1_000u32 {
            side.remove(b"k", &row.to_le_bytes(), 0);
        }
        assert!(side.memory_bytes() < empty + 1_000, "{}", side.memory_bytes());
    }

    #[test]
    fn a_key_that_had_a_rush_keeps_no_empty_slots() {
        let mut side = Side::new(Form { unique: false, tracks: true }, 1, None);
        for row in 0..1_000u32 {
            side.add(b"k", &row.to_le_bytes(), 0, 0);
        }
        let full = side.memory_bytes();
        for row in 0..990u32 {
            side.remove(b"k", &row.to_le_bytes(), 0);
        }
        assert!(side.memory_bytes() < full / 5, "{} of {full}", side.memory_bytes());
    }
}
