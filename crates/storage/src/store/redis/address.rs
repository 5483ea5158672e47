//! The forms of `redis.url`, the address of the result store.
//!
//! | form | names |
//! | --- | --- |
//! | `redis://[user:password@]host[:port][/database]` | a server, or any node of a cluster |
//! | `redis-cluster://[user:password@]host[:port],host[:port]…` | some nodes of a cluster |
//! | `redis-sentinel://[user:password@]host[:port],…/service[/database]` | sentinels, and a service |
//! | `unix:///path` | a server on this machine |
//!
//! `rediss` instead of `redis` uses TLS. Several hosts behind `redis://` are nodes of a cluster as well. User
//! and password are those of the servers; sentinels that require a password get it from
//! `?sentinelPassword=…`, and their user from `&sentinelUsername=…`. Anything else in a URL is refused,
//! because it would be ignored.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError};

use crate::store::StoreError;

/// The servers that a URL names.
#[derive(Debug, Clone)]
pub(super) enum Deployment {
    /// One server, which may turn out to be a node of a cluster.
    Server(ConnectionInfo),
    /// Some nodes of a cluster.
    Cluster(Vec<ConnectionInfo>),
    Sentinel(Sentinels),
}

#[derive(Debug, Clone)]
pub(super) struct Sentinels {
    pub nodes: Vec<ConnectionInfo>,
    /// Name under which the sentinels know the master and its replicas.
    pub service: String,
    /// Settings for the servers that the sentinels name. Its address is a placeholder.
    pub server: ConnectionInfo,
}

const SENTINEL_PORT: u16 = 26379;

const FORMS: &str = "it is `redis://[user:password@]host[:port][/database]`, \
    `redis-cluster://[user:password@]host[:port],host[:port]`, \
    `redis-sentinel://[user:password@]host[:port],host[:port]/service[/database]` (each also as `rediss` for TLS), or \
    `unix:///path`; in a user or password, write `@` as %40, `:` as %3A, `/` as %2F, `#` as %23 and `?` as %3F";

impl Deployment {
    /// Parses a URL. The error does not repeat the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Deployment, StoreError> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| wrong("it has no scheme such as redis://"))?;
        let parts = Parts::of(rest);
        parts.refuse_what_is_ignored(scheme, parameters(scheme)?)?;

        match scheme {
            "unix" | "redis+unix" | "valkey+unix" => Ok(Deployment::Server(info(url)?)),
            "redis" | "rediss" | "valkey" | "valkeys" if parts.hosts.len() < 2 => {
                Ok(Deployment::Server(info(url)?))
            }
            "redis" | "valkey" | "redis-cluster" => parts.cluster("redis"),
            "rediss" | "valkeys" | "rediss-cluster" => parts.cluster("rediss"),
            "redis-sentinel" => parts.sentinel("redis"),
            _ => parts.sentinel("rediss"),
        }
    }

    /// Returns host and port of the first server in the URL, or the path and 0.
    pub fn first(&self) -> (String, String) {
        let first = match self {
            Deployment::Server(server) => Some(server),
            Deployment::Cluster(nodes) => nodes.first(),
            Deployment::Sentinel(sentinels) => sentinels.nodes.first(),
        };
        match first.map(ConnectionInfo::addr) {
            Some(ConnectionAddr::Tcp(host, port)) => (host.clone(), port.to_string()),
            Some(ConnectionAddr::TcpTls { host, port, .. }) => (host.clone(), port.to_string()),
            Some(ConnectionAddr::Unix(path)) => (path.display().to_string(), "0".to_owned()),
            _ => ("unknown".to_owned(), "0".to_owned()),
        }
    }
}

