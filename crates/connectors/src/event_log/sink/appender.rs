//! Appends to the event log that are in flight. Several are allowed, so that the log's disk or brokers are
//! never idle; their number is limited, so that a slow or unreachable log holds back the sources. Nothing is
//! dropped.
//!
//! A failed append is repeated, together with all later ones: the last record of a key must remain its
//! newest.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use engine::connector::ConnectorError;
use storage::log::{Appending, EventLog, LogError, NewRecord};

use crate::retry::{Retry, RetryError, Stopped};

/// Largest number of bytes in flight; a larger append is sent alone.
const UNDER_WAY_BYTES: usize = 4 << 20;
/// Largest number of appends in flight.
const UNDER_WAY: usize = 64;
/// Interval in which a waiting thread checks whether the job has ended.
const LOOK: Duration = Duration::from_millis(50);

/// Appends records to one topic for one subtask.
pub(super) struct Appender {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) topic: String,
    /// Number of partitions if the topic has to be created.
    pub(super) partitions: u32,
    pub(super) retry: Arc<Retry>,
    pub(super) under_way: VecDeque<UnderWay>,
}

pub(super) struct UnderWay {
    records: Vec<NewRecord>,
    bytes: usize,
    appending: Appending,
}

impl Appender {
    /// Sends records to the log; waits while too much is in flight.
    pub(super) fn append(&mut self, records: Vec<NewRecord>) -> Result<(), ConnectorError> {
        let bytes: usize = records.iter().map(NewRecord::bytes).sum();
        while !self.under_way.is_empty()
            && (self.under_way.len() >= UNDER_WAY || self.bytes().saturating_add(bytes) > UNDER_WAY_BYTES)
        {
            self.settle_oldest()?;
        }
        let appending = self.repeat(|this| this.hand_over(&records))?;
        self.under_way.push_back(UnderWay { records, bytes, appending });
        Ok(())
    }

    /// Returns when all records are durable.
    pub(super) fn flush(&mut self) -> Result<(), ConnectorError> {
        while !self.under_way.is_empty() {
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.under_way.iter().map(|of| of.bytes).sum()
    }

    fn settle_oldest(&mut self) -> Result<(), ConnectorError> {
        let Some(mut oldest) = self.under_way.pop_front() else { return Ok(()) };
        let Err(error) = wait(&mut oldest.appending, &self.retry).map_err(|stopped| self.failed(stopped))?
        else {
            return Ok(());
        };

        tracing::warn!(topic = self.topic, %error, "an append failed and is repeated");
        // Later appends have to finish first, or their records could end up behind the ones appended now.
        let mut again = vec![oldest.records];

        for mut later in std::mem::take(&mut self.under_way) {
            let _ = wait(&mut later.appending, &self.retry).map_err(|stopped| self.failed(stopped))?;
            again.push(later.records);
        }

        for records in again {
            self.repeat(|this| {
                let mut appending = this.hand_over(&records)?;
                // If the job has stopped, the next attempt reports it.
                wait(&mut appending, &this.retry).unwrap_or(Err(LogError::Closed)).map(|_| ())
            })?;
        }

        Ok(())
    }

    fn hand_over(&self, records: &[NewRecord]) -> Result<Appending, LogError> {
        match self.log.append(&self.topic, records.to_vec()) {
            Err(LogError::UnknownTopic { .. }) => {
                self.log.create_topic(&self.topic, self.partitions)?;
                self.log.append(&self.topic, records.to_vec())
            }
            handed => handed,
        }
    }

    /// Repeats an operation until the log accepts it or fails permanently.
    fn repeat<T>(
        &self,
        mut attempt: impl FnMut(&Appender) -> Result<T, LogError>,
    ) -> Result<T, ConnectorError> {
        let done = self.retry.run(&format!("write topic `{}`", self.topic), || attempt(self));
        done.map_err(|error| match error {
            RetryError::Permanent(error) => self.failed(error),
            stopped => self.failed(stopped),
        })
    }

    fn failed(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
        ConnectorError::external(format!("cannot write topic `{}`", self.topic), error)
    }
}

/// Wakes the thread that waits for an append.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for the result of an append, unless the job ends first.
fn wait(appending: &mut Appending, retry: &Retry) -> Result<Result<(), LogError>, Stopped> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut *appending).poll(&mut context) {
            Poll::Ready(told) => return Ok(told.unwrap_or(Err(LogError::Closed)).map(|_| ())),
            Poll::Pending if retry.is_stopped() => return Err(Stopped),
            Poll::Pending => std::thread::park_timeout(LOOK),
        }
    }
}

#[cfg(test)]
mod tests;
