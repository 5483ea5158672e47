//! Asks for the id of a topic. A topic that is deleted and created again has another id (KIP-516).
//!
//! rdkafka does not wrap this request, so this module calls librdkafka itself.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;
use std::time::Duration;

use rdkafka::bindings as raw;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{IsError as _, KafkaError};
use rdkafka::types::RDKafkaRespErr;

use super::context::Context;

/// Returns the id of a topic in base64; `None` where the brokers are too old to have ids or do not permit
/// the request.
pub(super) fn topic_id(
    client: &BaseConsumer<Context>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<String>, KafkaError> {
    let Ok(name) = CString::new(topic) else { return Ok(None) };
    let mut names: [*const c_char; 1] = [name.as_ptr()];
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);

    // SAFETY: the client outlives the call. Everything created here is destroyed before it returns, and the
    // event last read is not used after that. librdkafka copies the names.
    unsafe {
        let client = client.client().native_ptr();
        let queue = raw::rd_kafka_queue_new(client);
        let topics = raw::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let options = raw::rd_kafka_AdminOptions_new(
            client,
            raw::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        raw::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ptr::null_mut(), 0);

        raw::rd_kafka_DescribeTopics(client, topics, options, queue);
        let event = raw::rd_kafka_queue_poll(queue, timeout_ms.saturating_add(1_000));
        let answer = if event.is_null() {
            Err(KafkaError::AdminOp(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT.into()))
        } else {
            let answer = read(event);
            raw::rd_kafka_event_destroy(event);
            answer
        };

        raw::rd_kafka_AdminOptions_destroy(options);
        raw::rd_kafka_TopicCollection_destroy(topics);
        raw::rd_kafka_queue_destroy(queue);
        answer
    }
}

/// Decodes the answer about one topic.
///
/// # Safety
///
/// `event` must be the answer to `rd_kafka_DescribeTopics`, and must not have been destroyed.
unsafe fn read(event: *mut raw::rd_kafka_event_t) -> Result<Option<String>, KafkaError> {
    // SAFETY: all that is read belongs to the event, which the caller destroys afterwards; pointers are
    // checked before use.
    unsafe {
        let code = raw::rd_kafka_event_error(event);
        if code.is_error() {
            return Err(KafkaError::AdminOp(code.into()));
        }
        let result = raw::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Ok(None);
        }
        let mut count = 0_usize;
        let topics = raw::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Ok(None);
        }
        let topic = *topics;

        let error = raw::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() {
            let code = raw::rd_kafka_error_code(error);
            if code.is_error() {
                return Err(KafkaError::AdminOp(code.into()));
            }
        }
        let id = raw::rd_kafka_TopicDescription_topic_id(topic);
        if id.is_null() {
            return Ok(None);
        }
        let text = raw::rd_kafka_Uuid_base64str(id);
        if text.is_null() {
            return Ok(None);
        }
        let text = CStr::from_ptr(text).to_string_lossy().into_owned();
        // Brokers without ids answer with zeros.
        Ok(Some(text).filter(|text| !text.trim_matches(['A', '=']).is_empty()))
    }
}
