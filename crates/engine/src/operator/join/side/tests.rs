//! One side of a join compared with a model, its memory, and keys of many rows.

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
        let form = RowForm { unique, tracks };
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
    let mut side = Side::new(RowForm { unique: false, tracks: true }, 1, None);
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
    let mut side = Side::new(RowForm { unique: false, tracks: true }, 1, None);
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
    let mut side = Side::new(RowForm { unique: false, tracks: true }, 1, None);
    for row in 0..1_000u32 {
        side.add(b"k", &row.to_le_bytes(), 0, 0);
    }
    let full = side.memory_bytes();
    for row in 0..990u32 {
        side.remove(b"k", &row.to_le_bytes(), 0);
    }
    assert!(side.memory_bytes() < full / 5, "{} of {full}", side.memory_bytes());
}
