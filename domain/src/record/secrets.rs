//! Stream keys that were written into a record by mistake.
//!
//! They must go at once, so they are recognised by name, whatever else is wrong with the record.
//! Attributes of other tools are left alone: a name that is only sometimes a key's counts only when
//! its value looks like one, and free text never does.

use serde_json::Value;

use super::Item;
use crate::address::looks_like_key;
use crate::problem::{Code, Problem};

/// Names that mean a stream key and nothing else, without case, hyphens and underscores. So does
/// every name that ends in `streamkey`.
const ALWAYS: &[&str] = &[
    "streamkeyvalue",
    "streamingkey",
    "rtmpkey",
    "ingestkey",
    "publishkey",
    "publishingkey",
    "backupstreamingkey",
    "backuprtmpkey",
    "streamsecret",
    "streamtoken",
    "streampassword",
    "srtpassphrase",
];

/// Names that may mean a stream key. MediaLive itself calls the key `streamName`. The last two are
/// ours and should hold a parameter's name; with its slashes that never looks like a key.
const SOMETIMES: &[&str] = &[
    "key",
    "backupkey",
    "streamname",
    "backupstreamname",
    "streamid",
    "secret",
    "token",
    "password",
    "passphrase",
    "streamkeyparam",
    "backupstreamkeyparam",
];

/// The names of the attributes that hold a stream key and must be removed from the record at once.
pub fn secrets_in(item: &Item) -> Vec<String> {
    item.iter()
        .filter(|(name, value)| is_secret(name, value))
        .map(|(name, _)| name.clone())
        .collect()
}

fn is_secret(name: &str, value: &Value) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if plain.ends_with("streamkey") || ALWAYS.contains(&plain.as_str()) {
        return !empty;
    }
    let key_like = value.as_str().is_some_and(looks_like_key);
    SOMETIMES.contains(&plain.as_str()) && key_like
}

/// What the operator is told.
pub(super) fn problem() -> Problem {
    Problem::new(
        Code::StreamKeyInRecord,
        "A stream key was written into the record, where everyone who sees the table can read it.",
    )
}
