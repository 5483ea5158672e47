//! Records of one partition, copied together as they come.

use std::ffi::CStr;
use std::sync::Arc;

use rdkafka::Message as _;
use rdkafka::bindings::{rd_kafka_header_get_all, rd_kafka_headers_t, rd_kafka_message_headers};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaRespErr;
use types::{Offset, PartitionId, Timestamp};

use crate::log::{Attributes, Fetched, RecordRef, Span, Wanted};

#[derive(Default)]
pub(super) struct Run {
    partition: Option<PartitionId>,
    records: Vec<RecordRef>,
    attributes: Vec<Attributes>,
    data: Vec<u8>,
}

impl Run {
    /// Only word of a partition.
    pub fn nothing_of(partition: PartitionId) -> Run {
        Run { partition: Some(partition), ..Run::default() }
    }

    pub fn partition(&self) -> Option<PartitionId> {
        self.partition
    }

    /// With a little for each record: some have no body.
    pub fn bytes(&self) -> usize {
        self.data.len() + self.records.len() * size_of::<RecordRef>()
    }

    /// A record of the run's partition, or the first of all.
    pub fn add(&mut self, message: &BorrowedMessage<'_>, wanted: Wanted) {
        self.partition = Some(PartitionId(message.partition().cast_unsigned()));
        let body = self.keep(message.payload().unwrap_or_default());
        self.records.push(RecordRef {
            offset: Offset(message.offset().max(0).unsigned_abs()),
            appended: Timestamp(message.timestamp().to_millis().unwrap_or(-1)),
            start: body.start,
            end: body.end,
        });
        if wanted.any() {
            let key = message.key().filter(|_| wanted.keys).map(|key| self.keep(key));
            let headers = if wanted.headers { self.headers(message) } else { Vec::new() };
            self.attributes.push(Attributes { key, headers });
        }
    }

    pub fn into_fetched(self) -> Fetched {
        Fetched {
            partition: self.partition,
            records: self.records,
            attributes: self.attributes,
            data: Arc::new(self.data),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let start = self.data.len();
        self.data.extend_from_slice(bytes);
        let at = |place: usize| u32::try_from(place).expect("a run is far below 4 GiB");
        Span { start: at(start), end: at(self.data.len()) }
    }

    /// rdkafka's own view of headers panics where a name is not UTF-8, and anyone may have written it.
    fn headers(&mut self, message: &BorrowedMessage<'_>) -> Vec<(Span, Option<Span>)> {
        let mut headers: *mut rd_kafka_headers_t = std::ptr::null_mut();
        // SAFETY: the message is alive, and so are its headers while it is; the pointer is ours.
        let code = unsafe { rd_kafka_message_headers(message.ptr(), &raw mut headers) };
        let mut found = Vec::new();
        if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return found;
        }

        loop {
            let (mut name, mut value, mut length) = (std::ptr::null(), std::ptr::null(), 0_usize);
            // SAFETY: as above; beyond the last header an error is returned and nothing is written.
            let code = unsafe {
                rd_kafka_header_get_all(headers, found.len(), &raw mut name, &raw mut value, &raw mut length)
            };
            if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
                return found;
            }
            // SAFETY: names end with a zero byte, and values have the length told; both live as long as the message.
            let (name, value) = unsafe {
                let value =
                    (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), length));
                (CStr::from_ptr(name).to_bytes(), value)
            };
            let name = self.keep(name);
            found.push((name, value.map(|value| self.keep(value))));
        }
    }
}
