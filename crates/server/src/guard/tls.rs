//! TLS: the certificate and its key, which may be replaced while Weir runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::file::Stamp;

/// Causes for which a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error("tls: reading {} as PEM", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: pem::Error,
    },
    #[error("tls: {} contains no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("tls: the certificate in {} and the key in {} cannot be used", certificate.display(), key.display())]
    Pair {
        certificate: PathBuf,
        key: PathBuf,
        #[source]
        source: rustls::Error,
    },
}

/// The states of the two files when last read.
type Stamps = [Option<Stamp>; 2];

/// The current certificate with its key.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
    read: Mutex<Stamps>,
}

impl Tls {
    /// Loads files in PEM: the certificate with its chain, and its key.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Tls, TlsError> {
        let stamps = stamps(&certificate, &key).unwrap_or_default();
        let config = RwLock::new(config(&certificate, &key)?);
        Ok(Tls { certificate, key, config, read: Mutex::new(stamps) })
    }

    pub(crate) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.config.read()))
    }

    /// Applies changed files. An unusable pair changes nothing: a new certificate arrives before its key, and
    /// both are read again when the key comes.
    pub(super) fn reread(&self) {
        let mut read = self.read.lock();
        let Ok(now) = stamps(&self.certificate, &self.key) else { return };
        if *read == now {
            return;
        }
        *read = now;
        match config(&self.certificate, &self.key) {
            Ok(config) => {
                *self.config.write() = config;
                tracing::info!(certificate = %self.certificate.display(), "a new certificate is in use");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the new certificate cannot be used: the old one stays");
            }
        }
    }
}

fn stamps(certificate: &Path, key: &Path) -> io::Result<Stamps> {
    Ok([Stamp::of(certificate)?, Stamp::of(key)?])
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let unreadable = |path: &Path, source| TlsError::Read { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unreadable(certificate, error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: certificate.to_owned() });
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
    let pair = |source| TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
