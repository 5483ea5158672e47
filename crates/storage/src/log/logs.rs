//! Finds the log of a table: the deployment's, unless the table names brokers of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use types::Clock;

use super::kafka::{KafkaLog, KafkaOptions, KafkaSettings, Outage, of_a_table};
use super::{EventLog, LogError};

/// Value of `bootstrap.servers` that means the deployment's log, wherever that is.
const EMBEDDED: &str = "embedded";
const SERVERS: &str = "bootstrap.servers";

/// The log of the deployment, and the logs of brokers that tables name themselves.
#[derive(Clone)]
pub struct Logs {
    own: Arc<dyn EventLog>,
    kafka: Option<KafkaSettings>,
    clock: Arc<dyn Clock>,
    opened: Arc<Mutex<BTreeMap<KafkaSettings, Arc<dyn EventLog>>>>,
    /// By the addresses of the brokers.
    outages: Arc<Mutex<BTreeMap<String, Outage>>>,
}

impl Logs {
    /// `kafka` holds the settings of the deployment's log, if it is in Kafka.
    pub fn new(own: Arc<dyn EventLog>, kafka: Option<KafkaSettings>, clock: Arc<dyn Clock>) -> Logs {
        Logs { own, kafka, clock, opened: Arc::default(), outages: Arc::default() }
    }

    /// Lets the logs of tables report an outage of the deployment's brokers together with the deployment's log.
    pub fn sharing(self, outage: Outage) -> Logs {
        if let Some(kafka) = &self.kafka {
            self.outages.lock().insert(kafka.servers().to_owned(), outage);
        }
        self
    }

    /// Returns the deployment's log.
    pub fn own(&self) -> &Arc<dyn EventLog> {
        &self.own
    }

    /// Describes for people the log that [`Logs::of`] returns.
    pub fn place(&self, properties: &BTreeMap<String, String>) -> String {
        let named = properties.get(SERVERS).map(|servers| servers.trim());
        let named = named.filter(|servers| !servers.is_empty() && *servers != EMBEDDED);
        match named.or_else(|| self.kafka.as_ref().map(KafkaSettings::servers)) {
            Some(servers) => format!("Kafka at {servers}"),
            None => self.own.name(),
        }
    }

    /// Returns the log of a table with these properties, given without the prefix `properties.`. Does not
    /// contact the brokers.
    ///
    /// Fails with [`LogError::Setting`] when the Kafka client does not accept the properties.
    pub fn of(&self, properties: &BTreeMap<String, String>) -> Result<Arc<dyn EventLog>, LogError> {
        of_a_table(properties)?;
        let named = properties.get(SERVERS).map(|servers| servers.trim());
        let named = named.filter(|servers| !servers.is_empty() && *servers != EMBEDDED);
        let settings = match (&self.kafka, named) {
            (None, None) => return Ok(self.own.clone()),
            (None, Some(servers)) => KafkaSettings::new(servers, properties)?,
            (Some(own), named) => own.with(named.unwrap_or(own.servers()), properties)?,
        };
        if self.kafka.as_ref() == Some(&settings) {
            return Ok(self.own.clone());
        }
        let mut opened = self.opened.lock();
        if let Some(log) = opened.get(&settings) {
            return Ok(log.clone());
        }
        let outage = self.outages.lock().entry(settings.servers().to_owned()).or_default().clone();
        let options = KafkaOptions { outage, ..KafkaOptions::new(settings.clone()) };
        let log = Arc::new(KafkaLog::open(options, self.clock.clone())?);
        opened.insert(settings, log.clone());
        Ok(log)
    }
}

#[cfg(test)]
mod tests {
    use types::SystemClock;

    use super::*;
    use crate::log::EmbeddedLog;

    fn properties(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_table_means_the_deployments_log_unless_it_names_brokers() {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let own = EmbeddedLog::open(directory.path(), Default::default(), clock.clone()).unwrap();
        let embedded = Logs::new(Arc::new(own), None, clock.clone());
        let name = |logs: &Logs, of: &[(&str, &str)]| logs.of(&properties(of)).map(|log| log.name());
        for own in [&[][..], &[(SERVERS, "embedded"), ("group.id", "g")], &[(SERVERS, " ")]] {
            assert_eq!(name(&embedded, own).unwrap(), "the embedded event log");
        }
        assert_eq!(name(&embedded, &[(SERVERS, "localhost:1")]).unwrap(), "Kafka");
        assert!(name(&embedded, &[(SERVERS, "localhost:1"), ("no.such", "x")]).is_err());

        let settings = KafkaSettings::new("localhost:1", &BTreeMap::new()).unwrap();
        let own = KafkaLog::open(KafkaOptions::new(settings.clone()), clock.clone()).unwrap();
        let kafka = Logs::new(Arc::new(own), Some(settings), clock);
        let same = |one: &[(&str, &str)], other: &[(&str, &str)]| {
            let [one, other] = [one, other].map(|of| kafka.of(&properties(of)).unwrap());
            Arc::ptr_eq(&one, &other)
        };
        assert!(Arc::ptr_eq(&kafka.of(&properties(&[(SERVERS, "embedded")])).unwrap(), kafka.own()));
        assert!(Arc::ptr_eq(&kafka.of(&properties(&[(SERVERS, "localhost:1")])).unwrap(), kafka.own()));
        assert!(same(&[("fetch.min.bytes", "2")], &[("fetch.min.bytes", "2")]));
        assert!(!same(&[("fetch.min.bytes", "2")], &[]));
        assert!(!same(&[(SERVERS, "localhost:2")], &[]));
    }

    #[test]
    fn a_table_names_no_file_and_no_program() {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let own = EmbeddedLog::open(directory.path(), Default::default(), clock.clone()).unwrap();
        let logs = Logs::new(Arc::new(own), None, clock);

        for name in [
            "plugin.library.paths",
            "ssl.engine.location",
            "sasl.kerberos.kinit.cmd",
            "sasl.kerberos.keytab",
            "ssl.ca.location",
            "ssl.keystore.location",
            "sasl.oauthbearer.assertion.private.key.file",
        ] {
            for servers in ["a:1", "embedded"] {
                let refused = logs.of(&properties(&[(SERVERS, servers), (name, "/etc/passwd")]));
                let told = refused.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(told.contains(name) && told.contains("kafka.properties"), "{name}: {told}");
            }
        }
    }
}
