//! Merges the sources of settings: defaults, file, environment, flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::place::{Origin, line_of, meant};
use super::{Config, ConfigError};

/// The file with every key at its default, and the reason.
pub(crate) const DEFAULTS: &str = include_str!("../../../../config/weir.toml");

/// The file of settings that is read if it exists.
const FILE: &str = "weir.toml";

/// Environment variables that deployments set already, or that read better, besides the
/// `WEIR_<SECTION>_<KEY>` of every key. The latter override an alias, because they are meant for Weir alone.
const ALIASES: [(&str, &str); 10] = [
    ("CORS_ORIGINS", "http.cors_origins"),
    ("KAFKA_BROKER_URL", "kafka.brokers"),
    ("KAFKA_TOPIC_QUERIES", "ingest.topic"),
    ("REDIS_HOST", "redis.host"),
    ("REDIS_PORT", "redis.port"),
    ("REDIS_TTL", "jobs.result_ttl"),
    ("REDIS_URL", "redis.url"),
    ("WEIR_LOG", "logging.filter"),
    ("WEIR_LOG_FORMAT", "logging.format"),
    ("WEIR_TIME_ZONE", "jobs.time_zone"),
];

/// The sources of settings.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// `None` stands for `weir.toml` in the working directory, if it exists.
    pub(crate) file: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
    /// In the order given; later flags win.
    pub(crate) flags: Vec<Flag>,
}

/// A setting on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// The flag's name: `--http`.
    pub(crate) name: String,
    /// The key: `http.address`.
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The effective settings.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// Each key with its value and its origin.
    pub(crate) settings: BTreeMap<String, (Value, Origin)>,
    /// Remarks about environment variables that look like settings and are none.
    pub(crate) remarks: Vec<String>,
}

type Settings = BTreeMap<String, (Value, Origin)>;

impl Loaded {
    pub(crate) fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut settings = defaults();
        match &sources.file {
            Some(path) => lay_file(path, &mut settings)?,
            None if Path::new(FILE).exists() => lay_file(Path::new(FILE), &mut settings)?,
            None => {}
        }
        let remarks = lay_environment(&sources.environment, &mut settings)?;
        for flag in &sources.flags {
            let origin = Origin::Flag(flag.name.clone());
            lay_text(&flag.key, &flag.value, origin, &mut settings)?;
        }
        let config = read(&settings)?;
        Ok(Loaded { config, settings, remarks })
    }

    /// Returns the value of `${NAME}` in a script, where the name is that of a setting: its effective value,
    /// whatever its source. `None` for other names and for empty settings.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        if name == "REDIS_TTL" {
            return Some(self.config.jobs.result_ttl.0.as_secs().to_string());
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, key)| *key);
        let key =
            alias.or_else(|| self.settings.keys().map(String::as_str).find(|key| variable(key) == name))?;
        match &self.settings.get(key)?.0 {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Returns the defaults, which also define the keys and their types.
pub(crate) fn defaults() -> Settings {
    let table: Table = DEFAULTS.parse().expect("the defaults are TOML");
    let mut settings = Settings::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => {
                for (key, value) in section {
                    settings.insert(format!("{name}.{key}"), (value, Origin::Default));
                }
            }
            value => {
                settings.insert(name, (value, Origin::Default));
            }
        }
    }
    settings
}

fn lay_file(path: &Path, settings: &mut Settings) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let syntax = |error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    };

    let table: Table = toml::from_str(&text).map_err(syntax)?;
    let places = DeTable::parse(&text).map_err(syntax)?;

    for (name, place) in places.get_ref() {
        let at = |start| Origin::File { path: path.to_owned(), line: line_of(&text, start) };
        let key = name.get_ref().as_ref();
        match (place.get_ref(), table.get(key)) {
            (DeValue::Table(section), Some(Value::Table(values))) => {
                for (inner, _) in section {
                    let inner_key = inner.get_ref().as_ref();
                    if let Some(value) = values.get(inner_key) {
                        lay(&format!("{key}.{inner_key}"), value.clone(), at(inner.span().start), settings)?;
                    }
                }
            }
            (_, Some(value)) => lay(key, value.clone(), at(name.span().start), settings)?,
            (_, None) => {}
        }
    }

    Ok(())
}

