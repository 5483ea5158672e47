//! Sends one notification to its receiver, once.
//!
//! | answer | |
//! | --- | --- |
//! | 2xx | delivered |
//! | none, 5xx, 408, 429 | tried again |
//! | other | given up: the receiver refuses the notification, and would refuse it again |
//!
//! Redirects are not followed: they might lead to a server that must not see the secret.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::document::Webhook;
use super::state::Notification;

/// Time for the whole exchange with a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The client of all receivers.
#[derive(Default)]
pub(super) struct Webhooks {
    agent: OnceLock<Agent>,
}

/// Outcome of sending a notification once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    Delivered {
        status: u16,
    },
    /// It may succeed later.
    Failed {
        status: Option<u16>,
        error: String,
        /// The pause that the receiver asks for.
        retry_after: Option<Duration>,
    },
    Refused {
        status: Option<u16>,
        error: String,
    },
}

impl Webhooks {
    #[cfg(test)]
    pub(super) fn trusting(roots: Vec<Certificate<'static>>) -> Webhooks {
        Webhooks { agent: OnceLock::from(agent(roots)) }
    }

    pub(super) fn send(&self, webhook: &Webhook, notification: &Notification) -> Attempt {
        // Reading the system's authorities takes a moment, and most Weirs send nothing.
        let agent = self.agent.get_or_init(|| agent(system_roots()));
        let mut request = agent.post(&webhook.url).content_type("application/json");
        if let Some(header) = &webhook.header {
            request = request.header(&header.name, &header.value);
        }
        // Texts, numbers and JSON values can be written.
        let body = serde_json::to_vec(notification).unwrap_or_default();

        match request.send(&body[..]) {
            Ok(answer) => judge(answer.status().as_u16(), answer.headers()),
            Err(error) => Attempt::Failed { status: None, error: error.to_string(), retry_after: None },
        }
    }
}

fn judge(status: u16, headers: &HeaderMap) -> Attempt {
    let error = format!("the receiver answered {status}");
    match status {
        200..=299 => Attempt::Delivered { status },
        408 | 429 | 500..=599 => {
            let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            Attempt::Failed { status: Some(status), error, retry_after: seconds.map(Duration::from_secs) }
        }
        _ => Attempt::Refused { status: Some(status), error },
    }
}

fn system_roots() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn agent(roots: Vec<Certificate<'static>>) -> Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(TIMEOUT))
        // A connection that the receiver has closed meanwhile would count as a failure.
        .max_idle_connections(0)
        .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
    config.build().new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_delivered_tried_again_or_given_up() {
        let mut headers = HeaderMap::new();
        for status in [200, 204, 299] {
            assert_eq!(judge(status, &headers), Attempt::Delivered { status });
        }
        for status in [408, 429, 500, 503, 599] {
            assert!(matches!(judge(status, &headers), Attempt::Failed { retry_after: None, .. }), "{status}");
        }
        for status in [301, 307, 400, 401, 404, 410] {
            assert!(matches!(judge(status, &headers), Attempt::Refused { .. }), "{status}");
        }

        headers.insert(RETRY_AFTER, ureq::http::HeaderValue::from_static("7"));
        let after = |status| match judge(status, &headers) {
            Attempt::Failed { retry_after, .. } => retry_after,
            Attempt::Delivered { .. } | Attempt::Refused { .. } => None,
        };
        assert_eq!((after(429), after(503)), (Some(Duration::from_secs(7)), Some(Duration::from_secs(7))));
        headers.insert(RETRY_AFTER, ureq::http::HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT"));
        assert_eq!(judge(503, &headers), judge(503, &HeaderMap::new()));
    }
}
