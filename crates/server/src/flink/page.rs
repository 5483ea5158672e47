//! The page of jobs at `/`, and its files.
//!
//! The page is an entry of the dashboard's build. It calls the routes of this listener, relative to its own
//! address, so it also works behind a proxy that adds a prefix.

use axum::http::HeaderMap;
use axum::response::Response;

use crate::assets::{self, HASHED, JOBS};

pub(super) fn page(request: &HeaderMap) -> Option<Response> {
    assets::file(JOBS, request)
}

/// Answers with a file whose name changes with its content; `None` if there is none of this name.
pub(super) fn asset(name: &str, request: &HeaderMap) -> Option<Response> {
    assets::file(&format!("{HASHED}{name}"), request)
}
