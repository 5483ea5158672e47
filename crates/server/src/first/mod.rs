//! `GET /`: the first page, with the answers that its first picture needs.
//!
//! A page that must ask for its figures draws them one round trip after its code, which is long on a slow network. So
//! the server puts the answers into the page, as JSON in a `<script>` that is data and never runs:
//!
//! ```text
//!   <script type="application/json" id="answers">
//!     {"results": {"body": …}, "dashboards/analytics": {"etag": …, "body": …}, "results/overall?from=-24h&…": …}
//!   </script>
//! ```
//!
//! The names are the addresses that the page would ask, and the answers come from the same routes, so an answer
//! that is missing costs time only: the page asks for it. `questions` knows what the upper panels ask.
//!
//! The routes are asked behind the guard. This reveals nothing, because `/` needs the same role as they do; a test
//! of the guard's rules holds this.

mod questions;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;

use crate::assets;
use crate::error::Failure;
use questions::{Known, View};

/// Routes whose answers every view of the page needs. The guard's rules for them are those of `/`.
pub(crate) const ALWAYS: [&str; 4] = ["results", "dashboards/analytics", "generated", "pulse"];

/// Maximum bytes of all answers together. A page that grows past this is slower than one that asks.
const BYTES_MAX: usize = 96 << 10;

/// Time after which the page is sent with the answers that are there.
const PATIENCE: Duration = Duration::from_millis(250);

/// Answers `GET /`, and `HEAD /` with the same headers.
pub(crate) async fn page(State(routes): State<Router>, request: Request) -> Response {
    let mut answers = Answers::default();
    let view = View::of(request.uri().query().unwrap_or_default());
    // While results are loaded, the routes wait for them. The page need not.
    let _ = tokio::time::timeout(PATIENCE, answers.gather(&routes, view)).await;

    let data = answers.into_element();
    assets::page_with(&data).unwrap_or_else(|| Failure::not_found().into_response())
}

/// The answers of some addresses, as the members of a JSON object.
#[derive(Default)]
struct Answers {
    members: String,
}

impl Answers {
    async fn gather(&mut self, routes: &Router, view: Option<View>) {
        let mut bodies = Vec::with_capacity(ALWAYS.len());
        for address in ALWAYS {
            bodies.push(self.ask(routes, address).await);
        }

        let [Some(tables), Some(dashboard), Some(generated), _] = &bodies[..] else { return };
        let (Some(view), Some(known)) = (view, Known::read(tables, dashboard, generated)) else { return };
        for address in known.questions(view) {
            self.ask(routes, &address).await;
        }
    }

    /// Asks a route, and keeps and returns its answer; `None` if it refuses or the answer does not fit.
    async fn ask(&mut self, routes: &Router, address: &str) -> Option<Bytes> {
        let request = Request::get(format!("/{address}")).body(Body::empty()).ok()?;
        let response = match routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status() != StatusCode::OK {
            return None;
        }

        let etag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let room = BYTES_MAX.saturating_sub(self.members.len());
        let body = to_bytes(response.into_body(), room).await.ok()?;
        let text = std::str::from_utf8(&body).ok()?;
        let (address, etag) = (serde_json::to_string(address).ok()?, serde_json::to_string(&etag).ok()?);

        let comma = if self.members.is_empty() { "" } else { "," };
        self.members.push_str(&format!("{comma}{address}:{{\"etag\":{etag},\"body\":{text}}}"));
        Some(body)
    }

    /// Returns the element with the answers. In JSON, `<` is only in texts; escaped, no text can end the element.
    fn into_element(self) -> String {
        let members = self.members.replace('<', "\\u003c");
        format!("<script type=\"application/json\" id=\"answers\">{{{members}}}</script>")
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;

    async fn asked(body: &'static str) -> (Option<Bytes>, String) {
        let routes = Router::new().route("/pulse", get(move || async move { body }));
        let mut answers = Answers::default();
        let kept = answers.ask(&routes, "pulse").await;
        (kept, answers.into_element())
    }

    #[tokio::test]
    async fn a_text_of_an_answer_cannot_end_the_element() {
        let (_, element) = asked(r#"{"text":"</script><script>alert(1)</script><!--"}"#).await;
        assert_eq!(element.matches('<').count(), 2, "{element}");

        let inside = element.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</script>"));
        let read: serde_json::Value = serde_json::from_str(inside.expect("an element")).expect("JSON");
        assert_eq!(read["pulse"]["body"]["text"], "</script><script>alert(1)</script><!--");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_or_refused_is_left_out() {
        let long: &'static str = String::leak(format!("\"{}\"", "x".repeat(BYTES_MAX)));
        let (kept, element) = asked(long).await;
        assert!(kept.is_none());
        assert!(element.ends_with(">{}</script>"), "{element}");

        let mut answers = Answers::default();
        assert!(answers.ask(&Router::new(), "pulse").await.is_none());
        assert!(answers.members.is_empty());
    }
}
