//! Decides which pages may call the server from a browser: those of this machine, its own, and configured
//! ones.

use axum::http::{HeaderMap, HeaderValue, header, uri::Authority};

use crate::error::Error;

/// The accepted origins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    listed: Vec<String>,
    any: bool,
}

impl Origins {
    /// Returns the origins of the deployment's list; `*` accepts all.
    pub(crate) fn new(list: &[String]) -> Result<Origins, Error> {
        let mut origins = Origins { listed: Vec::new(), any: false };
        for origin in list {
            let origin = origin.trim().trim_end_matches('/').to_ascii_lowercase();
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            match authority {
                _ if origin == "*" => origins.any = true,
                Some(authority) if !authority.is_empty() && !authority.contains('/') => {
                    origins.listed.push(origin)
                }
                _ => return Err(Error::Origin { origin }),
            }
        }
        Ok(origins)
    }

    /// Returns whether a page of this origin may read answers.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.any || self.listed.contains(&origin) || of_this_machine(&origin)
    }

    /// Returns whether a request may change something. A browser must not change anything for the page of
    /// another site.
    ///
    /// Browsers tell in two headers where a request comes from. A page cannot set `Sec-Fetch-Site`, which
    /// compares the page's origin with the address that the browser called, so that it works behind a proxy
    /// too. But browsers send it only to `https` and to this machine. `Origin` comes with every request but a
    /// plain `GET`. It is `null` where a page has no origin or hides it (`Referrer-Policy: no-referrer`), and
    /// then tells nothing.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if site == Some(b"same-origin") {
            return true;
        }

        match headers.get(header::ORIGIN) {
            Some(origin) => {
                origin.to_str().is_ok_and(|origin| self.allows(origin) || is_own(origin, headers))
            }
            None => site != Some(b"cross-site"),
        }
    }
}

/// Returns whether an origin names the host and port to which the request was sent.
fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == host
}

fn of_this_machine(origin: &str) -> bool {
    let Some(authority) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
        return false;
    };
    let Ok(authority) = authority.parse::<Authority>() else { return false };
    // `user@host` is no origin.
    !authority.as_str().contains('@') && matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn this_machine_is_let_in_on_any_port_and_strangers_are_not() {
        let origins = Origins::new(&["https://Board.example/".to_owned()]).expect("valid");
        for origin in [
            "http://localhost",
            "http://localhost:5173",
            "https://127.0.0.1:8443",
            "http://[::1]:3000",
            "https://board.example",
        ] {
            assert!(origins.allows(origin), "{origin}");
        }

        for origin in [
            "null",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://127.0.0.1.evil.example",
            "https://board.example:444",
            "file://localhost",
            "",
        ] {
            assert!(!origins.allows(origin), "{origin}");
        }
    }

    fn headers(sent: &[(&'static str, &str)]) -> HeaderMap {
        let host = [("host", "weir.example:8000")];
        let sent = host.iter().chain(sent).map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        });
        sent.collect()
    }

    #[test]
    fn a_page_that_the_server_itself_delivered_may_act() {
        let origins = Origins::new(&[]).expect("valid");
        for sent in [
            &[][..],
            &[("origin", "http://weir.example:8000")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "same-origin")],
            // A page that hides its address, and a proxy that calls the server by another name.
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "same-origin"), ("origin", "https://board.example")],
        ] {
            assert!(origins.admits(&headers(sent)), "{sent:?}");
        }
    }

    #[test]
    fn a_page_of_a_stranger_may_not_act() {
        let origins = Origins::new(&[]).expect("valid");
        for sent in [
            &[("origin", "http://evil.example:8000")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "null")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://weir.example:9000")],
            &[("sec-fetch-site", "none"), ("origin", "null")],
        ] {
            assert!(!origins.admits(&headers(sent)), "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused_at_the_start() {
        assert!(Origins::new(&["board.example".to_owned()]).is_err());
        assert!(Origins::new(&["https://board.example/path".to_owned()]).is_err());
        assert!(Origins::new(&["*".to_owned()]).expect("valid").allows("https://anyone.example"));
    }
}
