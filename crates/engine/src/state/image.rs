//! The image of an operator's state: its entries as bytes, by key group.
//!
//! A small state is written in one pass over its maps. For a large state that pass would make a second copy
//! of its size, so it is written cell by cell, and each cell is handed on before the next begins. Maps then
//! list the entries of each key group once (4 bytes per entry), so that an entry is visited twice and not
//! once per cell.

use serde::{Deserialize, Serialize};

use super::groups::{KeyGroups, cell_of};
use super::{KEY_GROUPS, StateError};

/// An operator's state as bytes, by key group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateImage {
    /// Ascending by key group; groups without state are left out.
    pub parts: Vec<StatePart>,
}

/// The state of one key group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePart {
    pub key_group: u32,
    pub bytes: Vec<u8>,
}

impl StateImage {
    /// Calls `each` with the consecutive pieces of the image's bytes: for each key group its number and its
    /// length, then its content.
    pub fn for_each_piece(&self, mut each: impl FnMut(&[u8])) {
        for part in &self.parts {
            let mut head = [0; 16];
            let numbers = (part.key_group, part.bytes.len() as u64);
            each(postcard::to_slice(&numbers, &mut head).expect("two numbers take 15 bytes at most"));
            each(&part.bytes);
        }
    }

    /// Returns the total bytes of all pieces.
    pub fn bytes(&self) -> u64 {
        let mut bytes = 0;
        self.for_each_piece(|piece| bytes += piece.len() as u64);
        bytes
    }

