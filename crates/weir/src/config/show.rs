//! Prints the settings in force, in the order of `weir.toml`, each with who set it.

use storage::log::kafka::is_secret;
use toml::Value;

use super::layers::{DEFAULTS, Loaded};

const VALUE_WIDTH: usize = 44;

/// TOML with a comment a line: `ttl = "1 d"  # from env REDIS_TTL`. Passwords are left out.
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

/// `redis://user:secret@host` without the secret, and `sasl.password=secret` too.
pub(crate) fn without_secret(value: &Value) -> Value {
    if let Value::Array(parts) = value {
        return Value::Array(parts.iter().map(without_secret).collect());
    }
    let Value::String(text) = value else { return value.clone() };

    let property = text.split_once('=').map(|(name, _)| name).filter(|name| !name.contains("://"));
    if let Some(name) = property.filter(|name| is_secret(name)) {
        return Value::String(format!("{name}=***"));
    }
    Value::String(url_without_secrets(text).unwrap_or_else(|| text.clone()))
}

/// A URL without its password and without parameters such as `sentinelPassword` and `pass`; `None` for other texts.
fn url_without_secrets(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    // A `?` or a `/` in a password should be escaped. One that is not must not bring the rest to light.
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => {
            let user = login.split_once(':').map_or(login, |(user, _)| user);
            (format!("{user}:***@"), rest)
        }
        None => (String::new(), rest),
    };

    let (place, query) = rest.split_at(rest.find('?').map_or(rest.len(), |mark| mark + 1));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if name.to_lowercase().contains("pass") => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    Some(format!("{scheme}://{login}{place}{}", pairs.collect::<Vec<String>>().join("&")))
}
