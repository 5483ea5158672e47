//! The threads that serve the connections to the brokers of one cluster.

use std::sync::Arc;
use std::thread::available_parallelism;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::log::LogError;

/// Limit of threads. Inflating batches takes their time, and more threads only wait for each other.
const THREADS_MAX: usize = 4;

/// The threads of a cluster, which start with the first reader.
#[derive(Default)]
pub(in crate::log::kafka) struct Network {
    threads: Mutex<Option<Arc<Threads>>>,
}

impl Network {
    pub fn threads(&self) -> Result<Arc<Threads>, LogError> {
        let mut threads = self.threads.lock();
        if let Some(threads) = &*threads {
            return Ok(threads.clone());
        }
        let started = Arc::new(Threads::start()?);
        *threads = Some(started.clone());
        Ok(started)
    }
}

/// Runs the tasks of all readers of a cluster. Dropping it ends them without waiting.
pub(in crate::log::kafka) struct Threads {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    fn start() -> Result<Threads, LogError> {
        let threads = available_parallelism().map_or(1, |count| count.get().min(THREADS_MAX));
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("kafka-fetch")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| LogError::Storage { doing: "starting threads", source: Box::new(error) })?;
        let handle = runtime.handle().clone();
        Ok(Threads { runtime: Some(runtime), handle })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The drop may run in a task of another runtime, which must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