    /// Returns all pieces as one.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes() as usize);
        self.for_each_piece(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// Cuts the image at the bounds of cells; cells without state are left out. Each cell has the range from
    /// its first to its last key group with state.
    pub fn into_cells(self) -> Vec<(KeyGroups, StateImage)> {
        let mut cells: Vec<(KeyGroups, StateImage)> = Vec::new();
        for part in self.parts {
            let group = part.key_group;
            match cells.last_mut() {
                Some((groups, image)) if cell_of(groups.first) == cell_of(group) => {
                    groups.end = group + 1;
                    image.parts.push(part);
                }
                _ => {
                    let groups = KeyGroups { first: group, end: group + 1 };
                    cells.push((groups, StateImage { parts: vec![part] }));
                }
            }
        }
        cells
    }
}

/// Calls `take` with the content of each key group of `wanted`, one at a time, from the bytes of a part of
/// `operator`.
///
/// # Errors
/// The bytes are not such a part, or `take` fails.
pub fn read_part<E: From<StateError>>(
    operator: &str,
    (groups, bytes): (KeyGroups, &[u8]),
    wanted: KeyGroups,
    mut take: impl FnMut(StatePart) -> Result<(), E>,
) -> Result<(), E> {
    let broken = |what: &str| StateError { operator: operator.to_owned(), what: what.to_owned() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let ((key_group, length), behind): ((u32, u64), &[u8]) = postcard::take_from_bytes(rest)
            .map_err(|_| broken("the head of a key group has invalid bytes"))?;
        if !groups.contains(key_group) {
            return Err(broken("a part has a key group outside its range").into());
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (held, behind) = behind.split_at_checked(length).ok_or_else(|| broken("a part is truncated"))?;
        if wanted.contains(key_group) {
            take(StatePart { key_group, bytes: held.to_vec() })?;
        }
        rest = behind;
    }
    Ok(())
}

/// Collects an image.
#[derive(Debug)]
pub struct StateWriter {
    groups: Vec<Vec<u8>>,
    /// The key groups that this pass writes.
    range: KeyGroups,
    /// Per map, in the order in which the operator writes them, and per key group: the places of entries.
    /// Empty if one pass writes everything.
    orders: Vec<Vec<Vec<u32>>>,
    /// The next map to be written.
    map: usize,
}

impl Default for StateWriter {
    fn default() -> StateWriter {
        StateWriter {
            groups: vec![Vec::new(); KEY_GROUPS as usize],
            range: KeyGroups::ALL,
            orders: Vec::new(),
            map: 0,
        }
    }
}

impl StateWriter {
    /// Begins another pass, which writes the entries of these key groups.
    pub fn begin(&mut self, range: KeyGroups) {
        (self.range, self.map) = (range, 0);
    }

    /// Begins another operator.
    pub fn forget_maps(&mut self) {
        self.orders.clear();
    }

    /// Returns the buffer for the entries of a key group; `None` if another pass writes them. Each entry
    /// begins with a tag that identifies its map within the operator.
    pub fn group(&mut self, key_group: u32) -> Option<&mut Vec<u8>> {
        self.range.contains(key_group).then(|| &mut self.groups[key_group as usize])
    }

    /// Returns by key group the places of the next map's entries that this pass writes; `None`: it writes
    /// all. `list` is called in the first pass, and passes the key group and the place of each entry to its
    /// argument.
    pub fn places(&mut self, list: impl FnOnce(&mut dyn FnMut(u32, usize))) -> Option<Vec<(u32, Vec<u32>)>> {
        if self.range == KeyGroups::ALL {
            return None;
        }

        let map = self.map;
        self.map += 1;

        if map == self.orders.len() {
            let mut groups = vec![Vec::new(); KEY_GROUPS as usize];
            list(&mut |key_group, place| {
                let place = u32::try_from(place).expect("a map has no 4,294,967,296 places");
                groups[key_group as usize].push(place);
            });
            self.orders.push(groups);
        }

        // A key group is written once: its places are not needed any more.
        let groups = &mut self.orders[map];
        let taken = (self.range.first..self.range.end)
            .map(|group| (group, std::mem::take(&mut groups[group as usize])));
        Some(taken.collect())
    }

    /// Returns the image that this pass has written.
    pub fn take(&mut self) -> StateImage {
        let range = self.range.first as usize..self.range.end as usize;
        let filled = range.filter(|&group| !self.groups[group].is_empty()).collect::<Vec<usize>>();
        let parts = filled.into_iter().map(|group| StatePart {
            key_group: group as u32,
            bytes: std::mem::take(&mut self.groups[group]),
        });
        StateImage { parts: parts.collect() }
    }

    pub fn finish(mut self) -> StateImage {
        self.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> StateImage {
        let part = |key_group, length| StatePart { key_group, bytes: vec![key_group as u8; length] };
        StateImage { parts: vec![part(3, 5), part(7, 300), part(8, 1), part(127, 2)] }
    }

    #[test]
    fn what_is_written_is_read_and_only_the_wanted_groups_are() {
        let bytes = image().to_bytes();
        assert_eq!(bytes.len() as u64, image().bytes());
        let read = |wanted| {
            let mut parts = Vec::new();
            let take = |part| -> Result<(), StateError> {
                parts.push(part);
                Ok(())
            };
            read_part("test", (KeyGroups::ALL, &bytes), wanted, take).unwrap();
            parts
        };
        assert_eq!(read(KeyGroups::ALL), image().parts);
        assert_eq!(read(KeyGroups { first: 4, end: 9 }), image().parts[1..3]);
    }

    #[test]
    fn a_part_that_is_cut_or_holds_a_strange_group_is_refused() {
        let bytes = image().to_bytes();
        let read = |groups, bytes: &[u8]| {
            read_part("test", (groups, bytes), KeyGroups::ALL, |_| Ok::<(), StateError>(()))
        };
        for length in 0..bytes.len() {
            let whole = [0, 7, 310, 313].contains(&length);
            assert_eq!(read(KeyGroups::ALL, &bytes[..length]).is_ok(), whole, "{length}");
        }
        assert!(read(KeyGroups { first: 0, end: 8 }, &bytes).is_err());
    }

    #[test]
    fn an_image_is_cut_into_cells() {
        let cells = image().into_cells();
        let ranges: Vec<(u32, u32, usize)> =
            cells.iter().map(|(groups, image)| (groups.first, groups.end, image.parts.len())).collect();
        assert_eq!(ranges, [(3, 8, 2), (8, 9, 1), (127, 128, 1)]);
    }
}
