//! Where the result store is: the forms of `redis.url`.
//!
//! | form | names |
//! | --- | --- |
//! | `redis://[user:password@]host[:port][/database]` | a server, or any node of a cluster |
//! | `redis-cluster://[user:password@]host[:port],host[:port]…` | some nodes of a cluster, which know the others |
//! | `redis-sentinel://[user:password@]host[:port],…/service[/database]` | sentinels, which know the master of a service |
//! | `unix:///path` | a server on this machine |
//!
//! `rediss` in the place of `redis` speaks TLS. Several hosts behind `redis://` are nodes of a cluster as well. User and
//! password are those of the servers; sentinels that ask for a password have `?sentinelPassword=…` and, where they know
//! users, `&sentinelUsername=…`.

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
    /// The name that the sentinels have for the master and its replicas.
    pub service: String,
    /// How to speak to the servers that they name. Its address is a stand-in.
    pub server: ConnectionInfo,
}

const SENTINEL_PORT: u16 = 26379;

const FORMS: &str = "it is `redis://[user:password@]host[:port][/database]`, \
    `redis-cluster://[user:password@]host[:port],host[:port]`, \
    `redis-sentinel://[user:password@]host[:port],host[:port]/service[/database]` (each also as `rediss` for TLS), or \
    `unix:///path`; in a user or password, write `@` as %40, `:` as %3A, `/` as %2F, `#` as %23 and `?` as %3F";

impl Deployment {
    /// Reads a URL. The error does not repeat it, since it may hold a password.
    pub fn parse(url: &str) -> Result<Deployment, StoreError> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| wrong("it has no scheme such as redis://"))?;
        let parts = Parts::of(rest);

        match scheme {
            "unix" | "redis+unix" | "valkey+unix" => Ok(Deployment::Server(info(url)?)),
            "redis" | "rediss" | "valkey" | "valkeys" if parts.hosts.len() < 2 => {
                Ok(Deployment::Server(info(url)?))
            }
            "redis" | "valkey" | "redis-cluster" => parts.cluster("redis"),
            "rediss" | "valkeys" | "rediss-cluster" => parts.cluster("rediss"),
            "redis-sentinel" => parts.sentinel("redis"),
            "rediss-sentinel" => parts.sentinel("rediss"),
            other => Err(wrong(&format!("`{other}://` is no scheme of Redis"))),
        }
    }

    /// The first server that the URL names: host and port, or path and 0.
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

/// What stands behind `scheme://`, cut but not decoded.
struct Parts<'a> {
    /// `user:password@`, or nothing.
    login: &'a str,
    hosts: Vec<&'a str>,
    /// Without the slash before it.
    path: &'a str,
    /// Parameters behind `?`.
    query: Vec<(&'a str, &'a str)>,
    /// `#insecure`, or nothing.
    fragment: &'a str,
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Parts<'a> {
        let (rest, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        let query = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        Parts { login, hosts: hosts.split(',').map(str::trim).collect(), path, query, fragment }
    }

    fn cluster(&self, scheme: &str) -> Result<Deployment, StoreError> {
        if !matches!(self.path.trim_end_matches('/'), "" | "0") {
            return Err(wrong("a cluster has no database but 0: leave out what stands behind the last host"));
        }
        let url = |host: &&str| format!("{scheme}://{}{host}{}", self.login, self.suffix());
        let nodes = self.hosts.iter().map(|host| info(&url(host)));
        Ok(Deployment::Cluster(nodes.collect::<Result<_, _>>()?))
    }

    fn sentinel(&self, scheme: &str) -> Result<Deployment, StoreError> {
        let (service, database) = self.path.split_once('/').unwrap_or((self.path, ""));
        if service.is_empty() {
            return Err(wrong(
                "behind the sentinels stands the name of their service, as in `host:26379/mymaster`",
            ));
        }

        let parameter =
            |name| self.query.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value);
        let (user, password) = (parameter("sentinelUsername"), parameter("sentinelPassword"));
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

    /// Parameters and fragment, which mean the same for each host.
    fn suffix(&self) -> String {
        let known = self.query.iter().filter(|(key, _)| !key.starts_with("sentinel"));
        let query: Vec<String> = known.map(|(key, value)| format!("{key}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{mark}{}{}", query.join("&"), self.fragment)
    }
}

fn has_port(host: &str) -> bool {
    // An IPv6 address stands in brackets.
    host.rsplit_once(']').map_or(host, |(_, behind)| behind).contains(':')
}

/// The same server's settings for another host and port.
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
        // Behind the dash stands the name of an enum's variant.
        let text = error.to_string();
        wrong(text.split(" - ").next().unwrap_or_default())
    })?;
    // The name of a library is nothing that a user needs a right for.
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
