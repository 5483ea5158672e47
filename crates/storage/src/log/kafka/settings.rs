//! Settings of a cluster's clients: properties under librdkafka's names, or under the names of Kafka's own
//! clients where the two differ, since scripts and deployments use those.
//!
//! <https://kafka.apache.org/documentation/#consumerconfigs>,
//! <https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md>

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use super::fetch::FetchOptions;
use crate::log::LogError;

/// Addresses and properties of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KafkaSettings {
    servers: String,
    /// Under librdkafka's names.
    properties: BTreeMap<String, String>,
}

/// Settings of Kafka's own clients that have no effect here; they are ignored without loss.
const WITHOUT_MEANING: &[&str] = &[
    "allow.auto.create.topics",
    "auto.commit.interval.ms",
    "auto.offset.reset",
    "bootstrap.servers",
    "client.id.prefix",
    "commit.offsets.on.checkpoint",
    "default.api.timeout.ms",
    "enable.auto.commit",
    "exclude.internal.topics",
    "key.deserializer",
    "key.serializer",
    "max.block.ms",
    "max.poll.interval.ms",
    "max.poll.records",
    "partition.assignment.strategy",
    "partition.discovery.interval.ms",
    "register.consumer.metrics",
    "register.producer.metrics",
    "session.timeout.ms",
    "ssl.keystore.type",
    "ssl.truststore.password",
    "ssl.truststore.type",
    "transactional.id",
    "value.deserializer",
    "value.serializer",
];

/// Names of Kafka's own clients, with librdkafka's different names.
const RENAMED: &[(&str, &str)] = &[
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("max.request.size", "message.max.bytes"),
    ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
    ("ssl.keystore.key", "ssl.key.pem"),
    ("ssl.truststore.certificates", "ssl.ca.pem"),
];

impl KafkaSettings {
    /// `servers` is a list of `host:port`, separated by commas. Fails with [`LogError::Setting`] where a
    /// property is not understood.
    pub fn new(servers: &str, properties: &BTreeMap<String, String>) -> Result<KafkaSettings, LogError> {
        let mut of = KafkaSettings { servers: servers.to_owned(), properties: BTreeMap::new() };
        for (name, value) in properties {
            of.take(name, value, properties)?;
        }
        // librdkafka reports unknown properties when a client is created.
        of.client().create_native_config().map_err(|error| match error {
            KafkaError::ClientConfig(_, message, _, _) => setting(&message),
            error => setting(&error.to_string()),
        })?;
        Ok(of)
    }

    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// Returns these settings, overridden by the properties of a table.
    pub fn with(
        &self,
        servers: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<KafkaSettings, LogError> {
        let mut of = KafkaSettings::new(servers, properties)?;
        if servers == self.servers {
            let mut both = self.properties.clone();
            both.append(&mut of.properties);
            of.properties = both;
        }
        Ok(of)
    }

    /// Returns these settings for reading committed records only.
    pub(super) fn committed_only(&self) -> KafkaSettings {
        let mut of = self.clone();
        of.properties.insert("isolation.level".to_owned(), "read_committed".to_owned());
        of
    }

    /// Returns these settings for reading uncommitted records too.
    pub(super) fn with_uncommitted(&self) -> KafkaSettings {
        let mut of = self.clone();
        of.properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
        of
    }

    /// Returns the options of the fetch path.
    pub(super) fn fetch(&self) -> Result<FetchOptions, LogError> {
        FetchOptions::new(&self.servers, &self.properties)
    }

    /// Returns the settings that all clients share.
    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        // One of several addresses behind a name may be dead, and a broker that returns should be found soon.
        config.set("client.id", "weir").set("reconnect.backoff.max.ms", "2000");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.servers);
        config
    }

    fn take(&mut self, name: &str, value: &str, all: &BTreeMap<String, String>) -> Result<(), LogError> {
        let mut set = |name: &str, value: &str| self.properties.insert(name.to_owned(), value.to_owned());
        let store = |kind: &str| all.get(kind).map_or("JKS", String::as_str).to_ascii_uppercase();

        match name {
            "sasl.jaas.config" => {
                let (user, password) = login(value).ok_or_else(|| {
                    setting("`sasl.jaas.config` has no username and password; set `sasl.username` and `sasl.password`")
                })?;
                set("sasl.username", &user);
                set("sasl.password", &password);
            }
            "ssl.truststore.location" if store("ssl.truststore.type") == "PEM" => {
                set("ssl.ca.location", value);
            }
            "ssl.truststore.location" => {
                return Err(setting(&format!(
                    "the trust store {value} is in a Java format; export its certificates as PEM (`keytool -exportcert -rfc`) and set \
                     `ssl.ca.location`"
                )));
            }
            "ssl.keystore.location" if store("ssl.keystore.type") == "PEM" => {
                set("ssl.certificate.location", value);
                set("ssl.key.location", value);
            }
            "ssl.keystore.location" if store("ssl.keystore.type") == "JKS" => {
                return Err(setting(&format!(
                    "the key store {value} is in a Java format; convert it to PKCS12 (`keytool -importkeystore -deststoretype PKCS12`) and \
                     set `ssl.keystore.type` to it"
                )));
            }
            "ssl.endpoint.identification.algorithm" if value.is_empty() => {
                set(name, "none");
            }
            _ if WITHOUT_MEANING.contains(&name) => {}
            _ => {
                let theirs = RENAMED.iter().find(|(theirs, _)| *theirs == name);
                set(theirs.map_or(name, |(_, ours)| ours), value);
            }
        }

        Ok(())
    }
}

