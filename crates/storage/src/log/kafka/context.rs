//! Callbacks of a client of librdkafka.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::failure::is_away;
use super::sender::Delivery;

/// Receives the log messages and errors of one client.
#[derive(Clone)]
pub(super) struct Context {
    servers: Arc<str>,
}

impl Context {
    pub fn new(servers: &str) -> Context {
        Context { servers: servers.into() }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // The messages that matter also arrive as errors, which their callers report. The rest is for
        // debugging.
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(servers = %self.servers, facility, "kafka: {message}");
            }
            _ => tracing::debug!(servers = %self.servers, facility, "kafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            Some(code) if is_away(code) => {
                tracing::debug!(servers = %self.servers, %error, "kafka: {reason}")
            }
            _ => tracing::warn!(servers = %self.servers, %error, "kafka: {reason}"),
        }
    }
}

impl ConsumerContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Box<Delivery>) {
        delivery.done(result);
    }
}
