//! Decodes batches that another library encodes (`kafka-protocol`), and messages of the old formats that are
//! composed here.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

use super::*;
use crate::log::Fetched;

const ALL: Wanted = Wanted { keys: true, headers: true };
const PRODUCER: i64 = 7;

fn record(offset: i64, body: &str) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: PRODUCER,
        producer_epoch: 0,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: i32::try_from(offset).unwrap(),
        timestamp: 1_000 + offset,
        key: None,
        value: Some(Bytes::copy_from_slice(body.as_bytes())),
        headers: IndexMap::new(),
    }
}

fn transactional(offset: i64, body: &str) -> Record {
    Record { transactional: true, ..record(offset, body) }
}

/// Returns the marker that ends a transaction of [`PRODUCER`]: type 0 aborts, type 1 commits.
fn marker(offset: i64, kind: u8) -> Record {
    let key = Some(Bytes::copy_from_slice(&[0, 0, 0, kind]));
    Record { control: true, key, ..transactional(offset, "") }
}

/// Encodes records with consecutive offsets as one batch.
fn batch(records: &[Record]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, records, &options).unwrap();
    bytes.to_vec()
}

fn zipped(records: &[Record]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::Gzip };
    let compress = |from: &mut BytesMut, to: &mut BytesMut, _| {
        let mut gzip = libdeflater::Compressor::new(libdeflater::CompressionLvl::fastest());
        let mut zipped = vec![0; gzip.gzip_compress_bound(from.len())];
        let length = gzip.gzip_compress(from, &mut zipped).unwrap();
        to.extend_from_slice(&zipped[..length]);
        Ok(())
    };
    RecordBatchEncoder::encode_with_custom_compression(&mut bytes, records, &options, Some(compress))
        .unwrap();
    bytes.to_vec()
}

/// Offset, time and body of each record, and the next offset to read.
type ReadBack = (Vec<(u64, i64, String)>, u64);

/// Decodes fetched bytes and returns the records of all chunks.
fn read_with(bytes: &[u8], from: u64, aborted: &[(i64, i64)]) -> Result<ReadBack, String> {
    let answer = Answer { partition: PartitionId(3), generation: 1, from, bytes, aborted: aborted.to_vec() };
    let mut chunks = Vec::new();
    let mut reader = RecordReader::new(true, ALL);
    reader.read(&Pool::default(), answer, &mut |chunk| chunks.push(chunk))?;

    let next = chunks.last().map_or(from, |chunk: &Chunk| chunk.next);
    let end = end_of(bytes).map_or(from, |(end, _)| end.max(from));
    assert_eq!(end, next, "both ways to find the next offset");
    let mut read = Vec::new();
    for Chunk { fetched, .. } in &chunks {
        assert_eq!(
            (fetched.partition, fetched.attributes.len()),
            (Some(PartitionId(3)), fetched.records.len())
        );
        let text = |of: &crate::log::RecordRef| {
            String::from_utf8(fetched.data[of.start as usize..of.end as usize].to_vec()).unwrap()
        };
        read.extend(fetched.records.iter().map(|of| (of.offset.0, of.appended.0, text(of))));
    }
    Ok((read, next))
}

fn bodies(bytes: &[u8], from: u64, aborted: &[(i64, i64)]) -> Vec<String> {
    read_with(bytes, from, aborted).unwrap().0.into_iter().map(|(_, _, body)| body).collect()
}

fn first_chunk(bytes: &[u8]) -> Fetched {
    let answer = Answer { partition: PartitionId(0), generation: 0, from: 0, bytes, aborted: vec![] };
    let mut chunks = Vec::new();
    RecordReader::new(true, ALL).read(&Pool::default(), answer, &mut |chunk| chunks.push(chunk)).unwrap();
    chunks.remove(0).fetched
}

#[test]
fn records_are_read_with_offsets_times_keys_and_headers() {
    let mut second = record(6, "");
    second.value = None;
    second.key = Some(Bytes::from_static(b"key"));
    second.headers.insert(StrBytes::from_static_str("a"), Some(Bytes::from_static(b"1")));
    second.headers.insert(StrBytes::from_static_str("b"), None);
    let bytes = batch(&[record(5, "first"), second]);

    let (read, next) = read_with(&bytes, 5, &[]).unwrap();
    assert_eq!(read, [(5, 1_005, "first".to_owned()), (6, 1_006, String::new())]);
    assert_eq!(next, 7);

    let fetched = first_chunk(&bytes);
    let text =
        |span: Span| std::str::from_utf8(&fetched.data[span.start as usize..span.end as usize]).unwrap();
    let of = &fetched.attributes[1];
    assert_eq!((fetched.attributes[0].key, of.key.map(text)), (None, Some("key")));
    let headers: Vec<_> = of.headers.iter().map(|(name, value)| (text(*name), value.map(text))).collect();
    assert_eq!(headers, [("a", Some("1")), ("b", None)]);
}

#[test]
fn reading_begins_inside_of_a_batch_and_leaves_out_one_that_is_cut_short() {
    let bytes =
        [batch(&[record(0, "a"), record(1, "b")]), zipped(&[record(2, "c"), record(3, "d")])].concat();
    assert_eq!(bodies(&bytes, 1, &[]), ["b", "c", "d"]);
    assert_eq!(bodies(&bytes, 3, &[]), ["d"]);
    assert_eq!(bodies(&bytes[..bytes.len() - 1], 0, &[]), ["a", "b"]);
    assert_eq!(read_with(&bytes[..20], 0, &[]).unwrap(), (vec![], 0));
}

