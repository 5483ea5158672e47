//! Options of the fetch path, decoded from a cluster's settings under librdkafka's names.
//!
//! <https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md>

use std::collections::BTreeMap;
use std::time::Duration;

use super::sasl::Login;
use super::tls::Tls;
use crate::log::LogError;
use crate::log::kafka::settings::setting;

/// Addresses, credentials and limits of fetching.
pub(in crate::log::kafka) struct FetchOptions {
    /// As configured, for messages.
    pub(super) servers: String,
    /// Addresses for the first connection, tried in turn.
    pub(super) bootstrap: Vec<(String, u16)>,
    pub(super) client_id: String,
    pub(super) tls: Option<Tls>,
    pub(super) login: Option<Login>,
    /// Whether only records of committed transactions are handed out.
    pub(super) is_read_committed: bool,
    /// Time that a broker waits for `min_bytes` before it answers.
    pub(super) max_wait: Duration,
    pub(super) min_bytes: i32,
    pub(super) max_bytes: i32,
    pub(super) partition_max_bytes: i32,
    /// Rack of this client. A replica there may be read instead of the leader (KIP-392).
    pub(super) rack: String,
    pub(super) request_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) backoff: Duration,
    pub(super) backoff_max: Duration,
    pub(super) checks_crcs: bool,
}

/// Settings of OpenSSL, librdkafka's TLS library, that this library has no equivalent for.
const OPENSSL_ONLY: &[&str] = &[
    "ssl.cipher.suites",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.engine.location",
    "ssl.providers",
    "ssl.sigalgs.list",
];

impl FetchOptions {
    /// Decodes the properties. Fails with [`LogError::Setting`] where a value cannot be honoured.
    pub fn new(servers: &str, properties: &BTreeMap<String, String>) -> Result<FetchOptions, LogError> {
        if let Some(name) = OPENSSL_ONLY.iter().find(|name| properties.contains_key(**name)) {
            return Err(setting(&format!("`{name}` is not supported: leave it out")));
        }
        let of = Properties(properties);

        let protocol = of.text("security.protocol", "plaintext").to_ascii_lowercase();
        let (has_tls, has_login) = match protocol.as_str() {
            "plaintext" => (false, false),
            "ssl" => (true, false),
            "sasl_plaintext" => (false, true),
            "sasl_ssl" => (true, true),
            _ => {
                return Err(setting(&format!(
                    "`security.protocol` is `{protocol}`, not one of plaintext, ssl, sasl_plaintext, sasl_ssl"
                )));
            }
        };

        Ok(FetchOptions {
            servers: servers.to_owned(),
            bootstrap: bootstrap(servers)?,
            client_id: of.text("client.id", "weir").to_owned(),
            tls: has_tls.then(|| Tls::new(properties)).transpose()?,
            login: has_login.then(|| Login::new(properties)).transpose()?,
            is_read_committed: of.text("isolation.level", "read_committed") != "read_uncommitted",
            // Also the time after which a quiet partition is known to be at its end.
            max_wait: of.millis("fetch.wait.max.ms", 100)?,
            min_bytes: of.number("fetch.min.bytes", 1)?,
            // A whole answer is held in memory; Kafka's default of 50 MiB gains nothing over this.
            max_bytes: of.number("fetch.max.bytes", 8 << 20)?,
            partition_max_bytes: of
                .either("max.partition.fetch.bytes", "fetch.message.max.bytes")
                .map_or(Ok(1 << 20), |(name, _)| of.number(name, 0))?,
            rack: of.text("client.rack", "").to_owned(),
            request_timeout: of.millis("socket.timeout.ms", 60_000)?,
            connect_timeout: of.millis("socket.connection.setup.timeout.ms", 30_000)?,
            backoff: of.millis("reconnect.backoff.ms", 100)?,
            // Short, so that a broker that returns is found soon.
            backoff_max: of.millis("reconnect.backoff.max.ms", 2_000)?,
            checks_crcs: of.boolean("check.crcs", true)?,
        })
    }
}

/// Properties, read by type.
pub(super) struct Properties<'a>(pub &'a BTreeMap<String, String>);

impl<'a> Properties<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn text(&self, name: &str, otherwise: &'a str) -> &'a str {
        self.get(name).unwrap_or(otherwise)
    }

    /// Returns the first of two synonymous names that is set, with its value.
    fn either(&self, one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
        [one, other].into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    fn number(&self, name: &str, otherwise: i32) -> Result<i32, LogError> {
        let Some(value) = self.get(name) else { return Ok(otherwise) };
        value.trim().parse().map_err(|_| setting(&format!("`{name}` is `{value}`, which is not a number")))
    }

    fn millis(&self, name: &str, otherwise: i32) -> Result<Duration, LogError> {
        let ms = self.number(name, otherwise)?;
        Ok(Duration::from_millis(ms.max(0).unsigned_abs().into()))
    }

    pub fn boolean(&self, name: &str, otherwise: bool) -> Result<bool, LogError> {
        match self.get(name) {
            None => Ok(otherwise),
            Some("true" | "t" | "1") => Ok(true),
            Some("false" | "f" | "0") => Ok(false),
            Some(value) => Err(setting(&format!("`{name}` is `{value}`, not true or false"))),
        }
    }
}

/// Parses `host:port,[v6]:port,protocol://host`. The port defaults to 9092.
fn bootstrap(servers: &str) -> Result<Vec<(String, u16)>, LogError> {
    let mut found = Vec::new();
    for server in servers.split(',').map(str::trim).filter(|server| !server.is_empty()) {
        let address = server.split_once("://").map_or(server, |(_, address)| address);
        let (host, port) = match address.rsplit_once(':') {
            // A bare IPv6 address has colons and no port.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (address, "9092"),
            Some((host, port)) => (host, port),
            None => (address, "9092"),
        };
        let port = port
            .parse()
            .map_err(|_| setting(&format!("`{server}` is not a broker address of the form host:port")))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        found.push((host.to_owned(), port));
    }
    if found.is_empty() {
        return Err(setting("no brokers are configured: set `properties.bootstrap.servers`"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(properties: &[(&str, &str)]) -> Result<FetchOptions, String> {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        FetchOptions::new("a:1", &properties.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn brokers_are_named_with_and_without_protocol_port_and_brackets() {
        let found = bootstrap("a:1, b ,PLAINTEXT://c:3,[::1]:4,::1").unwrap();
        let expected = [("a", 1), ("b", 9092), ("c", 3), ("::1", 4), ("::1", 9092)];
        assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)));
        assert!(bootstrap("a:x").is_err() && bootstrap(" , ").is_err());
    }

    #[test]
    fn values_are_read_by_the_names_of_both_clients() {
        let read =
            options(&[("fetch.message.max.bytes", "7"), ("isolation.level", "read_uncommitted")]).unwrap();
        assert_eq!((read.partition_max_bytes, read.is_read_committed), (7, false));
        let read = options(&[("max.partition.fetch.bytes", "8"), ("fetch.wait.max.ms", "5")]).unwrap();
        assert_eq!((read.partition_max_bytes, read.max_wait), (8, Duration::from_millis(5)));
    }

    #[test]
    fn settings_that_cannot_be_honoured_are_named() {
        for (name, value) in [
            ("ssl.cipher.suites", "DEFAULT"),
            ("security.protocol", "ssh"),
            ("fetch.min.bytes", "many"),
            ("check.crcs", "perhaps"),
        ] {
            let error = options(&[(name, value)]).err().unwrap();
            assert!(error.contains(name), "{error}");
        }
    }
}
