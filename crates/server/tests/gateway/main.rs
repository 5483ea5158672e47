//! The SQL gateway's listener, as Flink's SQL client and JDBC driver use it.

#[path = "../support/mod.rs"]
mod support;

#[path = "../flink/world.rs"]
#[allow(dead_code, reason = "the job manager's tests use the rest")]
mod world;

mod desk;
mod lenient;
mod queries;
mod refused;
mod sessions;
mod statements;
