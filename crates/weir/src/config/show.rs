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
    if let Some((name, _)) = text.split_once('=').filter(|(name, _)| is_secret(name)) {
        return Value::String(format!("{name}=***"));
    }
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let user = login.split_once(':').map_or(login, |(user, _)| user);
        Some(format!("{scheme}://{user}:***@{host}"))
    });
    Value::String(hidden.unwrap_or_else(|| text.clone()))
}
