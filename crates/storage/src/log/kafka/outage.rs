//! Logs the beginning and the end of an outage of the brokers, each once, however often they are asked meanwhile.
//!
//! Scripts search logs for `ERROR: Kafka not available`, a line of the programs that Weir replaces. The line therefore
//! begins with these words.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::error::KafkaError;
use types::with_causes;

use super::failure::is_settling;
use crate::log::LogError;

/// Whether the brokers of one cluster were unreachable when they were last asked. Clones share the state, so that several
/// logs of the same brokers report an outage once.
#[derive(Debug, Clone, Default)]
pub struct Outage {
    lasts: Arc<AtomicBool>,
}

impl Outage {
    /// Notes the outcome of a request to the brokers, and returns it.
    pub(super) fn heard<T>(&self, outcome: Result<T, LogError>) -> Result<T, LogError> {
        match &outcome {
            Ok(_) => self.ends(),
            Err(LogError::Unreachable { servers, source }) if !is_election(&**source) => {
                self.begins(servers, &with_causes(&**source));
            }
            Err(_) => {}
        }
        outcome
    }

    /// Notes that the brokers do not answer.
    pub(super) fn begins(&self, servers: &str, why: &str) {
        if !self.lasts.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "ERROR: Kafka not available at {servers}: {why}; Weir asks again until the brokers answer: start them, or \
                 correct `kafka.brokers` (KAFKA_BROKER_URL) or the table's `properties.bootstrap.servers`"
            );
        }
    }

    /// Notes that the brokers answer.
    pub(super) fn ends(&self) {
        if self.lasts.swap(false, Ordering::Relaxed) {
            tracing::info!("Kafka is available again");
        }
    }
}

/// Returns whether the brokers answered that the leaders of a topic are being elected.
fn is_election(error: &(dyn std::error::Error + 'static)) -> bool {
    let code = error.downcast_ref::<KafkaError>().and_then(KafkaError::rdkafka_error_code);
    code.is_some_and(is_settling)
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode as Code;

    use super::*;

    fn away(code: Code) -> Result<(), LogError> {
        let source = Box::new(KafkaError::MetadataFetch(code));
        Err(LogError::Unreachable { servers: "localhost:9092".to_owned(), source })
    }

    fn lasts(outage: &Outage) -> bool {
        outage.lasts.load(Ordering::Relaxed)
    }

    #[test]
    fn an_outage_lasts_until_an_answer() {
        let outage = Outage::default();
        for outcome in [away(Code::BrokerTransportFailure), away(Code::AllBrokersDown), Err(LogError::Closed)]
        {
            assert!(outage.heard(outcome).is_err());
            assert!(lasts(&outage));
        }
        assert!(outage.heard(Ok(())).is_ok());
        assert!(!lasts(&outage));
    }

    #[test]
    fn the_election_of_a_leader_is_no_outage() {
        let outage = Outage::default();
        assert!(outage.heard(away(Code::LeaderNotAvailable)).is_err());
        assert!(!lasts(&outage));
    }
}
