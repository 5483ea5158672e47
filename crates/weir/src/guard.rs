//! Who may do what, from the settings: the guard of all listeners.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use server::guard::{Access, Guard, Options, Rate, ThisMachine, TokenFile};
use types::Clock;

use crate::cli::Failure;
use crate::config::{Address, Config};

/// Makes the guard for listeners at these addresses. Fails where one can be reached from other machines and there is no
/// token, unless the settings say that this is meant.
pub(crate) fn of(
    config: &Config,
    clock: Arc<dyn Clock>,
    addresses: &[SocketAddr],
) -> Result<Arc<Guard>, Failure> {
    let guard = Guard::new(options(config, addresses)?, clock);
    let guard = guard.and_then(|guard| {
        if !config.security.insecure {
            guard.may_serve(addresses)?;
        }
        Ok(guard)
    });
    let guard = guard.map_err(|error| match error.domain() {
        types::ErrorDomain::User => Failure::usage(error),
        domain => Failure::of(domain, error),
    })?;
    if let Some(exposed) = addresses.iter().find(|address| !is_loopback(address)) {
        match (guard.is_required(), guard.tls()) {
            (false, _) => {
                tracing::warn!(address = %exposed, "everybody who can connect may do everything (--insecure)")
            }
            (true, None) => tracing::warn!(
                address = %exposed,
                "tokens come in readable for everybody on the way: set tls.certificate and tls.key, or put a proxy in front"
            ),
            (true, Some(_)) => {}
        }
    }
    Ok(guard)
}

fn options(config: &Config, addresses: &[SocketAddr]) -> Result<Options, Failure> {
    let of = &config.security;
    let is_exposed = addresses.iter().any(|address| !is_loopback(address));
    let own = [&config.http.address, &config.jobs_http.address].into_iter().filter_map(name);
    let rate = f64::from(of.request_rate);
    let tls = match (&config.tls.certificate, &config.tls.key) {
        (certificate, key) if is_empty(certificate) && is_empty(key) => None,
        (certificate, key) if is_empty(certificate) || is_empty(key) => {
            return Err(Failure::usage(anyhow::anyhow!(
                "tls.certificate and tls.key go together: one of them is empty"
            )));
        }
        (certificate, key) => Some((certificate.clone(), key.clone())),
    };
    Ok(Options {
        tokens: Some(TokenFile::below(&config.data_dir)),
        access: if is_exposed && !of.insecure { Access::Always } else { Access::IfAny },
        allowed_hosts: own.chain(of.allowed_hosts.iter().cloned()).collect(),
        session_length: of.session.0,
        requests: (of.request_rate > 0).then_some(Rate { per_second: rate, burst: 2.0 * rate }),
        this_machine: if of.limit_this_machine { ThisMachine::Limited } else { ThisMachine::Unlimited },
        tls,
    })
}

/// The name in an address, if it is one.
fn name(address: &Address) -> Option<String> {
    let (host, _) = address.0.rsplit_once(':')?;
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain.parse::<IpAddr>().is_err().then(|| host.to_owned())
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}