fn lay_environment(
    variables: &[(String, String)],
    settings: &mut Settings,
) -> Result<Vec<String>, ConfigError> {
    let names: Vec<(String, String)> = settings.keys().map(|key| (variable(key), key.clone())).collect();
    let value_of = |name: &str| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let aliases = ALIASES.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));

    for (name, key) in aliases.chain(names.clone()) {
        if let Some(value) = value_of(&name) {
            // The only variable without a unit.
            let value = if name == "REDIS_TTL" { format!("{value} s") } else { value.to_owned() };
            lay_text(&key, &value, Origin::Environment(name), settings)?;
        }
    }

    // No error: Kubernetes sets WEIR_PORT and the like for a service called weir.
    let known: Vec<&str> =
        names.iter().map(|(name, _)| name.as_str()).chain(ALIASES.iter().map(|(name, _)| *name)).collect();
    let strangers = variables.iter().map(|(name, _)| name.as_str());
    let strangers = strangers.filter(|name| name.starts_with("WEIR_") && !known.contains(name));

    Ok(strangers
        .filter_map(|name| {
            let meant = meant(name, known.iter().copied())?;
            Some(format!("the environment's {name} is not a setting; did you mean {meant}?"))
        })
        .collect())
}

/// Returns the environment variable of a key: `WEIR_HTTP_ADDRESS` for `http.address`.
fn variable(key: &str) -> String {
    format!("WEIR_{}", key.replace('.', "_").to_uppercase())
}

/// Sets a value given as text, which is parsed by the type of the default.
fn lay_text(key: &str, text: &str, origin: Origin, settings: &mut Settings) -> Result<(), ConfigError> {
    let invalid = |reason: &str| ConfigError::Invalid {
        origin: origin.to_string(),
        key: key.to_owned(),
        reason: format!("`{text}` {reason}"),
    };
    let value = match settings.get(key) {
        Some((Value::Integer(_), _)) => {
            Value::Integer(text.parse().map_err(|_| invalid("is not a whole number"))?)
        }
        Some((Value::Boolean(_), _)) => {
            Value::Boolean(text.parse().map_err(|_| invalid("is not true or false"))?)
        }
        Some((Value::Array(_), _)) => Value::Array(
            list(text).ok_or_else(|| invalid("is not a list of texts, as in `a, b` or `[\"a\", \"b\"]`"))?,
        ),
        _ => Value::String(text.to_owned()),
    };
    lay(key, value, origin, settings)
}

/// Parses a list: separated by commas, or as in the file.
fn list(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    if !text.starts_with('[') {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        return Some(parts.map(|part| Value::String(part.to_owned())).collect());
    }

    let mut table: Table = toml::from_str(&format!("list = {text}")).ok()?;
    match table.remove("list") {
        Some(Value::Array(parts)) if table.is_empty() && parts.iter().all(Value::is_str) => Some(parts),
        _ => None,
    }
}

fn lay(key: &str, value: Value, origin: Origin, settings: &mut Settings) -> Result<(), ConfigError> {
    if let Some(setting) = settings.get_mut(key) {
        *setting = (value, origin);
        return Ok(());
    }
    let hint = match meant(key, settings.keys().map(String::as_str)) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => "; `weir config` lists all settings".to_owned(),
    };
    Err(ConfigError::Unknown { origin: origin.to_string(), key: key.to_owned(), hint })
}

/// Decodes all settings; reports an invalid value with its origin.
fn read(settings: &Settings) -> Result<Config, ConfigError> {
    let whole = match Config::deserialize(tree(settings)) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    // The error does not tell its key: the key is the one whose value breaks the defaults.
    for (key, (value, origin)) in settings {
        let mut alone = defaults();
        alone.insert(key.clone(), (value.clone(), origin.clone()));
        if let Err(error) = Config::deserialize(tree(&alone)) {
            let reason = error.message().to_owned();
            return Err(ConfigError::Invalid { origin: origin.to_string(), key: key.clone(), reason });
        }
    }
    let reason = whole.message().to_owned();
    Err(ConfigError::Invalid { origin: Origin::Default.to_string(), key: "the settings".to_owned(), reason })
}

fn tree(settings: &Settings) -> Table {
    let mut tree = Table::new();
    for (key, (value, _)) in settings {
        match key.split_once('.') {
            Some((section, inner)) => {
                let section = tree.entry(section).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(inner.to_owned(), value.clone());
                }
            }
            None => {
                tree.insert(key.clone(), value.clone());
            }
        }
    }
    tree
}
