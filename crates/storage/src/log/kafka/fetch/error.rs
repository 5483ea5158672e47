//! Errors between Weir and a broker, and their translation for the reader of the log.

use std::time::Duration;

use kafka_protocol::ResponseError;

use crate::log::LogError;

/// Causes for which a connection or a request fails.
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
    /// The bytes are not an answer of a Kafka broker, or need a version that this client does not speak.
    #[error("{broker} speaks another protocol: {detail}")]
    Protocol { broker: String, detail: String },
    #[error("{broker} refused the login: {detail}")]
    Login { broker: String, detail: String },
    #[error("the broker answered {0}")]
    Answered(#[from] ResponseError),
}

impl FetchError {
    /// Returns whether a retry cannot help until somebody changes a setting or a right.
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

    /// Translates the error for the reader of the log.
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

/// Returns whether a partition's leader moved or is about to, so that the metadata must be asked for again.
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
            // The topic was created a moment ago, or was deleted; the metadata tells which.
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopicId
            | Code::InconsistentTopicId
            | Code::FetchSessionIdNotFound
            | Code::InvalidFetchSessionEpoch
            | Code::RequestTimedOut
            | Code::NetworkException
    )
}
