//! Which pages may talk to the server from a browser: those of this machine, its own, and those that are configured.

use axum::http::{HeaderMap, header, uri::Authority};

use crate::error::Error;

/// The origins that are let in.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    listed: Vec<String>,
    any: bool,
}

impl Origins {
    /// From the deployment's list; `*` lets everyone in.
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

    /// Whether a page of this origin may read answers.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        self.any || self.listed.contains(&origin) || of_this_machine(&origin)
    }

    /// Whether a request may do something: not one that a browser sends for a page of a stranger.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        self.allows(origin) || (authority.is_some() && authority == own)
    }

    /// [`Origins::admits`], also for what a `GET` does. Browsers name the page's origin with every request but a plain
    /// `GET`, of which they only tell that it comes from another site.
    pub(crate) fn admits_any(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::ORIGIN) {
            return self.admits(headers);
        }
        headers.get("sec-fetch-site").is_none_or(|site| site != "cross-site")
    }
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

    #[test]
    fn a_page_that_the_server_itself_delivered_may_act() {
        let origins = Origins::new(&[]).expect("valid");
        let headers = |origin: &str| {
            HeaderMap::from_iter([
                (header::HOST, "weir.example:8000".parse().expect("a value")),
                (header::ORIGIN, origin.parse().expect("a value")),
            ])
        };
        assert!(origins.admits(&HeaderMap::new()));
        assert!(origins.admits(&headers("http://weir.example:8000")));
        assert!(!origins.admits(&headers("http://evil.example:8000")));
    }

    #[test]
    fn what_is_no_origin_is_refused_at_the_start() {
        assert!(Origins::new(&["board.example".to_owned()]).is_err());
        assert!(Origins::new(&["https://board.example/path".to_owned()]).is_err());
        assert!(Origins::new(&["*".to_owned()]).expect("valid").allows("https://anyone.example"));
    }
}
