//! Prints the effective settings in the order of `weir.toml`, each with its origin.

use std::net::Ipv6Addr;

use storage::log::kafka::is_secret;
use toml::Value;

use super::layers::{DEFAULTS, Loaded};

const VALUE_WIDTH: usize = 44;

/// Returns TOML with one comment per line: `ttl = "1 d"  # from env REDIS_TTL`. Leaves out passwords.
pub(crate) fn show(loaded: &Loaded) -> String {
    let mut section = String::new();
    let mut out = String::new();
    for line in DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            out.push_str(&format!("\n{line}\n"));
            continue;
        }
        let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else { continue };
        if let Some((value, origin)) = loaded.settings.get(&format!("{section}{name}")) {
            let setting = format!("{name} = {}", without_secret(value));
            out.push_str(&format!("{setting:<VALUE_WIDTH$}  # from {origin}\n"));
        }
    }
    out
}

/// Masks the secret in `redis://user:secret@host`, and in `sasl.password=secret` too.
pub(crate) fn without_secret(value: &Value) -> Value {
    if let Value::Array(parts) = value {
        return Value::Array(parts.iter().map(without_secret).collect());
    }
    let Value::String(text) = value else { return value.clone() };

    let property = text.split_once('=').map(|(name, _)| name).filter(|name| !name.contains("://"));
    if let Some(name) = property.filter(|name| is_secret(name)) {
        return Value::String(format!("{name}=***"));
    }
    match text.contains("://") {
        true => Value::String(url_without_secrets(text)),
        false => value.clone(),
    }
}

/// Parameters of a URL that are no secrets. Others may be passwords of any name, such as `sentinelPassword`
/// and `pass`.
const HARMLESS: [&str; 6] = ["db", "user", "username", "sentinelUsername", "protocol", "database"];

/// Returns a URL without its password and without the values of parameters that may be secrets. Text that is
/// no URL is shown as far as it cannot be a password.
pub(crate) fn url_without_secrets(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };

    // A `?` or a `/` in a password should be escaped. If it is not, the rest must stay hidden all the same.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            (format!("{user}:***@"), rest)
        }
        None => (String::new(), rest),
    };

    let (place, query) = rest.split_at(rest.find('?').map_or(rest.len(), |mark| mark + 1));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    format!("{scheme}{login}{}{}", hosts(place), pairs.collect::<Vec<String>>().join("&"))
}

/// Returns hosts and a path. A port that is no number may be a password whose host was forgotten, and is
/// masked.
fn hosts(place: &str) -> String {
    let (hosts, path) = place.split_at(place.find(['/', '?', '#']).unwrap_or(place.len()));
    let is_port = |text: &str| text == "*" || text.bytes().all(|b| b.is_ascii_digit());
    let hosts = hosts.split(',').map(|host| match host.rsplit_once(':') {
        Some((_, port)) if is_port(port) || host.ends_with(']') => host.to_owned(),
        Some((name, _)) if host.parse::<Ipv6Addr>().is_err() => format!("{name}:***"),
        _ => host.to_owned(),
    });
    format!("{}{path}", hosts.collect::<Vec<String>>().join(","))
}
