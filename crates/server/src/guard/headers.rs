//! Headers of every answer that tell browsers what not to do with it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Guard;
use crate::assets::REFERRER_POLICY;

/// What is no page loads nothing and stands in no frame.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// Once over TLS, for half a year only over TLS.
const TLS_ONLY: &str = "max-age=15552000";

/// What is there already stays.
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
        // What one person may see is not for a cache that others share.
        set(header::CACHE_CONTROL, "no-store");
    }

    if guard.tls().is_some() {
        set(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}
