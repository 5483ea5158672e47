//! Translates errors of librdkafka into errors of the log.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::settings::setting;
use crate::log::LogError;

/// Returns whether the brokers or the network are the cause, so that a retry may succeed.
pub(super) fn is_away(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::BrokerNotAvailable
            | Code::ConcurrentTransactions
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::KafkaStorageError
            | Code::OffsetNotAvailable
            | Code::NotController
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::LeaderNotAvailable
            | Code::MessageTimedOut
            | Code::NetworkException
            | Code::NodeUpdate
            | Code::NotCoordinator
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::NotLeaderForPartition
            | Code::OperationTimedOut
            | Code::ReplicaNotAvailable
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
    )
}

/// Returns whether a topic that is new, or whose leaders move, answers this error for a short time.
pub(super) fn is_settling(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::ReplicaNotAvailable
            | Code::BrokerNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::KafkaStorageError
            | Code::OffsetNotAvailable
            | Code::NotController
    )
}

/// Returns whether the topic, or its partition, does not exist.
pub(super) fn is_unknown(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition)
}

pub(super) fn failed(servers: &str, doing: &'static str, error: KafkaError) -> LogError {
    use RDKafkaErrorCode as Code;
    if let KafkaError::ClientConfig(_, message, name, _) = &error {
        return setting(&format!("{message} ({name})"));
    }
    if let KafkaError::ClientCreation(message) = &error {
        return setting(message);
    }
    let servers = servers.to_owned();

    match error.rdkafka_error_code() {
        Some(code) if is_away(code) => LogError::Unreachable { servers, source: Box::new(error) },
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::PolicyViolation,
        ) => LogError::Refused { servers, source: Box::new(error) },
        _ => LogError::Storage { doing, source: Box::new(error) },
    }
}

/// Translates the error of an operation on a topic.
pub(super) fn failed_at(servers: &str, topic: &str, doing: &'static str, error: KafkaError) -> LogError {
    match error.rdkafka_error_code() {
        Some(code) if is_unknown(code) => LogError::UnknownTopic { topic: topic.to_owned() },
        _ => failed(servers, doing, error),
    }
}