/// Returns the parameters that a scheme knows.
fn parameters(scheme: &str) -> Result<&'static [&'static str], StoreError> {
    match scheme {
        "unix" | "redis+unix" | "valkey+unix" => Ok(&["db", "user", "pass", "protocol"]),
        "redis" | "rediss" | "valkey" | "valkeys" | "redis-cluster" | "rediss-cluster" => Ok(&["protocol"]),
        "redis-sentinel" | "rediss-sentinel" => Ok(&["sentinelUsername", "sentinelPassword", "protocol"]),
        other => Err(wrong(&format!("`{other}://` is not a Redis scheme"))),
    }
}

/// The parts of a URL behind `scheme://`, split but not decoded.
struct Parts<'a> {
    /// `user:password@`, or empty.
    login: &'a str,
    hosts: Vec<&'a str>,
    /// Without the leading slash.
    path: &'a str,
    /// Parameters behind `?`.
    query: Vec<(&'a str, &'a str)>,
    /// `#insecure`, or empty.
    fragment: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Parts<'a> {
        let (rest, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        Parts { login, hosts: hosts.split(',').map(str::trim).collect(), path, query, fragment }
    }

    /// Fails where a part of the URL would have no effect: parameters that the scheme does not know, the user
    /// of a second host, a fragment without TLS.
    fn refuse_what_is_ignored(&self, scheme: &str, parameters: &[&str]) -> Result<(), StoreError> {
        self.refuse_second_login()?;

        for (at, (name, value)) in self.query.iter().enumerate() {
            // The parameter may be the rest of a password with a `?` or an `&`, so the error does not repeat
            // it.
            if name.contains('@') || (value.contains('@') && !parameters.contains(name)) {
                return Err(wrong("an `@` follows a `?`"));
            }
            if self.query[..at].iter().any(|(before, _)| before == name) {
                return Err(wrong(&format!("the parameter `{name}` occurs twice: remove one")));
            }
            if parameters.contains(name) {
                continue;
            }
            let remedy = match *name {
                "db" if scheme.ends_with("-cluster") => "remove it, a cluster has only database 0".to_owned(),
                "db" => "write the database after the host or the service, as in `redis://host/1`".to_owned(),
                "user" | "username" | "pass" | "password" => {
                    "write user and password before the first host, as in `redis://user:password@host`"
                        .to_owned()
                }
                _ => format!("remove it; `{scheme}://` supports {}", parameters.join(", ")),
            };
            return Err(wrong(&format!("`{scheme}://` has no parameter `{name}`: {remedy}")));
        }

        let is_encrypted = scheme.starts_with("rediss") || scheme == "valkeys";
        if !is_encrypted && !self.fragment.is_empty() {
            return Err(wrong("only rediss:// uses the part after `#`: remove it"));
        }
        Ok(())
    }

    /// Fails where a user precedes another host than the first. The last `@` ends the login, so `login`
    /// contains such hosts.
    fn refuse_second_login(&self) -> Result<(), StoreError> {
        let Some((first, rest)) = self.login.split_once(',') else { return Ok(()) };
        let is_host = first.split_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        if first.contains('@') || is_host || rest.trim_end_matches('@').contains('@') {
            return Err(wrong(
                "a user stands before a host that is not the first: write one user and password before the first host, for \
                 all hosts; in a password, write `,` as %2C",
            ));
        }
        Ok(())
    }

    fn cluster(&self, scheme: &str) -> Result<Deployment, StoreError> {
        if !matches!(self.path.trim_end_matches('/'), "" | "0") {
            return Err(wrong("a cluster has only database 0: remove the part after the last host"));
        }
        let url = |host: &&str| format!("{scheme}://{}{host}{}", self.login, self.suffix());
        let nodes = self.hosts.iter().map(|host| info(&url(host)));
        Ok(Deployment::Cluster(nodes.collect::<Result<_, _>>()?))
    }

    fn sentinel(&self, scheme: &str) -> Result<Deployment, StoreError> {
        let (service, database) = self.path.split_once('/').unwrap_or((self.path, ""));
        if service.is_empty() {
            return Err(wrong(
                "the name of the service is missing after the sentinels, as in `host:26379/mymaster`",
            ));
        }

        let parameter =
            |name| self.query.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value);
        let (user, password) = (parameter("sentinelUsername"), parameter("sentinelPassword"));
        if password.is_empty() && !user.is_empty() {
            return Err(wrong("`sentinelUsername` needs `sentinelPassword`: set both or none"));
        }
        let login = if password.is_empty() { String::new() } else { format!("{user}:{password}@") };

        let suffix = self.suffix();
        let nodes = self.hosts.iter().map(|host| {
            let port = if has_port(host) { String::new() } else { format!(":{SENTINEL_PORT}") };
            info(&format!("{scheme}://{login}{host}{port}{suffix}"))
        });
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let server = info(&format!("{scheme}://{}localhost/{database}{suffix}", self.login))?;
        Ok(Deployment::Sentinel(Sentinels { nodes, service: service.to_owned(), server }))
    }

    /// Returns parameters and fragment, which apply to each host.
    fn suffix(&self) -> String {
        let known = self.query.iter().filter(|(key, _)| !key.starts_with("sentinel"));
        let query: Vec<String> = known.map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{mark}{}{}", query.join("&"), self.fragment)
    }
}

