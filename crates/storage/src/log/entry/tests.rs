//! Entries of all versions are read back, and bytes that are no entry are refused.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// Two records: `{"a":1}` with key `k` at 2025-12-09T11:30:00Z, and `{}` without a key a second later. 99
/// bytes lie before the entry.
const VERSION_1: &[u8] = &[
    1, 0, 0, 0, 182, 114, 63, 85, 2, 0, 0, 0, 192, 26, 224, 2, 155, 1, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 232, 3, 0, 0, 255, 255, 255, 255, 2, 0, 0, 0, 107, 123, 34, 97, 34, 58, 49,
    125, 123, 125,
];

const ALL: Wanted = Wanted { keys: true, headers: true };

/// The records of [`VERSION_1`].
fn plain() -> [NewRecord; 2] {
    let key = Some(b"k".to_vec());
    let body: &[u8] = b"{\"a\":1}";
    [
        NewRecord { key, body: body.into(), ..NewRecord::default() },
        NewRecord { body: b"{}".as_slice().into(), ..NewRecord::default() },
    ]
}

fn drafts(records: &[NewRecord]) -> Vec<Draft<'_>> {
    let drafts = records.iter().enumerate();
    drafts.map(|(n, record)| Draft { record, appended: Timestamp(1_000 + n as i64) }).collect()
}

fn records(max: usize) -> impl Strategy<Value = Vec<NewRecord>> {
    let header = ("[a-zé]{0,5}", option::of(vec(any::<u8>(), 0..9)));
    let record = (option::of(vec(any::<u8>(), 0..9)), vec(any::<u8>(), 0..40), vec(header, 0..max))
        .prop_map(|(key, body, headers)| NewRecord { key, body: body.into(), headers, time: None });
    vec(record, 1..20)
}

fn bytes(run: &Run, span: Span) -> Vec<u8> {
    run.data[span.start as usize..span.end as usize].to_vec()
}

/// Decodes the records of a run as they were before encoding.
fn read(run: &Run) -> Vec<NewRecord> {
    let all = run.records.iter().zip(&run.attributes).map(|(record, attributes)| NewRecord {
        key: attributes.key.map(|key| bytes(run, key)),
        body: bytes(run, Span { start: record.start, end: record.end }).into(),
        headers: (attributes.headers.iter())
            .map(|&(name, value)| {
                (String::from_utf8(bytes(run, name)).unwrap(), value.map(|value| bytes(run, value)))
            })
            .collect(),
        time: None,
    });
    all.collect()
}

#[test]
fn entries_of_the_first_version_are_read_beside_those_of_the_second() {
    let with_headers = NewRecord {
        key: Some(b"k2".to_vec()),
        body: b"{}".as_slice().into(),
        headers: vec![("trace".to_owned(), Some(b"t-1".to_vec())), ("empty".to_owned(), None)],
        time: None,
    };
    let second = encode(&[Draft { record: &with_headers, appended: Timestamp(5) }], 0);
    let mut run = Run::default();
    let header = run.add(7, VERSION_1, ALL).unwrap();
    assert_eq!(header, Header { records: 2, time: Timestamp(1_765_279_800_000), position: 99 });
    run.add(9, &second, ALL).unwrap();
    let [first, keyless, last] = &read(&run)[..] else { panic!("three records") };
    assert_eq!([first, keyless], [&plain()[0], &plain()[1]]);
    assert_eq!(*last, with_headers);
    let times = run.records.iter().map(|record| (record.offset.0, record.appended.0));
    assert_eq!(times.collect::<Vec<_>>(), [(7, 1_765_279_800_000), (8, 1_765_279_801_000), (9, 5)]);
}

#[test]
fn records_without_headers_are_written_as_the_first_version() {
    let records = plain();
    let time = 1_765_279_800_000;
    let drafts = [0, 1].map(|n| Draft { record: &records[n], appended: Timestamp(time + 1_000 * n as i64) });
    assert_eq!(encode(&drafts, 99), VERSION_1);
}

#[test]
fn compressed_entries_are_read_as_their_plain_forms() {
    let content = &VERSION_1[HEADER_BYTES..];
    let mut entry = [&VERSION_1[..HEADER_BYTES], &(content.len() as u32).to_le_bytes()].concat();
    entry[0] = 3;
    // A block without references: 15 and more literals, and these.
    entry.extend([0xf0, content.len() as u8 - 15]);
    entry.extend(content);
    sign(&mut entry);

    let mut run = Run { data: b"before".to_vec(), ..Run::default() };
    let header = run.add(7, &entry, ALL).unwrap();
    assert_eq!(header, Header { records: 2, time: Timestamp(1_765_279_800_000), position: 99 });
    assert_eq!(read(&run), plain());
    let rows = run.records.iter().map(|record| (record.offset.0, record.appended.0));
    assert_eq!(rows.collect::<Vec<_>>(), [(7, 1_765_279_800_000), (8, 1_765_279_801_000)]);

    // A length that is not the block's leaves nothing behind.
    for bytes in [0, content.len() as u32 - 1, content.len() as u32 + 1, u32::MAX] {
        entry[HEADER_BYTES..BLOCK_FROM].copy_from_slice(&bytes.to_le_bytes());
        sign(&mut entry);
        let mut run = Run { data: b"before".to_vec(), ..Run::default() };
        assert_eq!(run.add(7, &entry, ALL), Err(Damaged), "{bytes}");
        assert_eq!(run.data, b"before");
    }
}

