//! Measures the throughput of the embedded log and result store on this disk, and the memory they take.
//! Prints figures; asserts nothing.
//!
//! `cargo bench -p storage -- [DIRECTORY [log|store]]`; DIRECTORY defaults to the system's temporary
//! directory.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::log::{EmbeddedLog, EventLog, NewRecord, Options as LogOptions, Polled, Start, Wanted};
use storage::store::{EmbeddedStore, Notification, Options as StoreOptions, ResultStore, Upsert, WriteBatch};
use types::{Clock, PartitionId, SystemClock};

const TOPIC: &str = "user-queries";
const PARTITIONS: u32 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let root = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let only = arguments.next();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    println!("idle: {}", memory());
    if only.as_deref() != Some("store") {
        for bytes in [880, 88_000, 880_000] {
            bare_sync(&root, &clock, bytes);
        }
        for per_append in [1, 100, 1_000] {
            append_one_at_a_time(&root, &clock, per_append, if per_append == 1 { 2_000 } else { 300_000 });
        }
        append_from_many(&root, &clock, 16, 100, 1_000_000);
    }
    if only.as_deref() != Some("log") {
        store(&root, &clock);
    }
}

/// Returns an event of about 880 bytes of JSON; the text varies with `number`.
fn event(number: usize) -> NewRecord {
    let words = ["học", "phí", "lịch", "thi", "ký", "túc", "xá", "điểm", "môn", "khoa"];
    let text: Vec<&str> = (0..60).map(|n| words[(number * 7 + n * n) % words.len()]).collect();
    let body = format!(
        r#"{{"query_id":"q-{number:012}","timestamp":"2025-12-09T11:{:02}:{:02}.{:06}","user":{{"user_id":{},"user_type":"Sinh viên","department_id":{},"years":{}}},"session_id":"s-{:08x}","query_text":"{}","rag_params":{{"k":5,"similarity_threshold":0.7,"context_found":{}}},"rag_metrics":{{"response_time_ms":{}.25,"answer_length":{},"answer_text":"{}","success":true}},"metadata":{{"model_used":"gpt-4o-mini","history_used":false,"history_count":0,"query_rewritten":true}}}}"#,
        number / 60 % 60,
        number % 60,
        number % 1_000_000,
        number % 5_000,
        number % 12,
        number % 6 + 1,
        number.wrapping_mul(2_654_435_761) as u32,
        text[..20].join(" "),
        number % 9,
        number % 3_000,
        number % 900,
        text[20..].join(" "),
    );
    NewRecord { body: body.into(), ..NewRecord::default() }
}

fn open_log(directory: &Path, clock: &Arc<dyn Clock>) -> EmbeddedLog {
    let log = EmbeddedLog::open(directory, LogOptions::default(), clock.clone()).unwrap();
    log.create_topic(TOPIC, PARTITIONS).unwrap();
    log
}

/// Times a bare write and sync of the disk. No log with one sender can be faster.
fn bare_sync(root: &Path, clock: &Arc<dyn Clock>, bytes: usize) {
    const WRITES: u32 = 100;
    let mut file = tempfile::tempfile_in(root).unwrap();
    let data = vec![7; bytes];
    let started = clock.elapsed();
    for _ in 0..WRITES {
        file.write_all(&data).unwrap();
        file.sync_data().unwrap();
    }
    let took = (clock.elapsed() - started) / WRITES;
    println!("the disk alone: {:.2} ms to write and sync {bytes} bytes", took.as_secs_f64() * 1e3);
}

/// Appends with one sender that waits for each append, so that each commit holds one append.
fn append_one_at_a_time(root: &Path, clock: &Arc<dyn Clock>, per_append: usize, total: usize) {
    let directory = tempfile::tempdir_in(root).unwrap();
    let log = open_log(directory.path(), clock);
    let template: Vec<NewRecord> = (0..per_append).map(event).collect();
    let bytes: usize = template.iter().map(|record| record.body.len()).sum();
    let started = clock.elapsed();
    for _ in 0..total / per_append {
        log.append(TOPIC, template.clone()).unwrap().blocking_recv().unwrap().unwrap();
    }
    let took = clock.elapsed() - started;
    println!(
        "append, {per_append} a commit, synced: {} events/s ({} bytes each, {:.2} ms a commit); {}",
        rate(total, took),
        bytes / per_append,
        took.as_secs_f64() * 1e3 / (total / per_append) as f64,
        memory()
    );
}

