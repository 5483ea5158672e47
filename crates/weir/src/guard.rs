//! Creates the guard of all listeners from the settings.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use server::guard::{Access, Guard, Options, Rate, ThisMachine, TokenFile};
use tokio::net::TcpListener;
use types::Clock;

use crate::cli::Failure;
use crate::config::{Address, Config};

/// Listens on the addresses of the server, the job manager and the SQL gateway, in this order, and creates
/// their guard. Fails where a listener is reachable from other machines and there is no token, unless the
/// settings permit it.
pub(crate) async fn listen(
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<([TcpListener; 3], Arc<Guard>), Failure> {
    let places = [
        Place { setting: "http.address", flag: "--http", address: &config.http.address },
        Place { setting: "jobs_http.address", flag: "--jobs-http", address: &config.jobs_http.address },
        Place {
            setting: "gateway_http.address",
            flag: "--gateway-http",
            address: &config.gateway_http.address,
        },
    ];
    let mut listeners = Vec::with_capacity(places.len());
    let mut addresses = Vec::with_capacity(places.len());

    for (at, place) in places.iter().enumerate() {
        let listener = TcpListener::bind(&place.address.0).await;
        let listener = listener.map_err(|error| place.refused(error, &places[..at]));
        let listener = listener.map_err(Failure::external)?;
        addresses.push(listener.local_addr().map_err(Failure::external)?);
        listeners.push(listener);
    }

    let at = places.map(|place| place.address);
    let guard = Guard::new(options(config, &at, &addresses)?, clock);
    let guard = guard.and_then(|guard| {
        if !config.security.insecure {
            guard.may_serve(&addresses)?;
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
                tracing::warn!(address = %exposed, "everybody who can connect has full access (--insecure)")
            }
            (true, None) => tracing::warn!(
                address = %exposed,
                "tokens travel unencrypted: set tls.certificate and tls.key, or use a TLS proxy"
            ),
            (true, Some(_)) => {}
        }
    }

    let listeners = listeners.try_into().expect("one for each address");
    Ok((listeners, guard))
}

/// An address to listen on.
struct Place<'a> {
    setting: &'static str,
    flag: &'static str,
    address: &'a Address,
}

impl Place<'_> {
    /// Returns the error of an address without a listener, with advice. `before` are the places where this
    /// process listens already.
    fn refused(&self, error: io::Error, before: &[Place<'_>]) -> anyhow::Error {
        let Place { setting, flag, address } = self;
        let same = before.iter().find(|other| other.address == self.address);

        let remedy = match (error.kind(), same) {
            (io::ErrorKind::AddrInUse, Some(other)) => {
                format!("{} has the same address: use different ports", other.setting)
            }
            (io::ErrorKind::AddrInUse, None) => {
                format!(
                    "another process, perhaps another Weir, listens there: stop it, or choose another port with {flag}"
                )
            }
            (io::ErrorKind::AddrNotAvailable, _) => format!(
                "no network interface of this machine has the address: choose another address with {flag}, or \
                 0.0.0.0 for all"
            ),
            (io::ErrorKind::PermissionDenied, _) => {
                format!("ports below 1024 need a special permission: choose another port with {flag}")
            }
            _ => format!("choose another address with {flag}"),
        };

        anyhow::Error::new(error).context(format!("{setting}: cannot listen on {address}; {remedy}"))
    }
}

fn options(config: &Config, at: &[&Address], addresses: &[SocketAddr]) -> Result<Options, Failure> {
    let of = &config.security;
    let is_exposed = addresses.iter().any(|address| !is_loopback(address));
    let own = at.iter().filter_map(|address| name(address));
    let rate = f64::from(of.request_rate);

    let tls = match (&config.tls.certificate, &config.tls.key) {
        (certificate, key) if is_empty(certificate) && is_empty(key) => None,
        (certificate, key) if is_empty(certificate) || is_empty(key) => {
            return Err(Failure::usage(anyhow::anyhow!(
                "tls.certificate and tls.key must both be set: one of them is empty"
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

/// Returns the name in an address, if it is no IP address.
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
