//! The file that keeps statements from one shell to the next.

use std::path::{Path, PathBuf};

use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, Helper};

/// Maximum of kept statements.
pub(super) const ENTRIES_MAX: usize = 1_000;
/// Maximum length of a kept statement. Longer ones come from files.
const ENTRY_BYTES_MAX: usize = 16 << 10;

pub(super) struct History {
    /// `None` where there is no directory for the file.
    path: Option<PathBuf>,
}

impl History {
    /// Returns the history in the user's data directory.
    pub(super) fn of_user() -> History {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        History { path: place(variable("XDG_DATA_HOME"), variable("HOME")) }
    }

    pub(super) fn load<H: Helper>(&self, editor: &mut Editor<H, FileHistory>) {
        // The file does not exist before the first statement.
        if let Some(path) = &self.path {
            let _ = editor.load_history(path);
        }
    }

    /// Appends a statement at once, so that a killed shell loses nothing. Fails where the file cannot be
    /// written.
    pub(super) fn add<H: Helper>(
        &self,
        editor: &mut Editor<H, FileHistory>,
        statement: &str,
    ) -> rustyline::Result<()> {
        if statement.len() > ENTRY_BYTES_MAX || !editor.add_history_entry(statement)? {
            return Ok(());
        }
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(directory) = path.parent() {
            make(directory)?;
        }
        // The editor creates the file for its owner alone.
        editor.append_history(path)
    }
}

/// Returns the editor's configuration.
pub(super) fn config() -> rustyline::Result<Config> {
    let config = Config::builder().max_history_size(ENTRIES_MAX)?.history_ignore_dups(true)?;
    let config = config.history_ignore_space(true).completion_type(CompletionType::List);
    Ok(config.build())
}

fn place(data: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    // The specification of XDG ignores relative paths.
    let data = data.filter(|path| path.is_absolute());
    let directory = data.or_else(|| Some(home?.join(".local").join("share")))?;
    Some(directory.join("weir").join("sql_history"))
}

fn make(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_lies_in_the_users_data() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(place(path("/data"), path("/me")), path("/data/weir/sql_history"));
        assert_eq!(place(path("data"), path("/me")), path("/me/.local/share/weir/sql_history"));
        assert_eq!(place(None, None), None);
    }

    #[test]
    fn it_is_kept_for_its_owner_alone_and_has_a_bound() {
        let directory = tempfile::tempdir().unwrap();
        let history = History { path: Some(directory.path().join("weir/sql_history")) };
        let editor = || Editor::<(), FileHistory>::with_config(config().unwrap()).unwrap();
        let mut first = editor();
        for n in 0..ENTRIES_MAX + 2 {
            history.add(&mut first, &format!("SELECT {n}\nFROM t;")).unwrap();
        }
        history.add(&mut first, &"x".repeat(ENTRY_BYTES_MAX + 1)).unwrap();
        history.add(&mut first, " SELECT 'a secret';").unwrap();
        let mode = std::fs::metadata(history.path.as_ref().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut second = editor();
        history.load(&mut second);
        let entries: Vec<&String> = second.history().iter().collect();
        assert_eq!(entries.len(), ENTRIES_MAX);
        assert_eq!(entries[0], "SELECT 2\nFROM t;");
    }
}
