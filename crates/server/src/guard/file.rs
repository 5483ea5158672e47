//! The file of tokens in the data directory: written atomically, by one process at a time, and readable by
//! its owner only.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::{ErrorDomain, Timestamp};

use super::role::Role;
use super::token::{NAME_MAX, Secret, Token};
use super::uses::last_uses;

const NAME: &str = "tokens.json";
const VERSION: u32 = 1;
/// Maximum number of tokens. All of them are in memory, and are read again whenever one changes.
const TOKENS_MAX: usize = 10_000;

/// Causes for which tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("{}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not a token file: {message}", path.display())]
    Damaged { path: PathBuf, message: String },
    #[error("`{name}` is not a valid token name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`")]
    Name { name: String },
    #[error("a token `{name}` exists already: revoke it first, or choose another name")]
    Taken { name: String },
    #[error("a token needs a role")]
    NoRole,
    #[error("there is no token `{name}`: `weir tokens list` lists all tokens")]
    Unknown { name: String },
    #[error("there are {TOKENS_MAX} tokens already")]
    Many,
    #[error("the operating system provides no random numbers")]
    NoRandom,
}

impl TokenError {
    pub fn domain(&self) -> ErrorDomain {
        match self {
            TokenError::Io { .. } | TokenError::NoRandom => ErrorDomain::External,
            _ => ErrorDomain::User,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    tokens: Vec<Token>,
}

/// Identifies a state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified_ns: i128,
}

impl Stamp {
    /// Returns the present state; `None` if the file does not exist.
    pub(super) fn of(path: &Path) -> io::Result<Option<Stamp>> {
        match fs::metadata(path) {
            Ok(about) => Ok(Some(Stamp {
                inode: about.ino(),
                length: about.len(),
                modified_ns: i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The file in which tokens are stored.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// Returns the file in a data directory, which need not exist yet.
    pub fn below(data_dir: &Path) -> TokenFile {
        TokenFile { path: data_dir.join(NAME) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all tokens, oldest first, expired ones included; `None` if there never was one.
    pub fn read(&self) -> Result<Option<Vec<Token>>, TokenError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(error)),
        };
        let damaged = |message: String| TokenError::Damaged { path: self.path.clone(), message };
        let content: Content = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if content.version != VERSION {
            return Err(damaged(format!(
                "its version is {}, but only version {VERSION} is supported",
                content.version
            )));
        }
        if let Some(token) = content.tokens.iter().find(|token| token.hash().is_none()) {
            return Err(damaged(format!("`sha256` of the token `{}` is not a hash", token.name)));
        }
        Ok(Some(content.tokens))
    }

    /// Returns when tokens were last used, by id, as far as a running Weir has written it.
    pub fn last_uses(&self) -> BTreeMap<String, Timestamp> {
        last_uses(&self.path).into_iter().map(|(id, at)| (id, Timestamp(at))).collect()
    }

    /// Creates a token. The secret cannot be read later.
    pub fn create(
        &self,
        name: &str,
        roles: &[Role],
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<(Token, Secret), TokenError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_name) {
            return Err(TokenError::Name { name: name.to_owned() });
        }
        if roles.is_empty() {
            return Err(TokenError::NoRole);
        }
        let secret = Secret::random().ok_or(TokenError::NoRandom)?;
        let token = Token::new(name, roles, now, expires, &secret);

        self.change(|tokens| {
            if tokens.iter().any(|token| token.name == name) {
                return Err(TokenError::Taken { name: name.to_owned() });
            }
            if tokens.len() >= TOKENS_MAX {
                return Err(TokenError::Many);
            }
            tokens.push(token.clone());
            Ok(())
        })?;

        Ok((token, secret))
    }

    /// Revokes a token by name or id, and returns it with the number of tokens left. The file stays when the
    /// last token is gone: revoking a token must never open access.
    pub fn revoke(&self, name: &str) -> Result<(Token, usize), TokenError> {
        let mut revoked = None;
        let mut left = 0;
        self.change(|tokens| {
            let place = tokens.iter().position(|token| token.name == name);
            let place = place.or_else(|| tokens.iter().position(|token| token.id == name));
            revoked = place.map(|place| tokens.remove(place));
            left = tokens.len();
            if revoked.is_some() { Ok(()) } else { Err(TokenError::Unknown { name: name.to_owned() }) }
        })?;
        revoked.map(|token| (token, left)).ok_or_else(|| TokenError::Unknown { name: name.to_owned() })
    }

    fn change(&self, with: impl FnOnce(&mut Vec<Token>) -> Result<(), TokenError>) -> Result<(), TokenError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| self.io(error))?;
        // The lock keeps two concurrent changes from losing one. Closing the file releases it.
        let lock = private().create(true).truncate(false).open(self.path.with_extension("lock"));
        let lock = lock.map_err(|error| self.io(error))?;
        lock.lock().map_err(|error| self.io(error))?;
        let mut tokens = self.read()?.unwrap_or_default();
        with(&mut tokens)?;
        self.write(directory, tokens).map_err(|error| self.io(error))
    }

    fn write(&self, directory: &Path, tokens: Vec<Token>) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&Content { version: VERSION, tokens })?;
        let new = self.path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(directory)?.sync_all()
    }

