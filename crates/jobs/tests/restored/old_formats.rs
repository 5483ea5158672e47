//! Savepoints of all format versions: each is restored, and must lead to the same rows as with its own
//! version.
//!
//! `fixtures/VERSION/NAME` contains a savepoint (`_metadata` and `state`), the script of its job, the lines
//! before and after the savepoint (`lines.jsonl`), and what the job wrote afterwards (`expected.golden`).
//!
//! A new format version needs new fixtures, which are kept from then on: `WRITE_FIXTURES=1 cargo test -p jobs
//! --test restored old_formats`. Existing files are never overwritten.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine::operator::LedgerCounts;
use engine::snapshot::{VERSION, encode};
use jobs::checkpoint::{
    CheckpointDirectory, CheckpointKind, EarlierParts, INLINE_BELOW, Manifest, PartTotals, PartWriter,
    StateFile, read_savepoint,
};
use serde_json::Value;
use types::{Interval, JobId};

use crate::interrupted;
use crate::lines::lines;
use crate::memory::MemoryLog;
use crate::random::Random;
use crate::stage::{NOW, Running, Stage, TOPIC, compile};

/// Later than the end of every window.
const LATER: Interval = Interval(3 * 24 * 3_600_000);

/// Operators with state by key.
const OPERATORS: &str = "
CREATE TABLE user_queries (`user` ROW<user_id INT, user_type STRING>)
  WITH ('connector' = 'kafka', 'topic' = 'user-queries', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json',
        'json.ignore-parse-errors' = 'true');
CREATE TABLE types (kind STRING, n BIGINT, users BIGINT, PRIMARY KEY (kind) NOT ENFORCED)
  WITH ('connector' = 'redis', 'key' = 'types:{kind}');
CREATE TABLE users (id INT, n BIGINT, kind STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'redis', 'key' = 'users:{id}');
EXECUTE STATEMENT SET BEGIN
INSERT INTO types SELECT `user`.user_type, COUNT(*), COUNT(DISTINCT `user`.user_id) FROM user_queries
WHERE `user`.user_type <> '' GROUP BY `user`.user_type;
INSERT INTO users SELECT `user`.user_id, COUNT(*), MAX(`user`.user_type) FROM user_queries
WHERE `user`.user_id IS NOT NULL GROUP BY `user`.user_id;
END;
";

/// A script, its topic and lines, and the number of lines before the savepoint.
struct Case {
    script: String,
    topic: String,
    lines: Vec<String>,
    saved: usize,
    /// Parts with fewer bytes are written into the envelope.
    inline_below: u64,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/restored/fixtures")
}

fn stage(case: &Case) -> Stage {
    let mut stage = Stage::new(Vec::new());
    stage.log = MemoryLog::with(&case.topic, vec![case.lines.clone()]);
    stage
}

/// Lets a job read the remaining lines. Returns its rows by key, and its ledger.
fn rest(case: &Case, stage: &Stage, job: Running<'_>) -> (BTreeMap<String, Value>, LedgerCounts) {
    job.snapshot_of(&case.topic, case.lines.len());
    let ledger = job.finish_after(LATER);
    (stage.rows(), ledger)
}

/// Returns one line per row, and one for the ledger.
fn text((rows, ledger): &(BTreeMap<String, Value>, LedgerCounts)) -> String {
    let mut text: String = rows.iter().map(|(key, row)| format!("{key} {row}\n")).collect();
    text += &serde_json::to_string(ledger).expect("a ledger is JSON");
    text + "\n"
}

