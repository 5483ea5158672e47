//! Tests of checkpoints that share part files, lose them, or are incomplete.

use std::os::unix::fs::MetadataExt as _;

use engine::snapshot::{OperatorPart, encode};
use engine::state::StatePart;
use types::JobId;

use super::*;
use crate::checkpoint::{CheckpointKind, Manifest, StateFile, read_savepoint};

const JOB: JobId = JobId(7);

struct World {
    root: tempfile::TempDir,
    checkpoints: CheckpointDirectory,
}

impl World {
    fn new() -> World {
        let root = tempfile::tempdir().unwrap();
        let checkpoints = CheckpointDirectory::open(root.path().join("c").to_str().unwrap()).unwrap();
        World { root, checkpoints }
    }

    fn path(&self, id: u64, name: &str) -> PathBuf {
        self.root.path().join(format!("c/{JOB}/chk-{id}/{name}"))
    }

    /// Writes a checkpoint of an operator with these bytes in its cells.
    fn write(&self, id: u64, cells: &[&[u8]], earlier: &EarlierParts) -> (EarlierParts, PartTotals) {
        let place = CheckpointDirectory::checkpoint(JOB, id);
        write_to(&self.checkpoints, &place, (id, CheckpointKind::Checkpoint), cells, earlier)
    }

    fn newest(&self) -> (Option<u64>, Vec<String>) {
        let mut skipped = Vec::new();
        let newest = self.checkpoints.newest(JOB, |error| skipped.push(error.to_string()));
        (newest.unwrap_or_default().map(|newest| newest.manifest.id), skipped)
    }
}

fn image(cell: u32, bytes: &[u8]) -> StateImage {
    StateImage { parts: vec![StatePart { key_group: cell * 8, bytes: bytes.to_vec() }] }
}

fn keep(writer: &mut PartWriter<'_>, cells: &[&[u8]]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (cell, bytes) in cells.iter().enumerate() {
        let groups = KeyGroups::cell(cell as u32);
        let kept = writer.keep("sums/1", groups, &image(cell as u32, bytes)).unwrap();
        snapshot.add_parts("sums/1", "GroupAggregate", vec![OperatorPart { groups, content: kept.content }]);
    }
    snapshot
}

fn write_to(
    directory: &CheckpointDirectory,
    place: &str,
    (id, kind): (u64, CheckpointKind),
    cells: &[&[u8]],
    earlier: &EarlierParts,
) -> (EarlierParts, PartTotals) {
    let mut writer = PartWriter::new(directory, place, earlier, (4, 0));
    let snapshot = keep(&mut writer, cells);
    let mut manifest = Manifest {
        format: 0,
        kind,
        id,
        job_id: JOB.to_string(),
        job_name: String::new(),
        taken: 1,
        parallelism: 1,
        records: 0,
        state: StateFile { name: String::new(), bytes: 0, crc32: 0 },
        parts: PartTotals::default(),
    };
    directory.write(place, &mut manifest, encode(&snapshot), &writer).unwrap();
    let location = Path::new(directory.location()).join(place);
    (EarlierParts::of(&location, &snapshot), writer.totals())
}

/// Returns the contents of a checkpoint's parts.
fn contents(restored: &Restored) -> Vec<Vec<u8>> {
    let reader = restored.part_files();
    let part = |part: &OperatorPart| match &part.content {
        PartContent::Inline(bytes) => bytes.0.clone(),
        PartContent::File(file) => reader.read(file).unwrap(),
    };
    restored.snapshot.operators.iter().flat_map(|operator| &operator.parts).map(part).collect()
}

