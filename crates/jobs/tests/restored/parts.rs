//! Operators with state in files: it is restored with any parallelism, and only the required files are
//! opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::execution::{ExecutionError, Restore};
use engine::snapshot::{PartError, PartFile, PartReader, encode};
use jobs::checkpoint::{
    CheckpointDirectory, CheckpointKind, EarlierParts, Manifest, PartFiles, PartTotals, PartWriter, Restored,
    StateFile, read_savepoint,
};
use serde_json::Value;

use crate::stage::{NOW, Stage, TOPIC, compile};

const EVENTS: &str = "
CREATE TABLE events (k STRING, v INT)
  WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
";
const SUMS: &str = "
CREATE TABLE sums (k STRING, n BIGINT, total INT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'redis', 'key' = 'sums:{k}');
INSERT INTO sums SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;
";
const GREATEST: &str = "
CREATE TABLE greatest (k STRING, v INT, PRIMARY KEY (k) NOT ENFORCED)
  WITH ('connector' = 'redis', 'key' = 'greatest:{k}');
INSERT INTO greatest SELECT k, MAX(v) FROM events GROUP BY k;
";

fn script(parts: &[&str]) -> String {
    parts.concat()
}

/// Creates two events for each key.
fn stage(keys: usize) -> Stage {
    let line = |n: usize| format!(r#"{{"k": "key-{}", "v": {n}}}"#, n % keys);
    Stage::new(vec![(0..2 * keys).map(line).collect()])
}

/// Writes a savepoint of the first half of the events, with every part in a file.
fn saved(stage: &Stage, script: &str, parallelism: u32, directory: &tempfile::TempDir) -> Restored {
    let half = stage.log.bodies(TOPIC).len() / 2;
    let job = stage.start(&compile(script), parallelism, 100, None);
    job.read_up_to(&[half]);

    let savepoints = CheckpointDirectory::open(directory.path().to_str().expect("a path")).expect("it opens");
    let nothing = EarlierParts::default();
    let mut parts = PartWriter::new(&savepoints, "savepoint", &nothing, (0, 0));
    let snapshot = job.snapshot_kept(&mut parts);
    job.crash();

    let mut manifest = Manifest {
        format: 0,
        kind: CheckpointKind::Savepoint,
        id: 1,
        job_id: String::new(),
        job_name: String::new(),
        taken: NOW.0,
        parallelism,
        records: half as u64,
        state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
        parts: PartTotals::default(),
    };
    savepoints.write("savepoint", &mut manifest, encode(&snapshot), &parts).expect("it is written");
    read_savepoint(&format!("{}/savepoint", savepoints.location())).expect("it is whole")
}

/// Counts the opened files.
struct Counting {
    files: PartFiles,
    opened: AtomicUsize,
}

impl PartReader for Counting {
    fn read(&self, file: &PartFile) -> Result<Vec<u8>, PartError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.files.read(file)
    }
}

fn counting(restored: &Restored) -> (Arc<Counting>, Restore) {
    let counting = Arc::new(Counting { files: restored.part_files(), opened: AtomicUsize::new(0) });
    let restore = Restore { snapshot: restored.snapshot.clone(), parts: counting.clone() };
    (counting, restore)
}

#[test]
fn a_subtask_opens_only_the_files_of_its_key_groups_and_the_rows_are_those_of_a_job_that_went_on() {
    let script = script(&[EVENTS, SUMS, GREATEST]);
    let plan = compile(&script);
    for before in [1, 3] {
        for after in [1, 2, 4, 16] {
            let (stage, directory) = (stage(400), tempfile::tempdir().expect("a directory"));
            let restored = saved(&stage, &script, before, &directory);
            let files = restored.snapshot.part_files().count();
            assert!(files >= 32, "two operators of sixteen cells: {files}");

            let (counting, restore) = counting(&restored);
            let job = stage.start_from(&plan, after, 100, Some(restore));
            job.read_up_to(&[800]);
            job.settle();
            job.crash();
            // The cell boundaries coincide with those of the subtasks, so exactly one subtask opens each
            // file.
            assert_eq!(counting.opened.load(Ordering::Relaxed), files, "{before} to {after}");
            let rows = stage.rows();
            assert_eq!(rows.len(), 800);
            for key in 0..400 {
                let of = |row: &Value, name: &str| row[name].as_i64().expect("a number");
                let (sums, greatest) =
                    (&rows[&format!("sums:key-{key}")], &rows[&format!("greatest:key-{key}")]);
                assert_eq!((of(sums, "n"), of(sums, "total")), (2, 2 * key + 400), "{before} to {after}");
                assert_eq!(of(greatest, "v"), key + 400);
            }
        }
    }
}

#[test]
fn a_file_that_no_operator_takes_on_is_not_opened() {
    let stage = stage(100);
    let directory = tempfile::tempdir().expect("a directory");
    let restored = saved(&stage, &script(&[EVENTS, SUMS, GREATEST]), 1, &directory);
    let dropped = restored.snapshot.part_files().filter(|(operator, ..)| operator.starts_with("greatest"));
    let dropped: Vec<String> = dropped.map(|(.., file)| file.name.clone()).collect();
    assert!(dropped.len() >= 12, "{dropped:?}");
    for name in &dropped {
        std::fs::remove_file(directory.path().join("savepoint").join(name)).expect("it was there");
    }
    let job = stage.start_from(&compile(&script(&[EVENTS, SUMS])), 4, 100, Some(restored.restore()));
    job.read_up_to(&[200]);
    job.settle();
    job.crash();
    assert_eq!(stage.rows()["sums:key-7"]["n"], 2);
}

#[test]
fn a_part_that_was_damaged_since_it_was_looked_at_is_an_error_that_names_the_file() {
    let stage = stage(100);
    let directory = tempfile::tempdir().expect("a directory");
    let script = script(&[EVENTS, SUMS]);
    let restored = saved(&stage, &script, 1, &directory);
    let path = directory.path().join("savepoint/part-3");
    let mut bytes = std::fs::read(&path).expect("it is there");
    let at = bytes.len() - 1;
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).expect("it can be written");
    let error = stage.refused(&compile(&script), 2, restored.restore());
    assert!(matches!(error, ExecutionError::Part(_)), "{error:?}");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("savepoint/part-3") && cause.contains("--from SAVEPOINT"), "{cause}");
}