/// Appends from many senders while a reader follows, then reads all of it from the beginning.
fn append_from_many(root: &Path, clock: &Arc<dyn Clock>, senders: usize, per_append: usize, total: usize) {
    let directory = tempfile::tempdir_in(root).unwrap();
    let log = open_log(directory.path(), clock);
    let started = clock.elapsed();

    std::thread::scope(|scope| {
        let following = scope.spawn(|| read_all(&log, total));
        std::thread::scope(|sending| {
            for sender in 0..senders {
                let log = &log;
                sending.spawn(move || {
                    let template: Vec<NewRecord> =
                        (0..per_append).map(|n| event(sender * per_append + n)).collect();
                    for _ in 0..total / senders / per_append {
                        log.append(TOPIC, template.clone()).unwrap().blocking_recv().unwrap().unwrap();
                    }
                });
            }
        });
        let took = clock.elapsed() - started;
        println!(
            "append, {senders} senders of {per_append}, read at once: {} events/s; {}",
            rate(total, took),
            memory()
        );
        following.join().unwrap();
    });

    let started = clock.elapsed();
    read_all(&log, total);
    println!("read from the beginning: {} events/s; {}", rate(total, clock.elapsed() - started), memory());
    drop(log);
    let started = clock.elapsed();
    let log = open_log(directory.path(), clock);
    println!("open again: {:.1} ms; {}", (clock.elapsed() - started).as_secs_f64() * 1e3, memory());
    drop(log);
}

fn read_all(log: &EmbeddedLog, total: usize) {
    let partitions: Vec<_> = (0..PARTITIONS).map(|number| (PartitionId(number), Start::Earliest)).collect();
    let mut reader = log.read(TOPIC, &partitions, Wanted::default()).unwrap();
    let mut read = 0;
    while read < total {
        if let Polled::Records { fetched, .. } = reader.poll(Duration::from_secs(1), 256 << 10).unwrap() {
            read += fetched.records.len();
        }
    }
}

fn store(root: &Path, clock: &Arc<dyn Clock>) {
    const ROWS: usize = 1_000_000;
    const PER_WRITE: usize = 100;
    let directory = tempfile::tempdir_in(root).unwrap();
    let store = EmbeddedStore::open(directory.path(), StoreOptions::default(), clock.clone()).unwrap();
    let started = clock.elapsed();
    for write in 0..ROWS / PER_WRITE {
        store.write(&rows(write, PER_WRITE)).unwrap();
    }

    println!(
        "store, {PER_WRITE} rows a write: {} puts/s; {}",
        rate(ROWS, clock.elapsed() - started),
        memory()
    );

    let started = clock.elapsed();
    store.flush().unwrap();
    println!("flush: {:.1} ms", (clock.elapsed() - started).as_secs_f64() * 1e3);

    for _ in 0..2 {
        let started = clock.elapsed();
        let mut found = 0;
        store
            .scan("analytics:", &mut |_| {
                found += 1;
                true
            })
            .unwrap();
        println!("scan: {} rows/s of {found}; {}", rate(found, clock.elapsed() - started), memory());
    }

    let started = clock.elapsed();
    for number in 0..100_000 {
        let key = row_key(number * 7_919 % ROWS);
        store.get(&key).unwrap().unwrap();
    }

    println!("get: {} rows/s; {}", rate(100_000, clock.elapsed() - started), memory());
    drop(store);
    let started = clock.elapsed();
    let store = EmbeddedStore::open(directory.path(), StoreOptions::default(), clock.clone()).unwrap();
    println!("open again: {:.1} ms; {}", (clock.elapsed() - started).as_secs_f64() * 1e3, memory());
    drop(store);
}

fn row_key(number: usize) -> String {
    format!(
        "analytics:popular_queries:{:032x}:2025-12-{:02}T{:02}:00:00",
        number % 50_000,
        number / 50_000 % 28 + 1,
        number % 24
    )
}

fn rows(write: usize, count: usize) -> WriteBatch {
    let upserts = (write * count..(write + 1) * count).map(|number| Upsert {
        key: row_key(number).into(),
        value: format!(
            r#"{{"window_start":"2025-12-09T11:30:00","window_end":"2025-12-09T11:30:30","query_text":"học phí học kỳ {number}","query_hash":"{number:032x}","query_count":{},"unique_users":{},"created_at":"2025-12-09T11:30:31"}}"#,
            number % 97,
            number % 31
        )
        .into_bytes()
        .into(),
        ttl: Duration::from_secs(30 * 24 * 60 * 60),
    });
    WriteBatch {
        upserts: upserts.collect(),
        notification: Some(Notification {
            channel: "analytics:updates".into(),
            latest_key: "analytics:latest".into(),
            kind: "popular_queries".into(),
            time: "2025-12-09T11:30:30".into(),
            count: count as u64,
        }),
        ..WriteBatch::default()
    }
}

fn rate(count: usize, took: Duration) -> String {
    format!("{:.0}", count as f64 / took.as_secs_f64())
}

/// Returns the resident memory of the process, now and at its peak, from `/proc/self/status`.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
    };
    match (megabytes("VmRSS:"), megabytes("VmHWM:")) {
        (Some(now), Some(most)) => format!("resident {now} MB, at most {most} MB"),
        _ => "resident memory unknown".to_owned(),
    }
}