#[test]
fn only_entries_that_become_smaller_are_compressed() {
    let body = |bytes: Vec<u8>| [NewRecord { body: bytes.into(), ..NewRecord::default() }];
    let repeated = encode(&drafts(&body(vec![7; 8_000])), 0);
    assert!(repeated[0] == 3 && repeated.len() < 200);
    let small = encode(&drafts(&body(vec![7; 1_000])), 0);
    assert!(small[0] == 1 && small.len() > 1_000);

    let mut noise = fastrand::Rng::with_seed(3);
    let noise = encode(&drafts(&body((0..8_000).map(|_| noise.u8(..)).collect())), 0);
    assert!(noise[0] == 1 && noise.len() > 8_000);
}

/// Writes the checksum that an entry should have.
fn sign(entry: &mut [u8]) {
    let checksum = crc32fast::hash(&entry[CHECKED_FROM..]);
    entry[4..CHECKED_FROM].copy_from_slice(&checksum.to_le_bytes());
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        records in prop_oneof![records(1), records(4)],
        first in 0..u64::MAX / 2,
        position in any::<u64>(),
    ) {
        let entry = encode(&drafts(&records), position);
        let mut run = Run { data: b"before".to_vec(), ..Run::default() };
        let header = run.add(first, &entry, ALL).unwrap();
        prop_assert_eq!(header, Header { records: records.len() as u32, time: Timestamp(1_000), position });
        prop_assert_eq!(read(&run), records);

        for (n, found) in run.records.iter().enumerate() {
            prop_assert_eq!(found.offset, Offset(first + n as u64));
            prop_assert_eq!(found.appended, Timestamp(1_000 + n as i64));
        }

        let mut bodies = Run { data: b"before".to_vec(), ..Run::default() };
        bodies.add(first, &entry, Wanted::default()).unwrap();
        prop_assert_eq!(&bodies.records, &run.records);
        prop_assert!(bodies.attributes.is_empty());
        let mut keys = Run { data: b"before".to_vec(), ..Run::default() };
        keys.add(first, &entry, Wanted { keys: true, headers: false }).unwrap();
        prop_assert!(keys.attributes.iter().all(|attributes| attributes.headers.is_empty()));
    }

    #[test]
    fn what_is_compressed_is_decoded(
        records in vec(records(4), 1..4),
        copies in 40..60usize,
        cut in any::<proptest::sample::Index>(),
    ) {
        let records: Vec<_> = records.concat().into_iter().cycle().take(copies * 10).collect();
        let entry = encode(&drafts(&records), 5);
        prop_assert!(entry[0] > 2);
        let mut run = Run { data: b"before".to_vec(), ..Run::default() };
        run.add(3, &entry, ALL).unwrap();
        prop_assert_eq!(read(&run), records);

        // Damage that the checksum does not show.
        let mut cut = entry[..BLOCK_FROM + cut.index(entry.len() - BLOCK_FROM)].to_vec();
        sign(&mut cut);
        prop_assert_eq!(Run::default().add(0, &cut, ALL), Err(Damaged));
    }

    #[test]
    fn any_other_bytes_are_refused_and_leave_nothing_behind(bytes in vec(any::<u8>(), 0..100)) {
        let mut run = Run::default();
        prop_assert_eq!(run.add(0, &bytes, ALL), Err(Damaged));
        prop_assert_eq!(run, Run::default());
    }

    #[test]
    fn wrong_lengths_are_refused_though_the_checksum_is_right(
        records in records(3), at in CHECKED_FROM..200, to in any::<u8>(),
    ) {
        let mut entry = encode(&drafts(&records), 5);
        let at = at.min(entry.len() - 1);
        entry[at] = to;
        sign(&mut entry);
        let mut run = Run::default();
        match run.add(0, &entry, ALL) {
            // A changed entry may decode, but never to bytes outside the entry.
            Ok(_) => prop_assert!(run.records.iter().all(|record| record.end as usize <= entry.len())),
            Err(Damaged) => prop_assert_eq!(run, Run::default()),
        }
    }

    #[test]
    fn a_changed_bit_is_noticed(at in 4usize..60, bit in 0u8..8, headers in any::<bool>()) {
        let record = NewRecord {
            key: Some(b"key".to_vec()),
            body: vec![7; 40].into(),
            headers: if headers { vec![("h".to_owned(), None)] } else { vec![] },
            time: None,
        };
        let mut entry = encode(&drafts(&[record]), 5);
        entry[at] ^= 1 << bit;
        prop_assert_eq!(Run::default().add(0, &entry, ALL), Err(Damaged));
    }
}
