//! Damaged snapshots with a corrected checksum: whatever can be decoded is restored or refused, without a
//! panic.

use engine::snapshot::{decode, encode};

use crate::lines::lines;
use crate::random::Random;
use crate::stage::{Stage, compile};

/// The size of the header: `WEIRSNAP`, version, length, checksum.
const HEADER: usize = 8 + 2 + 8 + 4;

fn damage(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(3) {
        let at = HEADER + random.below((bytes.len() - HEADER) as u64) as usize;
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, random.next() as u8),
        }
    }
    let payload = &bytes[HEADER..];
    let (length, checksum) = (payload.len() as u64, crc32fast::hash(payload));
    bytes[10..18].copy_from_slice(&length.to_le_bytes());
    bytes[18..22].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn no_bytes_make_a_snapshot_that_panics() {
    let mut random = Random(4);
    let events = lines(&mut random, 60);
    let stage = Stage::new(vec![events]);
    let plan = compile(&crate::interrupted::script());
    let job = stage.start(&plan, 1, 100, None);
    job.read_up_to(&[60]);
    let bytes = encode(&job.snapshot());
    job.crash();

    let (mut refused, mut restored) = (0, 0);
    for _ in 0..4_000 {
        match decode(&damage(&mut random, &bytes)) {
            Err(_) => refused += 1,
            // Starting threads takes time, so only some are started.
            Ok(snapshot) if restored < 150 => {
                restored += 1;
                let parallelism = 1 + random.below(2) as u32;
                stage.start(&plan, parallelism, 100, Some(&snapshot)).crash();
            }
            Ok(_) => {}
        }
    }
    assert!(refused > 100 && restored == 150, "{refused} were refused, {restored} restored");
}
