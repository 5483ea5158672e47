//! Weir: events over HTTP, Flink SQL in event-time windows, a result store and a live dashboard, in one
//! binary.

mod allocator;
mod app;
mod cli;
mod config;
mod generate;
mod generated;
mod guard;
mod handles;
mod machine;
mod metrics;
mod private;
mod results_topics;
mod shutdown;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