/// Endings of properties whose values are files or programs of this machine.
const OF_THIS_MACHINE: &[&str] = &[".location", ".file", ".keytab", ".library.paths", ".cmd"];

/// Fails with [`LogError::Setting`] where a table's properties name files or programs. The author of a script
/// need not be permitted to read this machine's files, and librdkafka would even load libraries that a
/// property names.
pub(in crate::log) fn of_a_table(properties: &BTreeMap<String, String>) -> Result<(), LogError> {
    let named = properties.keys().find(|name| OF_THIS_MACHINE.iter().any(|ending| name.ends_with(ending)));
    named.map_or(Ok(()), |name| {
        Err(setting(&format!(
            "`{name}` names a file or a program, which a table must not: set it in `kafka.properties` of weir.toml, or pass \
             the content of the file in `ssl.ca.pem`, `ssl.certificate.pem` and `ssl.key.pem`"
        )))
    })
}

/// Returns whether a property's value must not be shown.
pub fn is_secret(property: &str) -> bool {
    ["password", "passphrase", "secret", "jaas", "key.pem", "ssl.keystore.key"]
        .iter()
        .any(|word| property.contains(word))
}

/// Returns user and password of `… required username="user" password="word";`.
fn login(config: &str) -> Option<(String, String)> {
    let value = |name: &str| {
        let (_, rest) = config.split_once(&format!("{name}="))?;
        let quote = rest.chars().next().filter(|&c| c == '"' || c == '\'')?;
        let rest = &rest[1..];
        Some(rest[..rest.find(quote)?].to_owned())
    };
    Some((value("username")?, value("password")?))
}

pub(super) fn setting(message: &str) -> LogError {
    LogError::Setting { message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn of(given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, String> {
        let settings = KafkaSettings::new("localhost:9092", &properties(given));
        settings.map(|settings| settings.properties).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_for_kafkas_own_clients_is_understood() {
        let given = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            (
                "sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"weir\" password=\"a=b\";",
            ),
            ("ssl.truststore.location", "/etc/ca.pem"),
            ("ssl.truststore.type", "PEM"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("fetch.max.wait.ms", "10"),
            ("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer"),
        ];

        let expected = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            ("sasl.username", "weir"),
            ("sasl.password", "a=b"),
            ("ssl.ca.location", "/etc/ca.pem"),
            ("ssl.endpoint.identification.algorithm", "none"),
            ("fetch.wait.max.ms", "10"),
        ];

        assert_eq!(of(&given), Ok(properties(&expected)));
    }

    #[test]
    fn what_no_client_takes_is_named() {
        assert!(of(&[("fetch.min.byte", "1")]).unwrap_err().contains("fetch.min.byte"));
        assert!(of(&[("sasl.jaas.config", "x required;")]).unwrap_err().contains("sasl.username"));
        assert!(of(&[("ssl.truststore.location", "/a.jks")]).unwrap_err().contains("ssl.ca.location"));
        assert!(of(&[("ssl.keystore.location", "/a.jks")]).unwrap_err().contains("PKCS12"));
    }

    #[test]
    fn a_tables_own_properties_come_on_top_where_the_brokers_are_the_same() {
        let deployment =
            KafkaSettings::new("a:1", &properties(&[("client.id", "x"), ("fetch.min.bytes", "2")])).unwrap();
        let table = properties(&[("client.id", "y")]);
        let same = deployment.with("a:1", &table).unwrap();
        assert_eq!(same.properties, properties(&[("client.id", "y"), ("fetch.min.bytes", "2")]));
        assert_eq!(deployment.with("b:1", &table).unwrap().properties, table);
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "sasl.password",
            "ssl.key.password",
            "sasl.jaas.config",
            "ssl.keystore.key",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.assertion.private.key.passphrase",
        ] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("sasl.username") && !is_secret("ssl.ca.location"));
    }
}
