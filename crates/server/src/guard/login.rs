//! The login page, its sessions, and the answer about the page's own caller, on every listener.

use std::net::IpAddr;

use axum::Json;
use axum::extract::{Form, FromRequest as _, Query, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Guard;
use super::door::Door;
use super::refusal::Refusal;
use super::token::hash_of;

const PAGE: &str = include_str!("login/login.html");
const STYLE: &str = include_str!("login/login.css");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Requests that the guard answers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Page,
    Style,
    LogIn,
    LogOut,
    Session,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
struct Filled {
    token: String,
    #[serde(default)]
    to: String,
}

/// The caller of a page, as the page sees it.
#[derive(Serialize)]
struct Session {
    /// Whether tokens are required.
    required: bool,
    /// The token's name; null when not logged in.
    name: Option<String>,
    roles: Vec<&'static str>,
}

impl Own {
    pub(super) fn of(method: &Method, path: &str) -> Option<Own> {
        match (method.as_str(), path) {
            ("GET" | "HEAD", "/login") => Some(Own::Page),
            ("GET" | "HEAD", "/login.css") => Some(Own::Style),
            ("GET" | "HEAD", "/session") => Some(Own::Session),
            ("POST", "/login") => Some(Own::LogIn),
            ("POST", "/logout") => Some(Own::LogOut),
            _ => None,
        }
    }
}

pub(super) async fn answer(door: &Door, own: Own, request: Request, peer: IpAddr) -> Response {
    let guard = door.guard();
    match own {
        Own::Page => {
            let to = Query::<Wanted>::try_from_uri(request.uri()).map_or(String::new(), |wanted| wanted.0.to);
            if !guard.is_required() {
                return see("/");
            }
            let caller = guard.look(request.headers()).ok().flatten();
            page(StatusCode::OK, &to, "", caller.as_ref().map(|caller| caller.token.name.as_str()))
        }

        Own::Style => ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response(),

        Own::Session => {
            let caller = guard.look(request.headers()).ok().flatten();
            let session = Session {
                required: guard.is_required(),
                name: caller.as_ref().map(|caller| caller.token.name.clone()),
                roles: caller.iter().flat_map(|caller| &caller.token.roles).map(|role| role.name()).collect(),
            };
            ([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response()
        }

        Own::LogIn => log_in(door, request, peer).await,

        Own::LogOut => {
            let caller = guard.look(request.headers()).ok().flatten();
            let who = caller.as_ref().map_or("-", |caller| caller.token.name.as_str());
            if let Some(secret) = cookie(request.headers(), guard) {
                guard.sessions.close(secret);
            }
            door.asked(who, peer, request.method(), "/logout").logged("logout", StatusCode::SEE_OTHER);
            let mut response = see("/login");
            set_cookie(&mut response, guard, "", 0);
            response
        }
    }
}

async fn log_in(door: &Door, request: Request, peer: IpAddr) -> Response {
    let guard = door.guard();
    let method = request.method().clone();
    if let Err(wait) = guard.failures.has(peer, guard.clock.elapsed()) {
        return door.refusal(Refusal::too_many("failed logins", wait));
    }

    let Ok(Form(filled)) = Form::<Filled>::from_request(request, &()).await else {
        return door
            .refusal(Refusal::new(StatusCode::BAD_REQUEST, "the form needs `token`, and optionally `to`"));
    };

    let token = guard.known.borrow().by_hash(&hash_of(filled.token.trim()), guard.clock.now());
    let Some(token) = token else {
        let _ = guard.failures.take(peer, guard.clock.elapsed());
        door.asked("-", peer, &method, "/login").logged("login failed", StatusCode::UNAUTHORIZED);
        return page(StatusCode::UNAUTHORIZED, &filled.to, "This token is unknown or has expired.", None);
    };

    let Some(secret) = guard.sessions.open(&token.id, guard.clock.elapsed()) else {
        return door.refusal(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the operating system provides no random numbers",
        ));
    };

    guard.used(&token);
    door.asked(&token.name, peer, &method, "/login").logged("login", StatusCode::SEE_OTHER);
    let mut response = see(local(&filled.to));
    set_cookie(&mut response, guard, &secret, guard.sessions.length().as_secs());
    response
}

/// Redirects to the login page, which leads back to the wanted target below `root`.
pub(super) fn redirect(root: &str, wanted: &Uri) -> Response {
    let to = wanted.path_and_query().map_or("/", |target| target.as_str());
    let to: String = root
        .bytes()
        .chain(to.bytes())
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect();
    see(&format!("/login?to={to}"))
}

fn see(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, to), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
    )
        .into_response()
}

/// Returns the page with its form; `who` is the caller who is logged in already.
pub(super) fn page(status: StatusCode, to: &str, message: &str, who: Option<&str>) -> Response {
    let who = who.map_or(String::new(), |who| {
        format!(
            "<form method=\"post\" action=\"/logout\"><p>You are logged in as {}. <button>Log out</button></p></form>",
            escaped(who)
        )
    });
    // A caller who lacks a role sees the form at the page's own address. At `/login` the form has no action: then
    // browsers keep the fragment of the address, which names the wanted page of the job manager.
    let action = if status == StatusCode::FORBIDDEN { " action=\"/login\"" } else { "" };
    let html = PAGE
        .replace("<!--action-->", action)
        .replace("<!--message-->", &escaped(message))
        .replace("<!--who-->", &who)
        .replace("<!--to-->", &escaped(local(to)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, html).into_response()
}

/// Returns a target if it is a path of this server, otherwise `/`: another target could lead to a stranger's
/// page.
fn local(to: &str) -> &str {
    let is_path = to.starts_with('/') && !to[1..].starts_with(['/', '\\']);
    if is_path && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { to } else { "/" }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Returns the name of the session cookie. Over TLS, the prefix `__Host-` makes browsers accept it only from
/// this host and only over TLS.
fn cookie_name(guard: &Guard) -> &'static str {
    if guard.tls().is_some() { "__Host-weir_session" } else { "weir_session" }
}

/// Returns the session's secret in a browser's cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, guard: &Guard) -> Option<&'a str> {
    let sent = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == cookie_name(guard))
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

fn set_cookie(response: &mut Response, guard: &Guard, secret: &str, seconds: u64) {
    let secure = if guard.tls().is_some() { "; Secure" } else { "" };
    let name = cookie_name(guard);
    let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_a_path_of_this_server() {
        for to in ["/", "/docs", "/analytics/health?days=1&x=%20"] {
            assert_eq!(local(to), to);
        }
        for to in [
            "",
            "docs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: x",
            "/\tx",
            "/a\\b",
        ] {
            assert_eq!(local(to), "/", "{to:?}");
        }
    }

    #[test]
    fn what_a_stranger_wrote_is_text_on_the_page() {
        let page = escaped("<script>\"'&");
        assert_eq!(page, "&lt;script&gt;&quot;&#39;&amp;");
    }
}
