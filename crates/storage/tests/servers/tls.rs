//! A certificate for this machine that no system store trusts.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::{Path, PathBuf};

/// Key and certificate as files in a directory.
pub struct Certificate {
    directory: tempfile::TempDir,
}

impl Certificate {
    pub fn new() -> Certificate {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).expect("it is written")
        };
        write("certificate.pem", &certificate);
        write("key.pem", &key);
        write("both.pem", &format!("{key}{certificate}"));
        Certificate { directory }
    }

    /// Returns the path of the certificate that clients trust.
    pub fn certificate(&self) -> PathBuf {
        self.path().join("certificate.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.path().join("key.pem")
    }

    /// Returns the path of a file with key and certificate.
    pub fn both(&self) -> PathBuf {
        self.path().join("both.pem")
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}
