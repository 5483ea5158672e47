//! Sends batches of events over HTTP, repeating them until they are answered.
//!
//! The client is `ureq`: blocking, with one kept connection per thread. A load generator needs no more, and
//! the pauses of an asynchronous executor would distort what is measured.

use std::sync::Arc;
use std::time::Duration;

use rustls::CertificateError;
use serde::Deserialize;
use types::Clock;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::shutdown::Shutdown;

/// Pause after an answer that asks for one without a duration.
const PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Maximum of an answer's text that is shown as the reason.
const LONGEST_REASON: usize = 300;

/// Posts to one URL.
pub(crate) struct Poster {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    retry_for: Duration,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
}

/// The outcome of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "Body")]
pub(crate) struct Answer {
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
}

/// The body `{"accepted": 99, "rejected": [{"index": 3, "reason": "…"}]}`.
#[derive(Deserialize)]
struct Body {
    accepted: u64,
    rejected: Vec<serde_json::Value>,
    /// Set where more events were rejected than are listed.
    rejected_count: Option<u64>,
}

impl From<Body> for Answer {
    fn from(body: Body) -> Answer {
        let listed = body.rejected.len() as u64;
        Answer { accepted: body.accepted, rejected: body.rejected_count.unwrap_or(listed) }
    }
}

/// Causes for which a batch was not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("cannot reach {url}: {reason} (is `weir up` running there?)")]
    Unreachable { url: String, reason: String },
    #[error("cannot trust {url}: {reason}")]
    Untrusted { url: String, reason: CertificateError },
    #[error("{url} answered {status}: {reason}")]
    Refused { url: String, status: StatusCode, reason: String },
    #[error("interrupted while waiting for {url}")]
    Interrupted { url: String },
}

impl Poster {
    /// `agent` must not treat a status as an error. `retry_for` is the time for which an unreachable server
    /// is tried again.
    pub(crate) fn new(
        agent: Agent,
        url: &str,
        authorization: Option<String>,
        retry_for: Duration,
        clock: Arc<dyn Clock>,
        shutdown: Shutdown,
    ) -> Poster {
        Poster { agent, url: url.to_owned(), authorization, retry_for, clock, shutdown }
    }

    /// Posts `count` lines. Blocks until they are answered, or the server is given up.
    ///
    /// A batch whose answer was lost is sent again, so its events may be in the log twice.
    pub(crate) fn post(&self, lines: &[u8], count: u64) -> Result<Answer, PostError> {
        let mut unreachable_since: Option<Duration> = None;
        let mut pause = FIRST_PAUSE;

        loop {
            let mut request = self.agent.post(&self.url).content_type("application/x-ndjson");
            if let Some(authorization) = &self.authorization {
                request = request.header("Authorization", authorization);
            }
            let sent = request.send(lines);
            let wait = match sent {
                Ok(response) => match self.judge(response, count)? {
                    Verdict::Done(answer) => return Ok(answer),
                    Verdict::Wait(wait) => {
                        unreachable_since = None;
                        tracing::debug!(pause_ms = wait.as_millis(), "the server asks to wait");
                        wait
                    }
                },
                // The error is permanent.
                Err(ureq::Error::Rustls(rustls::Error::InvalidCertificate(reason))) => {
                    return Err(PostError::Untrusted { url: self.url.clone(), reason });
                }
                Err(error) => {
                    let now = self.clock.elapsed();
                    let since = *unreachable_since.get_or_insert_with(|| {
                        tracing::info!(url = self.url, %error, "cannot reach the server, trying again");
                        pause = FIRST_PAUSE;
                        now
                    });
                    if now.saturating_sub(since) >= self.retry_for {
                        return Err(PostError::Unreachable {
                            url: self.url.clone(),
                            reason: error.to_string(),
                        });
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            if self.shutdown.wait(wait) {
                return Err(PostError::Interrupted { url: self.url.clone() });
            }
        }
    }

    fn judge(&self, mut response: Response<ureq::Body>, count: u64) -> Result<Verdict, PostError> {
        let status = response.status();
        // Read the body in any case: only then is the connection reused.
        let body = response.body_mut().read_to_string();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return Ok(Verdict::Wait(retry_after(&response)));
        }
        let text = body.as_deref().unwrap_or_default();

        let refused = || PostError::Refused {
            url: self.url.clone(),
            status,
            reason: text.chars().take(LONGEST_REASON).collect(),
        };

        match status {
            StatusCode::ACCEPTED => serde_json::from_str(text).map(Verdict::Done).map_err(|_| refused()),
            // Nothing in the batch could be read, as may happen to small batches of bad lines.
            StatusCode::BAD_REQUEST => {
                tracing::debug!(reason = text, "a whole batch was rejected");
                Ok(Verdict::Done(Answer { accepted: 0, rejected: count }))
            }
            _ => Err(refused()),
        }
    }
}

enum Verdict {
    Done(Answer),
    Wait(Duration),
}

/// Returns the seconds in the header; its other form, a date, is not worth a parser here.
fn retry_after(response: &Response<ureq::Body>) -> Duration {
    let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    header.and_then(|text| text.trim().parse().ok()).map_or(PAUSE, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use types::SystemClock;

    use super::*;
    use crate::shutdown::tests::manual;

    /// Starts a server that gives these answers in turn on one connection, and returns the bodies it
    /// received.
    fn serve(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());

        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut writer = stream;
            let mut bodies = Vec::new();
            for answer in answers {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                bodies.push(String::from_utf8(body).unwrap());
                writer.write_all(answer.as_bytes()).unwrap();
            }
            bodies
        });

        (url, server)
    }

