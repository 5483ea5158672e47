//! The host names under which a request may call this server.
//!
//! A stranger's page can let its own name resolve to this machine; the browser then treats the server's
//! answers as that page's own. But the browser still sends that name as `Host`. So the accepted names are
//! those of this machine, of the listener's settings and of `security.allowed_hosts`. Addresses and names
//! without a dot, such as those of neighbouring services, are accepted too, because a stranger cannot
//! redirect them. Where a token is required, names do not matter: a stranger's page has no token to send.
use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version, header};

use super::refusal::Refusal;
use crate::error::Error;

/// The accepted host names.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    names: Vec<String>,
    any: bool,
}

impl Hosts {
    /// Returns the hosts of the deployment's list of names without ports; `*` accepts all.
    pub(super) fn new(list: &[String]) -> Result<Hosts, Error> {
        let mut hosts = Hosts::default();
        for name in list {
            let name = name.trim();
            if name == "*" {
                hosts.any = true;
                continue;
            }
            match name.parse::<Authority>() {
                Ok(authority) if authority.port().is_none() && !name.contains(['@', ':']) => {
                    hosts.names.push(plain(name));
                }
                _ => return Err(Error::Host { host: name.to_owned() }),
            }
        }
        Ok(hosts)
    }

    /// Refuses a request without a valid host, or, unless `any` is set, with a name that is not accepted.
    pub(super) fn admit(&self, request: &Request, any: bool) -> Result<(), Refusal> {
        let mut sent = request.headers().get_all(header::HOST).iter();
        let host = match (sent.next(), sent.next()) {
            (Some(host), None) => Some(host.to_str().map_err(|_| bad())?),
            (Some(_), Some(_)) => return Err(bad()),
            // No browser sends HTTP/1.0.
            (None, _) if request.version() == Version::HTTP_10 => None,
            (None, _) => return Err(bad()),
        };

        let target = request.uri().authority().map(Authority::as_str);
        for host in host.into_iter().chain(target) {
            let authority: Authority = host.parse().map_err(|_| bad())?;
            if host.contains('@') {
                return Err(bad());
            }
            if !any && !self.knows(authority.host()) {
                let detail = format!(
                    "{} is not a name of this server: add it to security.allowed_hosts if it should be",
                    authority.host()
                );
                return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, detail));
            }
        }

        Ok(())
    }

    fn knows(&self, host: &str) -> bool {
        let host = plain(host);
        let address = host.trim_start_matches('[').trim_end_matches(']');
        self.any
            || host == "localhost"
            || host.ends_with(".localhost")
            || address.parse::<IpAddr>().is_ok()
            || !host.contains('.')
            || self.names.contains(&host)
    }
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn bad() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "a request needs exactly one Host header with the name of a host")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn status(hosts: &Hosts, sent: &[&str]) -> u16 {
        let mut request = Request::builder().uri("/status");
        for host in sent {
            request = request.header(header::HOST, *host);
        }
        let request = request.body(Body::empty()).expect("a request");
        hosts.admit(&request, false).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    #[test]
    fn names_of_this_machine_and_of_the_settings_are_taken_and_all_addresses() {
        let hosts = Hosts::new(&["Weir.example".to_owned()]).expect("valid");
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "board.localhost:1",
            "127.0.0.1:8000",
            "192.0.2.7",
            "[::1]:8000",
            "[2001:db8::1]",
            "weir.example",
            "weir.EXAMPLE.:8000",
            "gateway:8000",
        ] {
            assert_eq!(status(&hosts, &[host]), 200, "{host}");
        }

        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "a.weir.example",
        ] {
            assert_eq!(status(&hosts, &[host]), 421, "{host}");
        }

        for sent in [vec![], vec![""], vec!["localhost", "localhost"], vec!["a b"], vec!["u@localhost"]] {
            assert_eq!(status(&hosts, &sent), 400, "{sent:?}");
        }
        let any = Hosts::new(&["*".to_owned()]).expect("valid");
        assert_eq!(status(&any, &["evil.example"]), 200);
    }

    #[test]
    fn a_name_in_the_target_counts_too() {
        let request = Request::builder().uri("http://evil.example/status").header(header::HOST, "localhost");
        let request = request.body(Body::empty()).expect("a request");
        assert!(Hosts::default().admit(&request, false).is_err());
        assert!(Hosts::default().admit(&request, true).is_ok());
    }

    #[test]
    fn what_is_no_name_is_refused_at_the_start() {
        for name in ["", "weir.example:8000", "http://weir.example", "a b", "[::1]:1"] {
            assert!(Hosts::new(&[name.to_owned()]).is_err(), "{name:?}");
        }
    }
}
