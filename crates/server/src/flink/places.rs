//! The directories that a client may name, for savepoints to be written to, read from and removed.
//!
//! Without tokens Weir does not know its clients, and its files belong to the user who runs it. So a client
//! may name only locations below the directories of savepoints and checkpoints, and those that the settings
//! add. The user who runs Weir calls Weir's own routes from this machine, and may name any directory (see
//! docs/decisions/0012-directories-that-clients-name.md).

use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};

use axum::extract::Request;
use axum::http::HeaderMap;
use jobs::checkpoint::local_path;

/// Address of the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Headers that proxies add to forwarded requests.
const FORWARDED: [&str; 5] = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Permitted directories; everything below them is permitted too.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<PathBuf>);

impl Places {
    pub(super) fn new<'a>(directories: impl IntoIterator<Item = &'a str>) -> Places {
        let named = directories.into_iter().filter(|directory| !directory.is_empty());
        Places(named.filter_map(|directory| resolved(&local_path(directory).ok()?)).collect())
    }

    /// Returns whether a location, which need not exist yet, lies below a permitted directory.
    pub(super) fn admit(&self, location: &str) -> bool {
        let Some(path) = local_path(location).ok().and_then(|path| resolved(&path)) else { return false };
        self.0.iter().any(|directory| path.starts_with(directory))
    }
}

/// Returns the path with all existing links resolved. `None` if the path contains `..`, which may lead
/// anywhere.
fn resolved(path: &Path) -> Option<PathBuf> {
    if path.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().find(|ancestor| ancestor.symlink_metadata().is_ok())?;
    let rest = path.strip_prefix(there).ok()?;
    Some(there.canonicalize().ok()?.join(rest))
}

/// Returns whether a request comes from this machine itself, and not through a proxy on it.
pub(super) fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<Peer>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) && !is_forwarded(request.headers())
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// Returns a location as the URL that Flink's clients expect.
pub(super) fn url(location: &str) -> String {
    let path = Path::new(location);
    format!("file:{}", std::path::absolute(path).as_deref().unwrap_or(path).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_a_directory_may_be_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().canonicalize().expect("a path");
        let inside = root.join("savepoints");
        std::fs::create_dir_all(inside.join("old")).expect("a directory");
        std::os::unix::fs::symlink("/", inside.join("out")).expect("a link");
        std::os::unix::fs::symlink("/nowhere/at/all", inside.join("broken")).expect("a link");
        let text = |path: &str| inside.join(path).display().to_string();
        let places = Places::new([text("").as_str(), ""]);

        for location in [text(""), text("old"), text("new/and/deeper"), format!("file://{}", text("new"))] {
            assert!(places.admit(&location), "{location}");
        }

        let outside = [
            root.display().to_string(),
            format!("{}-too", text("").trim_end_matches('/')),
            text("../elsewhere"),
            text("out/etc"),
            text("broken/x"),
            "/etc".to_owned(),
            "s3://bucket/savepoints".to_owned(),
            String::new(),
        ];
        for location in outside {
            assert!(!places.admit(&location), "{location}");
        }

        assert!(!Places::default().admit("/tmp"));
    }

    #[test]
    fn who_asks_through_a_proxy_is_not_on_this_machine() {
        let request = |peer: &str, header: Option<&'static str>| {
            let mut request = Request::new(axum::body::Body::empty());
            request.extensions_mut().insert(Peer(peer.parse().expect("an address")));
            if let Some(name) = header {
                request.headers_mut().insert(name, "x".parse().expect("a value"));
            }
            is_local(&request)
        };
        assert!(
            request("127.0.0.1:1", None) && request("[::1]:1", None) && request("[::ffff:127.0.0.1]:1", None)
        );
        assert!(!request("192.0.2.1:1", None) && !request("127.0.0.1:1", Some("x-forwarded-for")));
        assert!(!is_local(&Request::new(axum::body::Body::empty())));
    }
}
