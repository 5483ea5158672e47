//! The dashboard's files, embedded in the binary.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use crate::error::Failure;

/// The output of the dashboard's build.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Dist;

/// Content policy of a page: it may load its own scripts, styles and answers and the feed, and nobody may
/// frame it. Tooltips of charts set styles on their elements, and charts draw images of their own.
pub(crate) const PAGE_POLICY: &str = "default-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; \
    connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// Content policy of the page of jobs, which needs less: its charts write tooltips as text, and draw no images.
const JOBS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Other sites get no referrer from us; our own pages do. Under `no-referrer` a browser sends a form with
/// `Origin: null`, and the server could not tell its own login form from a stranger's page.
pub(crate) const REFERRER_POLICY: &str = "same-origin";

/// Directory of the files whose name changes with their content.
pub(crate) const HASHED: &str = "assets/";

/// Returns the names of all files of the dashboard.
#[cfg(test)]
pub(crate) fn files() -> impl Iterator<Item = String> {
    Dist::iter().map(|name| name.into_owned())
}

/// The directories of the pages of result tables and of dashboards. A page's files are addressed relative to
/// its directory, so the address of a table or dashboard has exactly one part behind that.
const PAGES: [&str; 2] = ["explore", "d"];

/// The page of jobs, which only the job manager serves.
pub(crate) const JOBS: &str = "jobs/index.html";

/// Answers with a file of the dashboard; `/` is its page. `/explore/` and `/d/` are the pages of result tables
/// and of dashboards, as are the addresses of single ones below them.
pub(crate) fn serve(path: &str, request: &HeaderMap) -> Response {
    let name = match path.trim_start_matches('/') {
        "" if path == "/" => "index.html".to_owned(),
        // Relative, so that it is right behind a proxy that adds a prefix.
        page if PAGES.contains(&page) => {
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{page}/"))])
                .into_response();
        }
        name => match name.split_once('/') {
            Some((page, below)) if PAGES.contains(&page) && !below.contains('/') => {
                format!("{page}/index.html")
            }
            _ => name.to_owned(),
        },
    };

    let found = if name == JOBS { None } else { file(&name, request) };
    found.unwrap_or_else(|| Failure::not_found().into_response())
}

/// Ending of the names of files that the dashboard's build has compressed with Brotli, slowly and well.
const COMPRESSED: &str = ".br";

/// Answers with a file, or with 304 if the caller has it; `None` if there is no such file.
pub(crate) fn file(name: &str, request: &HeaderMap) -> Option<Response> {
    let file = Dist::get(name)?;
    let digest: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    // A weak tag, because the body may be compressed and then has other bytes.
    let tag = format!("W/\"{digest}\"");
    let caching = if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    let known = request.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let unchanged = known.is_some_and(|known| known == "*" || known.split(',').any(|one| matches(one, &tag)));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    // Browsers replace the headers of the page that they have by those of a 304.
    if name.ends_with(".html") {
        headers.extend(page_headers());
    }
    if name == JOBS {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(JOBS_POLICY));
    }
    if unchanged {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));

    let compressed = Dist::get(&format!("{name}{COMPRESSED}"));
    if let Some(compressed) = compressed.filter(|_| name.starts_with(HASHED)) {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if accepts_brotli(request) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
            return Some((headers, compressed.data).into_response());
        }
    }
    Some((headers, file.data).into_response())
}

/// Answers with the first page and an element at its end. `None` if there is no page.
pub(crate) fn page_with(element: &str) -> Option<Response> {
    let file = Dist::get("index.html")?;
    let page = std::str::from_utf8(&file.data).ok()?;
    let end = page.rfind("</body>")?;
    let page = [&page[..end], element, &page[end..]].concat();

    let mut headers = HeaderMap::new();
    // The element has data, which no cache may keep: after a logout, they would still be there.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type("index.html")));
    headers.extend(page_headers());
    Some((headers, page).into_response())
}

/// Returns the headers that restrict a page to itself.
pub(crate) fn page_headers() -> [(HeaderName, HeaderValue); 3] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static(REFERRER_POLICY)),
    ]
}

fn accepts_brotli(request: &HeaderMap) -> bool {
    let mut codings = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|sent| sent.to_str().ok());
    // A coding with a weight is rare, and may be refused by it.
    codings.any(|codings| codings.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("br")))
}

fn matches(sent: &str, tag: &str) -> bool {
    sent.trim().trim_start_matches("W/") == tag.trim_start_matches("W/")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
