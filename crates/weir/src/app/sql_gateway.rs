//! Converts the settings to options of the SQL gateway.

use server::gateway::Options;

use crate::config::Config;
use crate::handles::Handles;

pub(super) fn options(config: &Config, handles: Handles) -> Options {
    let of = &config.gateway_http;
    Options {
        cors_origins: config.http.cors_origins.clone(),
        sessions_max: of.sessions.get(),
        idle_timeout: of.idle_timeout.0,
        queries_max: of.queries.get(),
        connections_max: handles.others,
        headers_max: config.http.headers.get(),
        header_timeout: config.http.header_timeout.0,
        shutdown_grace: config.http.shutdown_grace.0,
        ..Options::default()
    }
}
