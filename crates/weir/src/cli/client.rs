//! The connection of every command that calls a running Weir: its token, and the certificates it trusts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, TcpConnector};

use super::Failure;
use super::https::Https;
use super::trust::Trust;

/// Advice for an untrusted certificate.
pub(super) const TRUST_HINT: &str = "--ca FILE, or WEIR_CA, names Weir's certificate or its issuer's";

/// Flags of every client.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ClientArgs {
    /// Access token, if Weir requires one; prefer the environment, which other users cannot see
    #[arg(long, global = true, value_name = "TOKEN", env = "WEIR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Name and password for a server that requires basic authentication, as a proxy may; replaces the token.
    /// Prefer the environment, which other users cannot see
    #[arg(long, global = true, value_name = "NAME:PASSWORD", env = "WEIR_USER", hide_env_values = true)]
    user: Option<String>,
    /// PEM file of certificates that https:// trusts instead of the system's: authorities, or Weir's own
    #[arg(long, global = true, value_name = "FILE", env = "WEIR_CA")]
    ca: Option<PathBuf>,
}

impl ClientArgs {
    /// Returns the value of `Authorization`, if there is a user or a token.
    pub(crate) fn authorization(&self) -> Option<String> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let basic = given(&self.user).map(|user| format!("Basic {}", STANDARD.encode(user)));
        basic.or_else(|| given(&self.token).map(|token| format!("Bearer {token}")))
    }

    /// Returns an agent for `url` with a timeout.
    pub(crate) fn agent(&self, url: &str, timeout: Duration) -> Result<Agent, Failure> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect leads to a login page, which is no answer.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout))
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        if !url.starts_with("https://") {
            return Ok(config.build().new_agent());
        }
        let connector =
            ConnectProxyConnector::default().chain(TcpConnector::default()).chain(Https(self.tls()?));
        Ok(Agent::with_parts(config.build(), connector, DefaultResolver::default()))
    }

    /// Returns the TLS configuration with the trusted certificates.
    pub(crate) fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = Trust::new(self.roots()?, Arc::clone(&provider));
        let trust =
            trust.context("no certificate is trusted: name one with --ca").map_err(Failure::external)?;
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(Failure::failed)?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(trust));
        Ok(Arc::new(config.with_no_client_auth()))
    }

    /// Returns the error of a request to Weir that got no answer.
    pub(crate) fn unreachable(url: &str, error: &ureq::Error) -> anyhow::Error {
        ClientArgs::no_answer(url, error, "is `weir up` running there?")
    }

    /// Returns the error of a request that got no answer, with advice.
    pub(crate) fn no_answer(url: &str, error: &ureq::Error, advice: &str) -> anyhow::Error {
        match error {
            ureq::Error::Rustls(rustls::Error::InvalidCertificate(why)) => {
                anyhow::anyhow!("cannot trust {url}: {why} ({TRUST_HINT})")
            }
            error => anyhow::anyhow!("cannot reach {url}: {error} ({advice})"),
        }
    }

    fn roots(&self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        let Some(path) = &self.ca else {
            // A certificate that cannot be read is reported where it is needed.
            return Ok(rustls_native_certs::load_native_certs().certs);
        };
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let roots = read
            .with_context(|| format!("--ca: reading {} as PEM", path.display()))
            .map_err(Failure::usage)?;
        if roots.is_empty() {
            return Err(Failure::usage(anyhow::anyhow!("--ca: {} contains no certificate", path.display())));
        }
        Ok(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_replaces_the_token() {
        let client = |token: &str, user: &str| ClientArgs {
            token: Some(token.to_owned()),
            user: Some(user.to_owned()),
            ca: None,
        };
        let authorization = |token: &str, user: &str| client(token, user).authorization();
        assert_eq!(authorization("t", "").as_deref(), Some("Bearer t"));
        assert_eq!(
            authorization("t", "Aladdin:open sesame").as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(authorization("", ""), None);
    }
}
