//! Entries by key and by place, their time to live, their memory and their image.

use super::*;
use crate::state::KeyGroups;

#[test]
fn an_entry_is_gone_when_it_was_not_written_for_its_time_to_live() {
    let mut state: Keyed<i64> = Keyed::new(Some(Interval(100)));
    state.update(b"a", 1_000, |value| *value = Some(1));
    state.update(b"b", 1_050, |value| *value = Some(2));
    assert_eq!(state.get(b"a", 1_099), Some(&1));
    assert_eq!(state.get(b"a", 1_100), None);
    assert_eq!(state.update(b"a", 1_100, |value| *value), None);

    state.expire(1_149);
    assert_eq!(state.len(), 1);
    state.expire(1_150);
    assert!(state.is_empty() && state.heap_bytes == 0);
}

#[test]
fn entries_at_places_are_those_of_their_keys() {
    let mut state: Keyed<i64> = Keyed::new(Some(Interval(100)));
    for key in 0..100u8 {
        let made = state.place(state.hash(&[key]), &[key], 0, || i64::from(key));
        assert_eq!(made.status, EntryStatus::Created);
        assert_eq!(state.at(made.at), Some(&mut i64::from(key)));
    }

    let there = state.place(state.hash(&[7]), &[7], 99, || 0);
    assert_eq!((there.status, state.at(there.at).copied()), (EntryStatus::Live, Some(7)));
    state.written_at(there.at, 99);
    let over = state.place(state.hash(&[8]), &[8], 100, || 0);
    assert_eq!(over.status, EntryStatus::Expired);
    state.remove_at(over.at);
    assert_eq!((state.get(&[8], 0), state.get(&[7], 198)), (None, Some(&7)));
}

#[test]
fn memory_follows_the_content() {
    let mut state: Keyed<Box<[u8]>> = Keyed::new(None);
    for key in 0..1_000u32 {
        state.update(&key.to_le_bytes(), 0, |value| *value = Some(vec![0; 100].into()));
    }
    let full = state.memory_bytes();
    assert!(full > 104_000 && full < 200_000, "{full}");
    for key in 0..1_000u32 {
        state.remove(&key.to_le_bytes(), 0);
    }
    assert_eq!(state.heap_bytes, 0);
}

#[test]
fn an_image_is_split_by_key_group_and_read_again() {
    let mut state: Keyed<i64> = Keyed::new(None);
    for key in 0..1_000i64 {
        state.update(&key.to_le_bytes(), 0, |value| *value = Some(key * key));
    }
    let mut writer = StateWriter::default();
    state.write(7, &mut writer);
    let image = writer.finish();
    assert!(image.parts.len() > 100);

    let mut restored: Keyed<i64> = Keyed::new(None);
    for part in &image.parts {
        let mut reader = row::Reader::new(&part.bytes);
        while let Some(tag) = reader.tag() {
            assert_eq!(tag, 7);
            restored.read(&mut reader, "test").unwrap();
        }
    }
    assert_eq!(restored.len(), 1_000);
    assert!((0..1_000i64).all(|key| restored.get(&key.to_le_bytes(), 0) == Some(&(key * key))));
}

#[test]
fn written_a_cell_at_a_time_every_entry_comes_once_and_in_the_same_order() {
    let states = [1_000i64, 7].map(|entries| {
        let mut state: Keyed<i64> = Keyed::new(None);
        for key in 0..entries {
            state.update(&key.to_le_bytes(), 0, |value| *value = Some(key));
        }
        state
    });
    let write =
        |writer: &mut StateWriter| states.iter().zip(3..).for_each(|(state, tag)| state.write(tag, writer));

    let mut writer = StateWriter::default();
    write(&mut writer);
    let whole = writer.finish();

    let mut writer = StateWriter::default();
    let mut parts = Vec::new();
    for cell in KeyGroups::cells() {
        writer.begin(cell);
        write(&mut writer);
        parts.extend(writer.take().parts);
    }
    assert_eq!(parts, whole.parts);
}
