//! A certificate that nobody else trusts, for this machine.
#![allow(dead_code, reason = "each test uses its own part")]

use std::path::{Path, PathBuf};

/// Files in a directory.
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

    /// What clients trust.
    pub fn certificate(&self) -> PathBuf {
        self.path().join("certificate.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.path().join("key.pem")
    }

    /// Key and certificate in one file.
    pub fn both(&self) -> PathBuf {
        self.path().join("both.pem")
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}
