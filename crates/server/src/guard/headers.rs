//! Security headers that every answer has.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Guard;
use crate::assets::REFERRER_POLICY;

/// Policy of an answer that is no page: it loads nothing and may not be framed.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// After a connection over TLS, browsers use only TLS for half a year.
const TLS_ONLY: &str = "max-age=15552000";

/// Adds the headers that the answer does not set itself.
pub(super) fn dress(response: &mut Response, guard: &Guard) {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return;
    }
    let headers = response.headers_mut();

    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };

    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, REFERRER_POLICY);
    set(header::CONTENT_SECURITY_POLICY, NO_PAGE);

    if guard.is_required() {
        // A shared cache must not store an answer for one caller.
        set(header::CACHE_CONTROL, "no-store");
    }

    if guard.tls().is_some() {
        set(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}
