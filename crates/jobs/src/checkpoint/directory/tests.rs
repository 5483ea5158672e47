//! Tests of checkpoints that are written, found, damaged and removed.

use super::*;
use crate::checkpoint::{CheckpointKind, EarlierParts, PartTotals, read_savepoint};

const JOB: JobId = JobId(7);

fn manifest(id: u64) -> Manifest {
    Manifest {
        format: 0,
        kind: CheckpointKind::Checkpoint,
        id,
        job_id: JOB.to_string(),
        job_name: "a job".to_owned(),
        taken: 1,
        parallelism: 1,
        records: 0,
        state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
        parts: PartTotals::default(),
    }
}

fn filled(ids: &[u64]) -> (tempfile::TempDir, CheckpointDirectory) {
    let directory = tempfile::tempdir().unwrap();
    let checkpoints = CheckpointDirectory::open(directory.path().to_str().unwrap()).unwrap();
    for &id in ids {
        let state = engine::snapshot::encode(&Snapshot::default());
        let (place, nothing) = (CheckpointDirectory::checkpoint(JOB, id), EarlierParts::default());
        let parts = PartWriter::new(&checkpoints, &place, &nothing, (0, 0));
        checkpoints.write(&place, &mut manifest(id), state, &parts).unwrap();
    }
    (directory, checkpoints)
}

fn newest(checkpoints: &CheckpointDirectory) -> (Option<u64>, Vec<String>) {
    let mut skipped = Vec::new();
    let found = checkpoints.newest(JOB, |error| skipped.push(error.to_string())).unwrap();
    (found.map(|found| found.manifest.id), skipped)
}

#[test]
fn what_is_written_is_read_and_the_newest_is_found() {
    let (directory, checkpoints) = filled(&[1, 2, 10]);
    assert_eq!(newest(&checkpoints), (Some(10), Vec::new()));
    let path = directory.path().join(format!("{JOB}/chk-2"));
    for location in [
        path.display().to_string(),
        path.join("_metadata").display().to_string(),
        format!("file://{}", path.display()),
        format!("file:{}", path.display()),
    ] {
        assert_eq!(read_savepoint(&location).unwrap().manifest.id, 2, "{location}");
    }
}

#[test]
fn a_checkpoint_that_is_not_whole_is_passed_over_and_said_so() {
    let (directory, checkpoints) = filled(&[1, 2, 3, 4, 5]);
    let file = |id: u64, name: &str| directory.path().join(format!("{JOB}/chk-{id}/{name}"));
    std::fs::remove_file(file(5, "_metadata")).unwrap();
    let mut state = std::fs::read(file(4, "state")).unwrap();
    state[9] ^= 1;
    std::fs::write(file(4, "state"), &state).unwrap();
    std::fs::write(file(3, "state"), &state[..state.len() - 1]).unwrap();
    std::fs::remove_file(file(2, "state")).unwrap();
    let (found, skipped) = newest(&checkpoints);
    assert_eq!((found, skipped.len()), (Some(1), 4));
    assert!(skipped[0].contains("holds no _metadata") && skipped[1].contains("checksum"), "{skipped:#?}");
    assert!(skipped[2].contains("bytes") && skipped[3].contains("reading"), "{skipped:#?}");
}

#[test]
fn a_job_whose_checkpoints_are_all_damaged_is_not_begun_anew() {
    type Harm = fn(&std::path::Path);
    let cut = |path: &std::path::Path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };

    let flip = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };

    let remove = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    let harms: [(&str, Harm); 3] = [("cut short", cut), ("flipped", flip), ("removed", remove)];

    for (name, harm) in harms {
        for file in ["state", "_metadata"] {
            let (directory, checkpoints) = filled(&[4, 5, 6]);
            let path = |id: u64| directory.path().join(format!("{JOB}/chk-{id}/{file}"));
            harm(&path(6));
            assert_eq!(newest(&checkpoints).0, Some(5), "{file} {name}");
            harm(&path(5));
            harm(&path(4));
            let error = checkpoints.newest(JOB, |_| ()).expect_err(name);
            let text = types::with_causes(&error);
            assert!(text.contains("none of the 3") && text.contains("weir up --afresh"), "{text}");
            assert!(text.contains("chk-6"), "the newest is named: {text}");
        }
    }
}

#[test]
fn a_job_that_never_finished_a_checkpoint_has_none() {
    let (directory, checkpoints) = filled(&[1]);
    let path = |id: u64, name: &str| directory.path().join(format!("{JOB}/chk-{id}/{name}"));
    std::fs::remove_file(path(1, "_metadata")).unwrap();
    std::fs::create_dir_all(path(2, "")).unwrap();
    assert_eq!(newest(&checkpoints).0, None);
    assert_eq!(checkpoints.newest(JobId(8), |_| ()).unwrap(), None);
}

#[test]
fn a_newer_format_is_refused_whatever_else_it_says() {
    let (directory, checkpoints) = filled(&[1]);
    let metadata = directory.path().join(format!("{JOB}/chk-1/_metadata"));
    std::fs::write(metadata, r#"{"format": 99, "else": true}"#).unwrap();
    let error = checkpoints.read(&CheckpointDirectory::checkpoint(JOB, 1)).unwrap_err();
    assert!(error.to_string().contains("format 99"), "{error}");
}

#[test]
fn only_the_newest_are_kept_and_unfinished_ones_do_not_count() {
    let (directory, checkpoints) = filled(&[1, 2, 3, 4, 5]);
    for id in [2, 4] {
        std::fs::remove_file(directory.path().join(format!("{JOB}/chk-{id}/_metadata"))).unwrap();
    }
    checkpoints.prune(JOB, 2).unwrap();
    assert_eq!(checkpoints.ids(JOB).unwrap(), [3, 5]);
    let left: Vec<_> = std::fs::read_dir(directory.path().join(JOB.to_string())).unwrap().collect();
    assert_eq!(left.len(), 2, "empty directories stay behind");
}

#[test]
fn places_that_are_no_directory_here_are_refused() {
    for location in ["s3://bucket/path", "hdfs://host/path", "file:relative"] {
        let error = CheckpointDirectory::open(location).err().unwrap();
        assert!(matches!(error, DirectoryError::Scheme { .. }), "{error}");
    }
    assert!(matches!(read_savepoint("/nowhere/at/all"), Err(DirectoryError::Missing { .. })));
}