#[test]
fn aborted_transactions_are_left_out_and_committed_ones_are_not() {
    let bytes = [
        batch(&[transactional(0, "aborted")]),
        batch(&[record(1, "plain")]),
        batch(&[transactional(2, "aborted too")]),
        batch(&[marker(3, 0)]),
        batch(&[transactional(4, "committed")]),
        batch(&[marker(5, 1)]),
        batch(&[transactional(6, "aborted again")]),
    ]
    .concat();
    let aborted = [(PRODUCER, 6), (PRODUCER, 0)];
    assert_eq!(bodies(&bytes, 0, &aborted), ["plain", "committed"]);
    assert_eq!(read_with(&bytes, 0, &aborted).unwrap().1, 7, "markers have offsets too");
    assert_eq!(bodies(&bytes, 0, &[]).len(), 5, "read uncommitted");
    assert_eq!(bodies(&bytes, 0, &[(PRODUCER + 1, 0)]).len(), 5, "of another producer");
}

#[test]
fn large_answers_come_in_chunks() {
    let body = "x".repeat(1_000);
    let batches = (0..30).map(|n| batch(&(0..100).map(|at| record(n * 100 + at, &body)).collect::<Vec<_>>()));
    let bytes = batches.collect::<Vec<_>>().concat();
    let (read, next) = read_with(&bytes, 0, &[]).unwrap();
    assert_eq!((read.len(), next), (3_000, 3_000));
    assert!(read.iter().enumerate().all(|(at, (offset, ..))| at as u64 == *offset));
    assert!(first_chunk(&bytes).records.len() < 1_000);
}

#[test]
fn damage_is_told_with_its_offset_and_what_stands_before_it_is_read() {
    let good = batch(&[record(0, "good")]);
    for place in 61..75 {
        let mut bad = batch(&[record(1, "bad bad bad")]);
        bad[place] ^= 0x11;
        let bytes = [&good[..], &bad].concat();
        let mut read = 0;
        let answer =
            Answer { partition: PartitionId(0), generation: 0, from: 0, bytes: &bytes, aborted: vec![] };
        let mut each = |chunk: Chunk| read += chunk.fetched.records.len();
        let error = RecordReader::new(true, ALL).read(&Pool::default(), answer, &mut each).unwrap_err();
        assert!(error.contains("offset 1"), "{error}");
        assert_eq!(read, 1, "the record in front of the damage");

        // Without checksums nothing may panic.
        let answer =
            Answer { partition: PartitionId(0), generation: 0, from: 0, bytes: &bytes, aborted: vec![] };
        let _ = RecordReader::new(false, ALL).read(&Pool::default(), answer, &mut |_| ());
    }
}

/// Encodes a message of v0 or v1.
fn old(magic: u8, offset: i64, attributes: u8, value: &[u8]) -> Vec<u8> {
    let mut message = vec![magic, attributes];
    if magic == 1 {
        message.extend_from_slice(&77_i64.to_be_bytes());
    }
    message.extend_from_slice(&(-1_i32).to_be_bytes());
    message.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
    message.extend_from_slice(value);
    let crc = crc32fast::hash(&message);
    let size = i32::try_from(message.len() + 4).unwrap();
    [&offset.to_be_bytes()[..], &size.to_be_bytes(), &crc.to_be_bytes(), &message].concat()
}

#[test]
fn messages_of_the_old_formats_are_read_compressed_or_not() {
    let plain = [old(0, 4, 0, b"a"), old(1, 5, 0, b"b")].concat();
    let expected = vec![(4, -1, "a".to_owned()), (5, 77, "b".to_owned())];
    assert_eq!(read_with(&plain, 4, &[]).unwrap(), (expected, 6));

    let snappy = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).unwrap();
    // In v1 inner offsets are relative, and the outer offset is that of the last message.
    let relative = [old(1, 0, 0, b"a"), old(1, 1, 0, b"b"), old(1, 2, 0, b"c")].concat();
    assert_eq!(bodies(&old(1, 12, 2, &snappy(&relative)), 11, &[]), ["b", "c"]);
    let absolute = [old(0, 10, 0, b"a"), old(0, 11, 0, b"b")].concat();
    assert_eq!(bodies(&old(0, 11, 2, &snappy(&absolute)), 0, &[]), ["a", "b"]);

    let mut damaged = plain;
    *damaged.last_mut().unwrap() = b'x';
    assert!(read_with(&damaged, 4, &[]).unwrap_err().contains("offset 5"));
}

#[test]
fn no_bytes_lead_to_a_panic() {
    let sound =
        [zipped(&[record(0, "abc"), marker(1, 0)]), old(1, 2, 1, b"zip"), old(0, 3, 0, b"x")].concat();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let mut bytes = sound.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        let from = random.u64(..4);
        let answer =
            Answer { partition: PartitionId(0), generation: 0, from, bytes: &bytes, aborted: vec![(7, 0)] };
        let _ = RecordReader::new(false, ALL).read(&Pool::default(), answer, &mut |_| ());
        end_of(&bytes);
    }
}
