//! What can go wrong between Weir and a broker, and what it means to the reader of the log.

use std::time::Duration;

use kafka_protocol::ResponseError;

use crate::log::LogError;

/// Why a connection or a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("cannot connect to {broker}")]
    Connect {
        broker: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{broker} did not answer within {} ms", after.as_millis())]
    Timeout { broker: String, after: Duration },
    #[error("the connection to {broker} broke")]
    Broken {
        broker: String,
        #[source]
        source: std::io::Error,
    },
    /// Bytes that are no answer of a Kafka broker, or a version that this client does not speak.
    #[error("{broker} speaks another protocol: {detail}")]
    Protocol { broker: String, detail: String },
    #[error("{broker} refused the login: {detail}")]
    Login { broker: String, detail: String },
    #[error("the broker answered {0}")]
    Answered(#[from] ResponseError),
}

impl FetchError {
    /// Whether trying again cannot help until somebody changes a setting or a right.
    pub fn is_refusal(&self) -> bool {
        match self {
            FetchError::Login { .. } => true,
            FetchError::Answered(error) => matches!(
                error,
                ResponseError::TopicAuthorizationFailed
                    | ResponseError::ClusterAuthorizationFailed
                    | ResponseError::GroupAuthorizationFailed
                    | ResponseError::SaslAuthenticationFailed
                    | ResponseError::UnsupportedSaslMechanism
                    | ResponseError::IllegalSaslState
            ),
            _ => false,
        }
    }

    /// The same for the reader of the log.
    pub fn into_log_error(self, servers: &str) -> LogError {
        let servers = servers.to_owned();
        match &self {
            error if error.is_refusal() => LogError::Refused { servers, source: Box::new(self) },
            FetchError::Answered(_) | FetchError::Protocol { .. } => {
                LogError::Storage { doing: "reading records", source: Box::new(self) }
            }
            _ => LogError::Unreachable { servers, source: Box::new(self) },
        }
    }
}

/// Whether the leader of a partition moved, or is about to: the metadata is asked again.
pub(super) fn is_moving(error: ResponseError) -> bool {
    use ResponseError as Code;
    matches!(
        error,
        Code::NotLeaderOrFollower
            | Code::LeaderNotAvailable
            | Code::ReplicaNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::KafkaStorageError
            | Code::OffsetNotAvailable
            | Code::BrokerNotAvailable
            // A topic that was made a moment ago, or was deleted: the metadata tells which.
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopicId
            | Code::InconsistentTopicId
            | Code::FetchSessionIdNotFound
            | Code::InvalidFetchSessionEpoch
            | Code::RequestTimedOut
            | Code::NetworkException
    )
}