    fn answer(head: &str, body: &str) -> String {
        format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    fn poster(url: &str) -> (Poster, impl Drop) {
        let (shutdown, open) = manual();
        let agent = Agent::config_builder().http_status_as_error(false).build().new_agent();
        let clock = Arc::new(SystemClock::new());
        (Poster::new(agent, url, None, Duration::ZERO, clock, shutdown), Open(Some(open)))
    }

    /// Keeps a shutdown from being asked for.
    struct Open<T>(Option<T>);

    impl<T> Drop for Open<T> {
        fn drop(&mut self) {
            self.0 = None;
        }
    }

    #[test]
    fn a_batch_is_sent_again_on_the_same_connection_until_the_server_takes_it() {
        let (url, server) = serve(vec![
            answer("429 Too Many Requests\r\nretry-after: 0", ""),
            answer("503 Service Unavailable\r\nretry-after: 0", "{}"),
            answer("202 Accepted", r#"{"accepted": 1, "rejected": [{"index": 1, "reason": "not JSON"}]}"#),
        ]);
        let (poster, _open) = poster(&url);
        assert_eq!(poster.post(b"{}\n[\n", 2).unwrap(), Answer { accepted: 1, rejected: 1 });
        assert_eq!(server.join().unwrap(), ["{}\n[\n", "{}\n[\n", "{}\n[\n"]);
    }

    #[test]
    fn a_batch_that_cannot_be_read_is_rejected_as_a_whole() {
        let (url, server) = serve(vec![answer("400 Bad Request", "{}")]);
        let (poster, _open) = poster(&url);
        assert_eq!(poster.post(b"[\n", 1).unwrap(), Answer { accepted: 0, rejected: 1 });
        server.join().unwrap();
    }

    #[test]
    fn another_refusal_is_told_with_the_servers_words() {
        let (url, server) = serve(vec![answer("413 Payload Too Large", "at most 16 MiB")]);
        let (poster, _open) = poster(&url);
        let error = poster.post(b"{}\n", 1).unwrap_err().to_string();
        assert!(error.contains("413") && error.contains("at most 16 MiB"), "{error}");
        server.join().unwrap();
    }

    #[test]
    fn a_server_that_is_not_there_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        drop(listener);
        let (poster, _open) = poster(&url);
        assert!(matches!(poster.post(b"{}\n", 1), Err(PostError::Unreachable { .. })));
    }
}
