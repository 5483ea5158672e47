//! Checkpoints of operators with state in files: what is written, and how a job is restored.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jobs::checkpoint::{CheckpointRecord, CheckpointState};
use jobs::{JobMaster, JobOrigin, Sequel, Submission};

use crate::world::{World, submission, until};

const LONG: Duration = Duration::from_secs(20);

/// A script that counts by key, where each part of the state is a file.
const SCRIPT: &str = "
SET 'execution.checkpointing.data-inline-threshold' = '0';
SET 'weir.max-future' = '0 s';
CREATE TABLE events (k STRING)
  WITH ('connector' = 'kafka', 'topic' = 'events', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE counts (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'all:{k}');
INSERT INTO counts SELECT k, COUNT(*) FROM events GROUP BY k;
";

const KEYS: [&str; 24] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x",
];

fn each_key() -> Vec<(&'static str, u32)> {
    KEYS.iter().map(|&key| (key, 0)).collect()
}

/// Takes a checkpoint. Returns its record, its directory, and its part files by name.
fn checkpoint(
    world: &World,
    job: &JobMaster,
) -> (CheckpointRecord, PathBuf, BTreeMap<String, std::fs::Metadata>) {
    let id = job.checkpoint().expect("a checkpoint");
    let record = job.view().checkpoints.latest_completed.expect("it is told of");
    assert_eq!(record.id, id);
    let directory = Path::new(&world.place("checkpoints")).join(format!("{}/chk-{id}", job.id()));
    let files = part_files(&directory);
    (record, directory, files)
}

fn part_files(directory: &Path) -> BTreeMap<String, std::fs::Metadata> {
    let entries = std::fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("a file"));
    let name = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let parts = entries.filter(|entry| name(entry).starts_with("part-"));
    parts.map(|entry| (name(&entry), entry.metadata().expect("a file"))).collect()
}

/// Returns the size of the state, and of the parts that the previous checkpoint had written.
fn sizes(record: &CheckpointRecord) -> (u64, u64) {
    let CheckpointState::Completed { bytes, reused, .. } = record.state else { panic!("{record:?}") };
    let of_subtasks: u64 = record.parts.iter().map(|part| part.reused).sum();
    assert_eq!(of_subtasks, reused, "{record:?}");
    (bytes, reused)
}

#[test]
fn only_what_has_changed_is_written_and_a_restart_goes_on_from_it_at_another_parallelism() {
    let mut world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &each_key());

    let (first, _, written) = checkpoint(&world, &job);
    assert!(written.len() > 8, "{written:?}");
    assert_eq!(sizes(&first).1, 0);

    let (second, _, linked) = checkpoint(&world, &job);
    let of_files: u64 = linked.values().map(std::fs::Metadata::len).sum();
    assert_eq!(sizes(&second).1, of_files);
    assert!(sizes(&second).0 > of_files, "the envelope counts too");
    assert!(linked.iter().all(|(name, file)| written[name].ino() == file.ino()));

    world.give(&job, 0, &[("a", 0)]);
    let (third, directory, changed) = checkpoint(&world, &job);
    let new: Vec<&String> =
        changed.iter().filter(|(name, file)| linked[*name].ino() != file.ino()).map(|of| of.0).collect();
    assert_eq!(new.len(), 1, "only the part of the key is written: {new:?}");
    assert_eq!(sizes(&third).1, of_files - changed[new[0]].len());

    // Two checkpoints are retained: the first is removed, except for the files that the others use.
    assert!(!directory.with_file_name("chk-1").exists());
    assert!(process.shut_down(LONG));
    world.defaults.parallelism = 3;
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!((job.view().checkpoints.restored, job.view().ledger.accepted), (1, 25));
    world.give(&job, 0, &each_key());
    let expected = KEYS.iter().map(|&key| (format!("all:{key}"), if key == "a" { 3 } else { 2 }));
    assert_eq!(world.counts(), expected.collect());
    assert!(process.shut_down(LONG));
}

#[test]
fn a_job_whose_newest_checkpoint_has_a_damaged_part_goes_on_from_the_one_before() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &each_key());
    checkpoint(&world, &job);
    world.give(&job, 0, &each_key());
    assert!(process.shut_down(LONG));

    let last = Path::new(&world.place("checkpoints")).join(format!("{}/chk-2", job.id()));
    let (name, _) = part_files(&last).pop_first().expect("a part");
    std::fs::remove_file(last.join(name)).expect("it was there");
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!(job.view().checkpoints.latest_restored.map(|from| from.id), Some(1));
    until("all is counted again", || job.view().ledger.accepted == 48);
    world.written(&job);
    assert!(world.counts().values().all(|&n| n == 2), "{:?}", world.counts());
    assert!(process.shut_down(LONG));
}

#[test]
fn what_a_killed_process_left_in_the_middle_of_writing_parts_is_removed_at_the_next_start() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.give(&job, 0, &each_key());
    let (_, directory, files) = checkpoint(&world, &job);
    assert!(process.shut_down(LONG));

    // The files of a process that was killed after its first link and in its second part.
    let left = directory.with_file_name("chk-3");
    std::fs::create_dir(&left).expect("a directory");
    std::fs::hard_link(directory.join("part-0"), left.join("part-0")).expect("a link");
    std::fs::write(left.join("part-1"), b"WEIRP").expect("a part that was begun");

    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert!(!left.exists(), "nobody would ever remove it");
    assert_eq!(part_files(&directory).keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    world.give(&job, 0, &each_key());
    assert!(world.counts().values().all(|&n| n == 2), "{:?}", world.counts());
    assert!(process.shut_down(LONG));
}

#[test]
fn a_savepoint_is_moved_and_started_from_when_all_else_is_gone() {
    let mut world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    world.give(&job, 0, &each_key());
    checkpoint(&world, &job);
    let savepoint = job.savepoint(None, Sequel::Stop).expect("a savepoint");
    assert!(process.shut_down(LONG));
    assert!(part_files(Path::new(&savepoint)).values().all(|file| file.nlink() == 1));

    let moved = world.place("elsewhere");
    std::fs::rename(&savepoint, &moved).expect("it can be moved");
    for name in ["checkpoints", "savepoints", "jobs"] {
        std::fs::remove_dir_all(world.place(name)).expect("it can be removed");
    }
    world.defaults.parallelism = 2;
    let process = world.process();
    let submission = Submission { from: Some(&moved), ..submission(SCRIPT, JobOrigin::Submitted) };
    let job = process.submit(submission).expect("it starts");
    world.give(&job, 0, &[("a", 0)]);
    assert_eq!((world.counts()["all:a"], world.counts()["all:b"]), (2, 1));
    assert!(process.shut_down(LONG));
}