fn write_new(directory: &Path, case: &Case) {
    fs::create_dir_all(directory.parent().expect("a version's directory")).expect("it can be made");
    fs::create_dir(directory).expect("fixtures are not written over");
    let stage_before = stage(case);
    let plan = compile(&case.script);
    let job = stage_before.start(&plan, 2, 100, None);
    job.snapshot_of(&case.topic, case.saved);
    let (parent, name) = (directory.parent().expect("a parent"), directory.file_name().expect("a name"));
    let savepoints = CheckpointDirectory::open(&parent.display().to_string()).expect("it opens");
    let (nothing, place) = (EarlierParts::default(), name.to_string_lossy());
    let mut parts = PartWriter::new(&savepoints, &place, &nothing, (case.inline_below, 0));
    let snapshot = job.snapshot_kept(&mut parts);
    let truth = rest(case, &stage_before, job);
    let mut manifest = Manifest {
        format: 0,
        kind: CheckpointKind::Savepoint,
        id: 1,
        job_id: JobId(7).to_string(),
        job_name: directory.file_name().expect("a name").to_string_lossy().into_owned(),
        taken: NOW.0,
        parallelism: 2,
        records: case.saved as u64,
        state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
        parts: PartTotals::default(),
    };
    savepoints.write(&place, &mut manifest, encode(&snapshot), &parts).expect("it is written");

    let stage_after = stage(case);
    let restore = read_savepoint(&directory.display().to_string()).expect("it can be read").restore();
    let expected = rest(case, &stage_after, stage_after.start_from(&plan, 1, 100, Some(restore)));
    assert_eq!(expected.1, truth.1);
    for (key, row) in &expected.0 {
        assert_eq!(Some(row), truth.0.get(key), "{key} is not what a job says that was not interrupted");
    }
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).expect("it can be written");
    write("script.sql", &case.script);
    write("lines.jsonl", &(case.lines.join("\n") + "\n"));
    write("expected.golden", &text(&expected));
}

/// Writes the fixtures of this version.
fn write_fixtures() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases/aggregates");
    let read = |name: &str| fs::read_to_string(golden.join(name)).expect("the case is there");
    let aggregates = Case {
        script: read("script.sql"),
        topic: "t".to_owned(),
        lines: read("t.jsonl").lines().map(str::to_owned).collect(),
        saved: 6,
        inline_below: INLINE_BELOW,
    };
    let analytics = Case {
        script: interrupted::script(),
        topic: TOPIC.to_owned(),
        lines: lines(&mut Random(5), 60),
        saved: 40,
        inline_below: INLINE_BELOW,
    };
    // Operators with state by key, whose parts are all files.
    let operators = Case {
        script: OPERATORS.to_owned(),
        topic: TOPIC.to_owned(),
        lines: lines(&mut Random(6), 60),
        saved: 40,
        inline_below: 0,
    };

    for (name, case) in [("aggregates", aggregates), ("analytics", analytics), ("operators", operators)] {
        write_new(&fixtures().join(VERSION.to_string()).join(name), &case);
    }
}

#[test]
fn savepoints_of_every_version_are_restored_and_lead_to_the_rows_they_led_to_then() {
    if std::env::var_os("WRITE_FIXTURES").is_some() {
        write_fixtures();
    }

    let versions = fs::read_dir(fixtures()).expect("the fixtures are there");
    let mut found: Vec<u16> = Vec::new();
    for version in versions {
        let version = version.expect("a version").path();
        let name = version.file_name().expect("a name").to_string_lossy().into_owned();
        found.push(name.parse().expect("a version is a number"));
        for directory in fs::read_dir(&version).expect("a directory") {
            let directory = directory.expect("a fixture").path();
            let read = |name: &str| fs::read_to_string(directory.join(name)).expect(name);
            let savepoint = read_savepoint(&directory.display().to_string()).expect("it can be read");
            let position = savepoint.snapshot.pipelines[0].splits().next().expect("a position").clone();
            let case = Case {
                script: read("script.sql"),
                topic: position.split.topic,
                lines: read("lines.jsonl").lines().map(str::to_owned).collect(),
                saved: position.offset as usize,
                inline_below: INLINE_BELOW,
            };

            assert!(0 < case.saved && case.saved < case.lines.len());
            let expected = read("expected.golden");
            let plan = compile(&case.script);

            for parallelism in [1, 3] {
                let stage = stage(&case);
                let job = stage.start_from(&plan, parallelism, 100, Some(savepoint.restore()));
                let found = text(&rest(&case, &stage, job));
                let at = format!("{}, parallelism {parallelism}", directory.display());
                for (found, expected) in found.lines().zip(expected.lines()) {
                    assert_eq!(found, expected, "{at}");
                }
                assert_eq!(found.len(), expected.len(), "{at}");
            }
        }
    }
    assert!(found.contains(&VERSION), "there is no fixture of version {VERSION}: see the top of this file");
}
