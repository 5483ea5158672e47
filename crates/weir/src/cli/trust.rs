//! Certificates that `https://` trusts: authorities, and server certificates that a file names.
//!
//! `openssl req -x509` makes a certificate that is its own authority (`CA:TRUE`) and has its name in the
//! subject only. An authority may not act as a server, and names count in `subjectAltName` only (RFC 6125,
//! 6.4.4), so rustls refuses both. But a user who names this very certificate as trusted trusts its key. So
//! it is accepted for the name in its subject, as in curl and OpenSSL. Everything else is checked: its dates,
//! and that the server has the key.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The attribute type of a common name (2.5.4.3) in DER.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
/// `UTF8String`, `PrintableString` and `IA5String`.
const TEXTS: [u8; 3] = [0x0C, 0x13, 0x16];

/// Verifies certificates against the trusted ones.
#[derive(Debug)]
pub(super) struct Trust {
    trusted: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl Trust {
    /// Fails where none of the certificates can be read.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Trust, rustls::client::VerifierBuilderError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let authorities = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Trust { trusted, authorities })
    }

    /// Returns whether a certificate refused with `error` is itself trusted and has the name.
    fn is_trusted_itself(&self, error: &Error, shown: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
        let is_named = self.trusted.iter().any(|trusted| trusted == shown);
        is_named && is_forgiven(error) && has_name(shown, name)
    }
}

/// Returns whether an error does not matter for a certificate that is itself trusted. The error of an
/// authority comes after its dates were checked.
fn is_forgiven(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

/// Returns whether a certificate is for a name: one of its alternative names or, without any, the common name
/// of its subject.
fn has_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else { return false };
    match certificate.verify_is_valid_for_subject_name(name) {
        Ok(()) => true,
        Err(webpki::Error::CertNotValidForName(context)) if context.presented.is_empty() => {
            let common_name = common_name(certificate.subject());
            common_name.is_some_and(|common_name| common_name.eq_ignore_ascii_case(name.to_str().as_bytes()))
        }
        Err(_) => false,
    }
}

/// Returns the common name in a subject in DER: an attribute type, then a text of less than 128 bytes.
fn common_name(subject: &[u8]) -> Option<&[u8]> {
    let at = subject.windows(COMMON_NAME.len()).position(|window| window == COMMON_NAME)?;
    match subject.get(at + COMMON_NAME.len()..)? {
        [tag, length @ ..0x80, rest @ ..] if TEXTS.contains(tag) => rest.get(..usize::from(*length)),
        _ => None,
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(error) if self.is_trusted_itself(&error, end_entity, server_name) => {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

    use super::*;

    /// Returns a certificate as `openssl req -x509 -subj /CN=…` makes it.
    fn made(common_name: &str, alternatives: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = alternatives.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().clone()
    }

    /// Verifies a certificate for a name, in 2026.
    fn verdict(
        trusted: &CertificateDer<'static>,
        shown: &CertificateDer<'_>,
        name: &str,
    ) -> Result<(), Error> {
        verdict_at(1_780_000_000, trusted, shown, name)
    }

    fn verdict_at(
        seconds: u64,
        trusted: &CertificateDer<'static>,
        shown: &CertificateDer<'_>,
        name: &str,
    ) -> Result<(), Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = Trust::new(vec![trusted.clone()], provider).expect("a certificate");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let name = ServerName::try_from(name).expect("a name");
        trust.verify_server_cert(shown, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn a_certificate_that_is_named_itself_is_trusted_for_its_name() {
        let plain = made("localhost", &[]);
        assert_eq!(verdict(&plain, &plain, "localhost"), Ok(()));
        assert_eq!(verdict(&plain, &plain, "LOCALHOST"), Ok(()));
        let by_address = made("127.0.0.1", &[]);
        assert_eq!(verdict(&by_address, &by_address, "127.0.0.1"), Ok(()));
        let with_names = made("somebody", &["localhost"]);
        assert_eq!(verdict(&with_names, &with_names, "localhost"), Ok(()));
    }

    #[test]
    fn another_name_another_certificate_and_a_date_that_is_past_are_refused() {
        let plain = made("localhost", &[]);
        assert!(verdict(&plain, &plain, "example.org").is_err());
        assert!(verdict(&plain, &made("localhost", &[]), "localhost").is_err(), "another key");
        let with_names = made("localhost", &["weir.example"]);
        assert!(verdict(&with_names, &with_names, "localhost").is_err(), "alternative names count alone");
        // In the year 9000.
        assert!(verdict_at(221_845_000_000, &plain, &plain, "localhost").is_err());
    }
}