    fn io(&self, source: io::Error) -> TokenError {
        TokenError::Io { path: self.path.clone(), source }
    }
}

/// Returns options for a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file() -> (tempfile::TempDir, TokenFile) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = TokenFile::below(&directory.path().join("data"));
        (directory, file)
    }

    #[test]
    fn a_token_is_kept_without_its_secret_and_for_the_owners_eyes() {
        let (_directory, file) = file();
        assert_eq!(file.read().expect("nothing"), None);
        let (token, secret) =
            file.create("ci", &[Role::Submit], Timestamp(5), Some(Timestamp(9))).expect("a token");
        assert_eq!(file.read().expect("a file"), Some(vec![token]));
        let text = fs::read_to_string(file.path()).expect("a file");
        assert!(!text.contains(&secret.to_string()), "{text}");
        let mode = fs::metadata(file.path()).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!file.path().with_extension("new").exists());
    }

    #[test]
    fn a_token_is_taken_back_by_name_or_id_and_the_file_stays() {
        let (_directory, file) = file();
        let create = |name: &str| file.create(name, &[Role::View], Timestamp(0), None);
        let id = create("one").expect("a token").0.id;
        create("two").expect("a token");
        assert!(matches!(create("two"), Err(TokenError::Taken { .. })));
        assert_eq!(file.revoke("two").expect("revoked").1, 1);
        assert_eq!(file.revoke(&id).expect("revoked").0.name, "one");
        assert!(matches!(file.revoke(&id), Err(TokenError::Unknown { .. })));
        assert_eq!(file.read().expect("a file"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_name_or_no_file_is_told() {
        let (_directory, file) = file();
        for name in ["", "a b", "a\nb", "x".repeat(65).as_str(), "é"] {
            let made = file.create(name, &[Role::View], Timestamp(0), None);
            assert!(matches!(made, Err(TokenError::Name { .. })), "{name:?}");
        }

        assert!(matches!(file.create("a", &[], Timestamp(0), None), Err(TokenError::NoRole)));
        file.create("a", &[Role::View], Timestamp(0), None).expect("a token");
        let text = fs::read_to_string(file.path()).expect("a file");

        for damaged in [
            "",
            "{",
            "[]",
            &text.replace("\"version\": 1", "\"version\": 2"),
            &text.replace("\"sha256\": \"", "\"sha256\": \"x"),
        ] {
            fs::write(file.path(), damaged).expect("written");
            assert!(matches!(file.read(), Err(TokenError::Damaged { .. })), "{damaged}");
            assert!(
                file.create("b", &[Role::View], Timestamp(0), None).is_err(),
                "nothing is written over it"
            );
        }
    }

    #[test]
    fn changes_made_at_once_are_all_kept() {
        let (_directory, file) = file();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let file = file.clone();
                scope.spawn(move || {
                    file.create(&format!("t{n}"), &[Role::View], Timestamp(0), None).expect("a token")
                });
            }
        });
        assert_eq!(file.read().expect("a file").map(|tokens| tokens.len()), Some(8));
    }
}
