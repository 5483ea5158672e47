//! `/docs`: a page to read the API's description and try it, self-contained.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::assets::page_headers;

pub(crate) async fn page() -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (page_headers(), html, include_str!("docs/docs.html")).into_response()
}

pub(crate) async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("docs/docs.js")).into_response()
}

pub(crate) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("docs/docs.css")).into_response()
}