fn expected(cells: &[&[u8]]) -> Vec<Vec<u8>> {
    cells.iter().enumerate().map(|(cell, bytes)| image(cell as u32, bytes).to_bytes()).collect()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

const FIRST: &[&[u8]] = &[b"unchanged", b"changes", b"x", b"goes"];
const SECOND: &[&[u8]] = &[b"unchanged", b"CHANGES", b"y"];

#[test]
fn an_unchanged_part_is_referred_to_and_a_changed_or_small_one_is_written() {
    let world = World::new();
    let (earlier, first) = world.write(1, FIRST, &EarlierParts::default());
    let (_, second) = world.write(2, SECOND, &earlier);

    assert_eq!((first.files, first.reused), (3, 0), "the small part is no file");
    assert_eq!((second.files, second.reused), (2, fs::metadata(world.path(2, "part-0")).unwrap().len()));
    assert_eq!(inode(&world.path(1, "part-0")), inode(&world.path(2, "part-0")));
    assert_ne!(inode(&world.path(1, "part-1")), inode(&world.path(2, "part-1")));
    for (id, cells) in [(1, FIRST), (2, SECOND)] {
        let place = CheckpointDirectory::checkpoint(JOB, id);
        assert_eq!(contents(&world.checkpoints.read(&place).unwrap()), expected(cells));
    }
}

#[test]
fn a_part_is_there_until_no_checkpoint_refers_to_it() {
    let world = World::new();
    let mut earlier = EarlierParts::default();
    for id in 1..=3 {
        earlier = world.write(id, if id == 1 { FIRST } else { SECOND }, &earlier).0;
    }
    world.checkpoints.prune(JOB, 1).unwrap();
    assert_eq!(world.checkpoints.ids(JOB).unwrap(), [3]);
    let place = CheckpointDirectory::checkpoint(JOB, 3);
    assert_eq!(contents(&world.checkpoints.read(&place).unwrap()), expected(SECOND));
    // The first checkpoint's file is removed: it has no second link.
    assert_eq!(fs::metadata(world.path(3, "part-0")).unwrap().nlink(), 1);
}

#[test]
fn a_part_whose_earlier_file_is_gone_or_cut_is_written_again() {
    let harms: [fn(&Path); 2] =
        [|path| fs::remove_file(path).unwrap(), |path| fs::write(path, b"short").unwrap()];
    for harm in harms {
        let world = World::new();
        let (earlier, _) = world.write(1, FIRST, &EarlierParts::default());
        harm(&world.path(1, "part-0"));
        assert_eq!(world.write(2, SECOND, &earlier).1.reused, 0);
        assert_eq!(world.newest().0, Some(2));
    }
}

#[test]
fn a_savepoint_shares_no_file_and_can_be_moved() {
    let world = World::new();
    let (earlier, _) = world.write(1, FIRST, &EarlierParts::default());
    let savepoints = CheckpointDirectory::open(world.root.path().join("s").to_str().unwrap()).unwrap();
    write_to(&savepoints, "savepoint-a", (2, CheckpointKind::Savepoint), FIRST, &EarlierParts::default());
    world.write(3, FIRST, &earlier);

    let moved = world.root.path().join("elsewhere");
    fs::rename(world.root.path().join("s/savepoint-a"), &moved).unwrap();
    fs::remove_dir_all(world.root.path().join("c")).unwrap();
    assert_eq!(fs::metadata(moved.join("part-0")).unwrap().nlink(), 1);
    assert_eq!(contents(&read_savepoint(moved.to_str().unwrap()).unwrap()), expected(FIRST));
}

#[test]
fn a_missing_or_damaged_part_is_named_with_what_can_be_done_and_the_checkpoint_before_is_taken() {
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let cut = |path: &Path| fs::write(path, b"WEIRPART").unwrap();
    type Harm = (&'static str, fn(&Path));
    let harms: [Harm; 3] =
        [("is missing", remove), ("is damaged (it has 8 bytes", cut), ("is damaged (its bytes", flip)];
    for (says, harm) in harms {
        let world = World::new();
        let (earlier, _) = world.write(1, FIRST, &EarlierParts::default());
        world.write(2, SECOND, &earlier);
        harm(&world.path(2, "part-1"));
        let (newest, skipped) = world.newest();
        assert_eq!(newest, Some(1), "{says}");
        let error = &skipped[0];
        assert!(error.contains("chk-2/part-1") && error.contains(says), "{error}");
        assert!(error.contains("restore it from a copy"), "{error}");
        assert!(error.contains("--from SAVEPOINT"), "{error}");

        // Both checkpoints lose a file that they share.
        harm(&world.path(1, "part-1"));
        let error = world.checkpoints.newest(JOB, |_| ()).unwrap_err();
        assert!(matches!(error, DirectoryError::NoneWhole { count: 2, .. }), "{error}");
    }
}

#[test]
fn what_was_left_in_the_middle_of_writing_parts_is_removed_and_is_never_written_into() {
    let world = World::new();
    let (earlier, _) = world.write(1, FIRST, &EarlierParts::default());

    // The process was killed after one linked part and one part that was begun.
    let left = || {
        let place = CheckpointDirectory::checkpoint(JOB, 2);
        let mut writer = PartWriter::new(&world.checkpoints, &place, &earlier, (4, 0));
        keep(&mut writer, &[b"unchanged", b"other"]);
        fs::write(world.path(2, "part-1"), b"WEIRP").unwrap();
        assert_eq!(inode(&world.path(1, "part-0")), inode(&world.path(2, "part-0")));
    };
    left();
    assert_eq!(world.newest().0, Some(1), "it is none");
    world.checkpoints.remove_orphans(JOB).unwrap();
    assert!(!world.path(2, "").exists());
    assert_eq!(world.newest(), (Some(1), Vec::new()));

    // If it could not be removed, a checkpoint with the same number replaces it.
    left();
    let other: &[&[u8]] = &[b"something else"];
    world.write(2, other, &earlier);
    for (id, cells) in [(1, FIRST), (2, other)] {
        let place = CheckpointDirectory::checkpoint(JOB, id);
        assert_eq!(contents(&world.checkpoints.read(&place).unwrap()), expected(cells));
    }
}

#[test]
fn a_checkpoint_that_was_finished_is_no_orphan() {
    let world = World::new();
    world.write(1, FIRST, &EarlierParts::default());
    world.write(2, FIRST, &EarlierParts::default());
    // A user removed the metadata; the remaining files may still be useful to them.
    fs::remove_file(world.path(2, "_metadata")).unwrap();
    world.checkpoints.remove_orphans(JOB).unwrap();
    assert_eq!(world.checkpoints.ids(JOB).unwrap(), [1, 2]);
}

#[test]
fn a_full_disk_is_the_reason_that_a_part_is_not_kept() {
    let world = World::new();
    let nothing = EarlierParts::default();
    let mut writer = PartWriter::new(&world.checkpoints, "x", &nothing, (4, u64::MAX));
    assert_eq!(writer.keep("sums/1", KeyGroups::ALL, &image(0, b"a part")), Err(NotKept));
    assert!(matches!(writer.into_failure(), Some(DirectoryError::Full { .. })));
}
