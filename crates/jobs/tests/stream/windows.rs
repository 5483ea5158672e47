//! Hopping and cumulating windows with late rows, compared with a simple count: a row belongs to exactly
//! those of its windows that the previous watermark had not passed.

use std::collections::BTreeMap;

use crate::random::Random;
use crate::script::{NOON, counts, event, query, source};
use crate::stage::{Stage, compile};

#[derive(Debug, Clone, Copy)]
enum WindowKind {
    Tumble { size: i64 },
    Hop { size: i64, slide: i64 },
    Cumulate { size: i64, step: i64 },
}

fn sql(kind: WindowKind, offset: i64) -> String {
    let s = |seconds: i64| format!("INTERVAL '{seconds}' SECOND");
    let (name, parts) = match kind {
        WindowKind::Tumble { size } => ("TUMBLE", s(size)),
        WindowKind::Hop { size, slide } => ("HOP", format!("{}, {}", s(slide), s(size))),
        WindowKind::Cumulate { size, step } => ("CUMULATE", format!("{}, {}", s(step), s(size))),
    };
    format!("{name}(TABLE q, DESCRIPTOR(seen), {parts}, {})", s(offset))
}

/// Returns the ends of the windows that contain a time, in seconds.
fn ends(kind: WindowKind, offset: i64, second: i64) -> Vec<i64> {
    let start_of = |size: i64| (second - offset).div_euclid(size) * size + offset;
    match kind {
        WindowKind::Tumble { size } => vec![start_of(size) + size],
        WindowKind::Hop { size, slide } => {
            let last = start_of(slide);
            (0..size / slide).map(|n| last - n * slide + size).collect()
        }
        WindowKind::Cumulate { size, step } => {
            let start = start_of(size);
            (1..=size / step).map(|n| start + n * step).filter(|&end| end > second).collect()
        }
    }
}

fn check(kind: WindowKind, offset: i64, lateness: i64, seed: u64) {
    let mut random = Random(seed);
    let mut clock = 0;
    let times: Vec<i64> = (0..400)
        .map(|_| {
            clock += random.below(1_500) as i64;
            let disorder = if random.once_in(8) { 60_000 } else { 2_500 };
            NOON + clock - random.below(disorder) as i64
        })
        .collect();

    let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
    let (mut watermark, mut late) = (i64::MIN, 0);
    for &time in &times {
        let second = time.div_euclid(1_000);
        let open =
            ends(kind, offset, second).into_iter().filter(|end| watermark < (end + lateness) * 1_000 - 1);
        let open: Vec<i64> = open.collect();
        late += u64::from(open.is_empty());
        open.iter().for_each(|&end| *expected.entry(end).or_default() += 1);
        watermark = watermark.max(time - 1_000);
    }
    assert!(late > 0, "{kind:?}: the test has late rows");

    let expected: BTreeMap<String, i64> = expected
        .into_iter()
        .map(|(end, n)| {
            let end = jiff::Timestamp::from_second(end).expect("a time of this century");
            (format!("k:{}", end.strftime("%Y-%m-%d %H:%M:%S")), n)
        })
        .collect();

    let lines: Vec<String> = times.iter().map(|&time| event("k", 1, time)).collect();
    let script =
        source(&[("weir.allowed-lateness", &format!("{lateness} s"))]) + &query("t", &sql(kind, offset));
    for (parallelism, batch_rows) in [(1, 4096), (1, 1), (1, 7), (3, 4096), (3, 5)] {
        let stage = Stage::new(vec![lines.clone()]);
        let job = stage.start(&compile(&script), parallelism, batch_rows, None);
        job.read_up_to(&[lines.len()]);
        let ledger = job.finish();
        let at =
            format!("{kind:?} offset {offset} lateness {lateness} seed {seed}, {parallelism} × {batch_rows}");
        assert_eq!(counts(&stage, "t"), expected, "{at}");
        assert_eq!((ledger.late, ledger.counted), (late, lines.len() as u64 - late), "{at}");
    }
}

#[test]
fn tumbling_windows() {
    check(WindowKind::Tumble { size: 20 }, 0, 0, 1);
    check(WindowKind::Tumble { size: 30 }, -7, 10, 2);
}

#[test]
fn hopping_windows() {
    check(WindowKind::Hop { size: 40, slide: 10 }, 0, 0, 3);
    check(WindowKind::Hop { size: 30, slide: 15 }, 4, 12, 4);
}

#[test]
fn cumulating_windows() {
    check(WindowKind::Cumulate { size: 60, step: 20 }, 0, 0, 5);
    check(WindowKind::Cumulate { size: 40, step: 10 }, -3, 15, 6);
}