fn has_port(host: &str) -> bool {
    // An IPv6 address is in brackets.
    host.rsplit_once(']').map_or(host, |(_, behind)| behind).contains(':')
}

/// Returns the same settings for another host and port.
pub(super) fn at(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let address = match info.addr().clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(address)
}

fn info(url: &str) -> Result<ConnectionInfo, StoreError> {
    let info = url.into_connection_info().map_err(|error: RedisError| {
        // Text behind the dash is the name of an enum's variant.
        let text = error.to_string();
        wrong(text.split(" - ").next().unwrap_or_default())
    })?;

    let port = match info.addr() {
        ConnectionAddr::Tcp(_, port) | ConnectionAddr::TcpTls { port, .. } => Some(*port),
        _ => None,
    };
    if port == Some(0) {
        return Err(wrong("no server listens on port 0: write the port of the server, by default 6379"));
    }

    let database = info.redis_settings().db();
    if database < 0 {
        return Err(wrong(&format!("{database} is not a database number: numbers begin at 0")));
    }

    // Setting the library's name would require a right that users need for nothing else.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings))
}

pub(super) fn wrong(why: &str) -> StoreError {
    StoreError::Address { message: format!("{why}; {FORMS}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(nodes: &[ConnectionInfo]) -> Vec<String> {
        nodes.iter().map(|node| node.addr().to_string()).collect()
    }

    #[test]
    fn a_single_host_is_a_server() {
        let Ok(Deployment::Server(server)) = Deployment::parse("redis://u:p%40@h/3") else { panic!() };
        assert_eq!((server.addr().to_string(), server.redis_settings().db()), ("h:6379".to_owned(), 3));
        assert_eq!(server.redis_settings().password(), Some("p@"));
        assert!(matches!(Deployment::parse("unix:///run/redis.sock"), Ok(Deployment::Server(_))));
    }

    #[test]
    fn several_hosts_are_nodes_of_a_cluster() {
        for url in ["redis://u:p@a:7000,[::1]:7001,c", "redis-cluster://u:p@a:7000,[::1]:7001,c/0"] {
            let Ok(Deployment::Cluster(nodes)) = Deployment::parse(url) else { panic!("{url}") };
            assert_eq!(addresses(&nodes), ["a:7000", "::1:7001", "c:6379"], "{url}");
            assert!(nodes.iter().all(|node| node.redis_settings().username() == Some("u")), "{url}");
        }
        let Ok(Deployment::Cluster(nodes)) = Deployment::parse("rediss-cluster://a") else { panic!() };
        assert!(matches!(nodes[0].addr(), ConnectionAddr::TcpTls { .. }));
    }

    #[test]
    fn sentinels_have_a_service_and_passwords_of_their_own() {
        let url = "redis-sentinel://u:p@a,b:5000/mymaster/2?sentinelPassword=s%40&protocol=resp2";
        let Ok(Deployment::Sentinel(found)) = Deployment::parse(url) else { panic!() };
        assert_eq!(
            (addresses(&found.nodes), &*found.service),
            (vec!["a:26379".into(), "b:5000".into()], "mymaster")
        );
        let (sentinel, server) = (found.nodes[0].redis_settings(), found.server.redis_settings());
        assert_eq!((sentinel.username(), sentinel.password(), sentinel.db()), (None, Some("s@"), 0));
        assert_eq!((server.username(), server.password(), server.db()), (Some("u"), Some("p"), 2));
    }

    #[test]
    fn what_would_have_no_effect_is_refused_with_a_remedy() {
        for (url, remedy) in [
            ("redis://u:secret@a?db=1", "as in `redis://host/1`"),
            ("rediss://a/2?db=1", "as in `redis://host/1`"),
            ("redis-cluster://a,b?db=0", "a cluster has only database 0"),
            ("redis-sentinel://a/mymaster?db=2", "the service"),
            ("redis://a?db", "`redis://` has no parameter `db`"),
            ("redis://a?password=secret", "before the first host"),
            ("redis://a?timeout=5&protocol=3", "remove it; `redis://` supports protocol"),
            ("redis://a?protocol=2&protocol=3", "twice"),
            ("redis://a?sentinelPassword=secret", "no parameter `sentinelPassword`"),
            ("redis-sentinel://a/mymaster?sentinelUsername=s", "set both or none"),
            ("unix:///run/redis.sock?database=1", "supports db, user, pass, protocol"),
            ("redis://a#insecure", "only rediss:// uses"),
            ("redis://u:se?cret@a", "`?` as %3F"),
            ("redis://a:0", "no server listens on port 0"),
            ("rediss://u:secret@a:0/1", "no server listens on port 0"),
            ("redis-cluster://a:7000,b:0", "no server listens on port 0"),
            ("redis-sentinel://a:0/mymaster", "no server listens on port 0"),
            ("redis://a/-1", "numbers begin at 0"),
            ("redis-sentinel://a/mymaster/-1", "numbers begin at 0"),
            ("unix:///run/redis.sock?db=-1", "numbers begin at 0"),
            ("redis-cluster://u:secret@a,q@b", "one user and password"),
            ("redis-cluster://u:secret@a,q:secret@b,c", "one user and password"),
            ("redis-cluster://a:7000,u:secret@b", "one user and password"),
            ("redis-cluster://a,u:secret@b", "one user and password"),
            ("redis://u:secret@a,q@b", "one user and password"),
            ("redis-sentinel://u:secret@a,q@b/mymaster", "one user and password"),
        ] {
            let Err(StoreError::Address { message }) = Deployment::parse(url) else { panic!("{url}") };
            assert!(message.contains(remedy), "{url}: {message}");
            assert!(!message.contains("secret") && !message.contains("cret@"), "{url}: {message}");
        }

        // A comma or an `@` in a password is neither, and has always been accepted.
        for url in ["redis://u:p,q@a", "redis://u:p@q@a", "redis://a?protocol=resp3", "rediss://a#insecure"] {
            assert!(Deployment::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_is_none_of_the_forms_is_refused_without_its_password() {
        for url in [
            "",
            "localhost:6379",
            "http://u:secret@redis",
            "redis://",
            "redis://u:secret@redis:port",
            "redis://u:secret@redis/first",
            "redis-cluster://u:secret@a,b/1",
            "redis-cluster://u:secret@a,",
            "redis-sentinel://u:secret@a:26379",
            "redis-sentinel://u:secret@a:26379/mymaster/first",
        ] {
            let Err(StoreError::Address { message }) = Deployment::parse(url) else { panic!("{url}") };
            assert!(message.contains("redis-sentinel://") && !message.contains("secret"), "{url}: {message}");
        }
    }
}
