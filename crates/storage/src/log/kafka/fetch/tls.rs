//! TLS to the brokers: the trusted certificates, and this client's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::options::Properties;
use crate::log::LogError;
use crate::log::kafka::settings::setting;

/// The TLS configuration of a cluster.
#[derive(Clone)]
pub(super) struct Tls {
    pub config: Arc<ClientConfig>,
}

impl Tls {
    /// Decodes `ssl.*` and reads the files it names. Fails with [`LogError::Setting`] where one cannot be
    /// used.
    pub fn new(properties: &BTreeMap<String, String>) -> Result<Tls, LogError> {
        let of = Properties(properties);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| setting(&error.to_string()))?;

        let check = Check {
            // Without names or certificates to check nobody is trusted for what it says of itself.
            name: of.text("ssl.endpoint.identification.algorithm", "https") != "none",
            certificate: of.boolean("enable.ssl.certificate.verification", true)?,
        };
        let verifier = match check {
            Check { certificate: false, .. } => Verifier { inner: None, provider, check },
            _ => {
                let roots = Arc::new(roots(&of)?);
                let inner = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
                let inner = inner.map_err(|error| setting(&format!("`ssl.ca.location`: {error}")))?;
                Verifier { inner: Some(inner), provider, check }
            }
        };

        let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let config = match identity(&of)? {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| setting(&format!("the key does not match the certificate: {error}")))?,
        };
        Ok(Tls { config: Arc::new(config) })
    }
}

/// Returns the trusted root certificates: the configured ones, or else the system's.
fn roots(of: &Properties<'_>) -> Result<RootCertStore, LogError> {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = pem(of, "ssl.ca.pem", "ssl.ca.location")? {
        for certificate in certificates(&pem, "ssl.ca.location")? {
            roots.add(certificate).map_err(|error| setting(&format!("`ssl.ca.location`: {error}")))?;
        }
    } else {
        for certificate in rustls_native_certs::load_native_certs().certs {
            // The system's store may hold certificates that rustls refuses.
            let _ = roots.add(certificate);
        }
    }
    Ok(roots)
}

/// Certificates and key with which this client identifies itself.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(of: &Properties<'_>) -> Result<Option<Identity>, LogError> {
    let password = of.get("ssl.key.password").or(of.get("ssl.keystore.password"));
    if let Some(path) = of.get("ssl.keystore.location") {
        let bytes = std::fs::read(path).map_err(|error| unreadable("ssl.keystore.location", path, &error))?;
        return pkcs12(&bytes, of.text("ssl.keystore.password", "")).map(Some);
    }
    let certificate = pem(of, "ssl.certificate.pem", "ssl.certificate.location")?;
    let (Some(certificate), Some(key)) = (certificate, pem(of, "ssl.key.pem", "ssl.key.location")?) else {
        return Ok(None);
    };
    let chain = certificates(&certificate, "ssl.certificate.location")?;
    Ok(Some((chain, private_key(&key, password)?)))
}

/// Returns the value of the property `text`, or the content of the file that the property `location` names.
fn pem(of: &Properties<'_>, text: &str, location: &str) -> Result<Option<Vec<u8>>, LogError> {
    match (of.get(text), of.get(location)) {
        (Some(text), _) => Ok(Some(text.as_bytes().to_vec())),
        (None, Some(path)) => {
            std::fs::read(path).map(Some).map_err(|error| unreadable(location, path, &error))
        }
        (None, None) => Ok(None),
    }
}

fn unreadable(name: &str, path: &str, error: &std::io::Error) -> LogError {
    setting(&format!("`{name}`: {path} cannot be read: {error}"))
}

fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, LogError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| setting(&format!("`{name}`: {error}")))?;
    if found.is_empty() {
        return Err(setting(&format!(
            "`{name}` contains no certificate in PEM (-----BEGIN CERTIFICATE-----)"
        )));
    }
    Ok(found)
}

/// Decodes a key in PEM, encrypted (PKCS #8) or not.
fn private_key(pem: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, LogError> {
    let text = String::from_utf8_lossy(pem);
    if !text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| setting(&format!("`ssl.key.location`: {error}")));
    }
    let password = password.ok_or_else(|| setting("the key is encrypted: set `ssl.key.password`"))?;
    let wrong = |error: &dyn std::fmt::Display| {
        setting(&format!("`ssl.key.location`: the key cannot be decrypted with `ssl.key.password`: {error}"))
    };
    let begin = text.find("-----BEGIN ENCRYPTED").unwrap_or(0);
    let (_, document) = pkcs8::SecretDocument::from_pem(&text[begin..]).map_err(|error| wrong(&error))?;
    let encrypted =
        pkcs8::EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| wrong(&error))?;
    let key = encrypted.decrypt(password).map_err(|error| wrong(&error))?;
    PrivateKeyDer::try_from(key.as_bytes().to_vec()).map_err(|error| wrong(&error))
}

/// Returns the first key of a PKCS #12 file, with its certificates.
fn pkcs12(bytes: &[u8], password: &str) -> Result<Identity, LogError> {
    let wrong = |error: &dyn std::fmt::Display| {
        setting(&format!("`ssl.keystore.location` cannot be read with `ssl.keystore.password`: {error}"))
    };
    let store =
        p12_keystore::KeyStore::from_pkcs12(bytes, password, p12_keystore::Pkcs12ImportPolicy::default())
            .map_err(|error| wrong(&error))?;
    let (_, chain) = store.private_key_chain().ok_or_else(|| wrong(&"it contains no private key"))?;
    let certificates = chain.certs().iter().map(|of| CertificateDer::from(of.as_der().to_vec())).collect();
    let key = PrivateKeyDer::try_from(chain.key().as_der().to_vec()).map_err(|error| wrong(&error))?;
    Ok((certificates, key))
}

/// The checks of a broker's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Check {
    /// That it is for the host of the connection.
    name: bool,
    /// That a trusted root has issued it.
    certificate: bool,
}

/// Checks a broker's certificate as far as the settings ask for.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    check: Check,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            // The verifier checks the chain of trust before the name.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.check.name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
