//! Protects Weir's files: only the user that Weir runs as may read them.
//!
//! Events, results, checkpoints and scripts may hold private questions and credentials of other systems. So
//! everything that `weir up` and `weir tokens` create has mode 0700 (directories) or 0600 (files). The
//! process's umask ensures that for every file, also for those that libraries create. Files that an earlier
//! version left readable are repaired at the start.
//!
//! Only the names that Weir itself creates in the data directory are repaired. Everything else there belongs
//! to others, such as a script beside the data.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::Mode;

/// Names that Weir creates in the data directory.
const OURS: [&str; 12] = [
    "log",
    "results",
    "redis-copy",
    "kafka-notes",
    "jobs",
    "checkpoints",
    "savepoints",
    "dashboards",
    "alerts",
    "tokens.json",
    "tokens.lock",
    "tokens-used.json",
];

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Makes everything that this process creates from now on inaccessible to everybody but the owner.
pub(crate) fn create_private_files() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Numbers of repaired files, and of files that could not be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Repaired {
    directories: usize,
    files: usize,
    failed: usize,
}

/// Removes the permissions of others from Weir's files in a data directory, and logs it.
pub(crate) fn repair(data_dir: &Path) {
    let repaired = repair_all(data_dir);
    let Repaired { directories, files, failed } = repaired;
    let path = data_dir.display();
    if directories + files > 0 {
        tracing::warn!(
            %path, directories, files,
            "other users of this machine could read the data: now only its owner can"
        );
    }
    if failed > 0 {
        tracing::error!(
            %path, failed,
            "other users of this machine may read some of the data: Weir could not change its mode"
        );
    }
}

fn repair_all(data_dir: &Path) -> Repaired {
    let mut repaired = Repaired::default();
    let Ok(entries) = fs::read_dir(data_dir) else { return repaired };

    let mut is_all_ours = true;
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| OURS.contains(&name)) {
            tighten(&entry.path(), &mut repaired);
        } else {
            is_all_ours = false;
        }
    }
    // A directory that others use as well, such as a home, keeps its mode.
    if is_all_ours && let Ok(found) = fs::symlink_metadata(data_dir) {
        set_mode(data_dir, &found, &mut repaired);
    }
    repaired
}

fn tighten(path: &Path, repaired: &mut Repaired) {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        // Somebody has removed the file a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(_) => {
            repaired.failed += 1;
            return;
        }
    };
    set_mode(path, &found, repaired);
    if found.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| tighten(&entry.path(), repaired));
    }
}

/// Symbolic links are left alone: their targets may belong to others.
fn set_mode(path: &Path, found: &Metadata, repaired: &mut Repaired) {
    let (mode, count) = if found.is_dir() {
        (DIRECTORY, &mut repaired.directories)
    } else if found.is_file() {
        (FILE, &mut repaired.files)
    } else {
        return;
    };
    if found.permissions().mode() & OTHERS == 0 {
        return;
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        Ok(()) => *count += 1,
        Err(_) => repaired.failed += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn make(path: &Path, mode: u32) {
        if path.extension().is_none() {
            fs::create_dir_all(path).expect("a directory");
        } else {
            fs::write(path, "x").expect("a file");
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn what_is_ours_is_repaired_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        make(directory.path(), 0o755);
        for (name, mode) in
            [("jobs", 0o755), ("jobs/a.json", 0o644), ("jobs/history", 0o700), ("jobs/history/b.job", 0o600)]
        {
            make(&at(name), mode);
        }
        make(&at("tokens.json"), 0o640);
        assert_eq!(repair_all(directory.path()), Repaired { directories: 2, files: 2, failed: 0 });
        for (name, expected) in
            [("jobs", 0o700), ("jobs/a.json", 0o600), ("jobs/history", 0o700), ("tokens.json", 0o600)]
        {
            assert_eq!(mode(&at(name)), expected, "{name}");
        }
        assert_eq!(mode(directory.path()), 0o700);
        assert_eq!(repair_all(directory.path()), Repaired::default());

        // Beside a user's script the directory keeps its mode, and so does the script.
        make(&at("job.sql"), 0o644);
        make(directory.path(), 0o755);
        assert_eq!(repair_all(directory.path()), Repaired::default());
        assert_eq!((mode(&at("job.sql")), mode(directory.path())), (0o644, 0o755));
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let elsewhere = tempfile::tempdir().expect("a directory");
        make(elsewhere.path(), 0o755);
        std::os::unix::fs::symlink(elsewhere.path(), directory.path().join("log")).expect("a link");
        repair_all(directory.path());
        assert_eq!(mode(elsewhere.path()), 0o755);
    }
}
