//! The operator's record: read with patience, so that a slip costs a sentence and never a stream.
//!
//! A record is flat and edited by hand, so any attribute may be missing, empty or of a wrong type.
//! [`read`] never fails: it gives the wish for on, off or gone, which counts even when the rest is
//! refused, and either a whole configuration or the first problem with it. An attribute that is
//! empty or NULL counts as missing, and a missing attribute as its default.

mod attributes;
mod parameter;
mod secrets;
mod watching;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::{self, Address, hex_prefix};
use crate::caps::Limits;
use crate::encoder::{self, EncoderSettings};
use crate::platform::{self, Platform};
use crate::preset::{self, Preset};
use crate::problem::{Code, Problem};
use crate::schedule::Times;

use attributes::{flag, scalar, text};
pub use secrets::secrets_in;

/// A table item: S is a string, N a number, BOOL a bool, NULL null, L and sets arrays, M an object.
pub type Item = BTreeMap<String, Value>;

/// What an operator writes. An edit of anything else is not a wish.
pub const OPERATOR_ATTRIBUTES: &[&str] = &[
    "name",
    "platform",
    "rtmp_url",
    "stream_key_param",
    "backup_rtmp_url",
    "backup_stream_key_param",
    "failover_enabled",
    "preset_id",
    "enabled",
    "desired_state",
    "keep_warm",
    "retry",
    "output_type",
    "channel_class",
    "flow_id",
    "return_after_minutes",
    "start_at",
    "stop_at",
    "hold",
    "no_input_minutes_max",
    "session_hours_max",
    "budget_usd_per_day",
    "budget_usd_per_month",
];

/// What says how long a stream may go on, and what it is called: an edit of these asks for nothing else of
/// the channel.
const BESIDE: &[&str] = &[
    "name",
    "return_after_minutes",
    "start_at",
    "stop_at",
    "hold",
    "no_input_minutes_max",
    "session_hours_max",
    "budget_usd_per_day",
    "budget_usd_per_month",
];

/// The operator's part of an item: only the attributes of [`OPERATOR_ATTRIBUTES`] that are there.
pub fn operator_attributes(item: &Item) -> Item {
    item.iter()
        .filter(|(name, _)| OPERATOR_ATTRIBUTES.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A hash of the operator's part of an item: the first 32 hex digits of a SHA-256. It tells whether
/// something was edited without keeping a copy of what was written, which might hold a key.
pub fn operator_fingerprint(item: &Item) -> String {
    let json = serde_json::to_vec(&operator_attributes(item)).unwrap_or_default();
    hex_prefix(&[&json])
}

/// The same without what stands beside the point: it tells whether something else is asked for.
pub fn asked_fingerprint(item: &Item) -> String {
    let mut asked = operator_attributes(item);
    asked.retain(|name, _| !BESIDE.contains(&name.as_str()));
    let json = serde_json::to_vec(&asked).unwrap_or_default();
    hex_prefix(&[&json])
}

/// The longest `destination_id`.
pub const MAX_ID_LENGTH: usize = 39;

/// Ids that are no destination's: the report's, what is known of the flow, and what all sessions cost.
pub const RESERVED_IDS: &[&str] = &["status", "flow", "all"];

/// Those of them that are records of our own: nobody is told that such an id cannot be used.
pub const OUR_RECORDS: &[&str] = &["status", "flow"];

/// Whether an id is `^[a-z0-9][a-z0-9_-]{0,38}$` and none of the reserved words.
pub fn is_valid_id(id: &str) -> bool {
    let small = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = id.as_bytes();
    !RESERVED_IDS.contains(&id)
        && bytes.len() <= MAX_ID_LENGTH
        && bytes.first().is_some_and(|&first| small(first))
        && bytes.iter().all(|&c| small(c) || c == b'_' || c == b'-')
}

/// On, off or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredState {
    /// On the air.
    Streaming,
    /// Off the air; resources only while they are kept warm or the grace time lasts.
    Ready,
    /// Nothing of it may exist.
    Removed,
}

impl DesiredState {
    /// The text of the attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            DesiredState::Streaming => "streaming",
            DesiredState::Ready => "ready",
            DesiredState::Removed => "removed",
        }
    }
}

/// What a record says, attribute by attribute valid or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// The newest `desired_state` after `enabled`: not enabled turns streaming into ready, removed
    /// stays removed. Missing means ready.
    pub desired: Result<DesiredState, Problem>,
    /// False only when `enabled` validly says so. With a refused `desired_state` it still turns an
    /// older wish for streaming into ready.
    pub enabled: bool,
    /// Make the resources at once and keep them between streams.
    pub keep_warm: bool,
    /// The newest `retry`, any scalar as text: a value not seen before means "try again".
    pub retry: Option<String>,
    /// Everything that goes on air, or the first thing wrong with it.
    pub configuration: Result<Configuration, Problem>,
    /// The configuration with the backup's address and key, or what is wrong with it; `None`
    /// without failover.
    pub backup: Result<Option<Configuration>, Problem>,
    /// After so long on the backup without a failure the primary is tried again, seconds.
    pub return_after_seconds: Option<i64>,
    /// When it is to be on the air, and off again.
    pub times: Times,
    /// The record's own limits.
    pub limits: Limits,
    /// The operator holds the limits off.
    pub hold: bool,
    /// What should be said but refuses nothing.
    pub notices: Vec<Problem>,
}

/// The on-air attributes. A missing attribute equals its default, so two of these are equal exactly
/// when nothing that goes on air was edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Id of the platform.
    pub platform: String,
    /// Where it sends to.
    pub address: Address,
    /// Name of the parameter that holds the stream key.
    pub stream_key_param: String,
    /// Id of the preset, aliases resolved.
    pub preset_id: String,
    /// `medialive`.
    #[serde(default = "default_output_type")]
    pub output_type: String,
    /// `SINGLE_PIPELINE`.
    #[serde(default = "default_channel_class")]
    pub channel_class: String,
    /// `main`.
    #[serde(default = "default_flow_id")]
    pub flow_id: String,
}

fn default_output_type() -> String {
    OUTPUT_TYPES[0].to_owned()
}

fn default_channel_class() -> String {
    CHANNEL_CLASSES[0].to_owned()
}

fn default_flow_id() -> String {
    FLOW_ID.to_owned()
}

/// The first value of each is the default and the only one that is built.
const OUTPUT_TYPES: &[&str] = &["medialive", "mediaconnect", "shared"];
const CHANNEL_CLASSES: &[&str] = &["SINGLE_PIPELINE", "STANDARD"];
/// The only flow there is yet.
const FLOW_ID: &str = "main";

impl Configuration {
    /// The preset's row; `None` when a later version no longer has it.
    pub fn preset(&self) -> Option<&'static Preset> {
        preset::find(&self.preset_id)
    }

    /// What MediaLive is told to encode; `None` when the preset or the platform no longer exists.
    pub fn settings(&self) -> Option<EncoderSettings> {
        let reconnect = platform::find(&self.platform)?.reconnect;
        Some(encoder::settings(self.preset()?, reconnect))
    }

    /// A hash of [`Configuration::settings`]. It changes when the preset's data change under the
    /// same id, which is how a pinned stream is told from an up-to-date one.
    pub fn settings_fingerprint(&self) -> String {
        self.settings().map_or_else(
            || format!("no-preset-{}", self.preset_id),
            |settings| settings.fingerprint(),
        )
    }

    /// Who holds an address and key: a hash of the canonical address and the key parameter's name.
    pub fn address_hash(&self) -> String {
        self.address.hash_with(&self.stream_key_param)
    }
}

/// Reads a record. `parameter_prefix` is where stream keys live, such as `/lunora-player/streaming`.
pub fn read(item: &Item, parameter_prefix: &str) -> Wish {
    let mut notices = Vec::new();
    let enabled = flag(item, "enabled", true);
    let mut desired = desired(item, &enabled);
    let mut yes = |name| {
        flag(item, name, false).unwrap_or_else(|problem| {
            notices.push(problem);
            false
        })
    };
    let (keep_warm, hold) = (yes("keep_warm"), yes("hold"));
    let retry = scalar(item, "retry").unwrap_or_else(|problem| {
        notices.push(problem);
        None
    });
    let configuration = configuration(item, parameter_prefix);
    if !secrets_in(item).is_empty() {
        notices.push(secrets::problem());
    }
    notices.extend(text(item, "name").err());
    let (primary, platform) = (configuration.as_ref().ok(), platform(item).ok());
    let backup = watching::backup(item, primary, platform, parameter_prefix);
    notices.extend(backup.as_ref().err().cloned());
    let (times, unreadable_start) = watching::times(item, &mut notices);
    if let (Ok(DesiredState::Streaming), Some(problem)) = (&desired, unreadable_start) {
        // It may mean a time to come: what streams goes on, what does not waits for the edit.
        desired = Err(problem);
    }
    let limits = watching::limits(item, &mut notices);
    let return_after_seconds = watching::return_after(item, &mut notices);
    Wish {
        desired,
        enabled: enabled.unwrap_or(true),
        keep_warm,
        retry,
        configuration,
        backup,
        return_after_seconds,
        times,
        limits,
        hold,
        notices,
    }
}

fn desired(item: &Item, enabled: &Result<bool, Problem>) -> Result<DesiredState, Problem> {
    let wanted = match text(item, "desired_state")? {
        None | Some("ready") => return Ok(DesiredState::Ready),
        Some("removed") => return Ok(DesiredState::Removed),
        Some("streaming") => DesiredState::Streaming,
        Some(_) => {
            return Err(Problem::new(
                Code::UnknownDesiredState,
                "desired_state is none of streaming, ready and removed.",
            ));
        }
    };
    // Only a wish to stream depends on `enabled`, so a slip there never holds back a stop.
    match enabled {
        Ok(true) => Ok(wanted),
        Ok(false) => Ok(DesiredState::Ready),
        Err(problem) => Err(problem.clone()),
    }
}

/// The attributes in the order an operator fills them in; the first problem wins.
fn configuration(item: &Item, prefix: &str) -> Result<Configuration, Problem> {
    check_id(item)?;
    let platform = platform(item)?;
    let address = address(item, platform)?;
    let stream_key_param = key_parameter(item, prefix)?;
    let preset = preset(item, platform)?;
    let output_type = reserved(item, "output_type", OUTPUT_TYPES)?;
    let channel_class = reserved(item, "channel_class", CHANNEL_CLASSES)?;
    let flow_id = flow_id(item)?;
    Ok(Configuration {
        platform: platform.id.to_owned(),
        address,
        stream_key_param,
        preset_id: preset.id.to_owned(),
        output_type,
        channel_class,
        flow_id,
    })
}

/// The key attribute is not always part of what is read; when it is, it must be valid.
fn check_id(item: &Item) -> Result<(), Problem> {
    match item.get("destination_id") {
        None => Ok(()),
        Some(Value::String(id)) if is_valid_id(id) => Ok(()),
        Some(_) => Err(Problem::new(
            Code::InvalidId,
            format!(
                "The destination_id is longer than {MAX_ID_LENGTH} characters, is one of the reserved words {}, or has a character other than small letters, digits, hyphens and underscores.",
                RESERVED_IDS.join(", ")
            ),
        )),
    }
}

fn platform(item: &Item) -> Result<&'static Platform, Problem> {
    let id = text(item, "platform")?.ok_or_else(|| {
        Problem::new(Code::MissingPlatform, "There is no platform in the record.")
    })?;
    let platform = platform::find(id).ok_or_else(|| {
        Problem::new(Code::UnknownPlatform, "The record's platform is not known.").with_advice(
            format!("Set platform to one of {}.", platform::usable_ids()),
        )
    })?;
    if !platform.built {
        return Err(Problem::new(
            Code::NotAvailableYet,
            format!("The platform {} is not available yet.", platform.id),
        )
        .with_advice(format!(
            "Set platform to one of {}.",
            platform::usable_ids()
        )));
    }
    Ok(platform)
}

fn address(item: &Item, platform: &Platform) -> Result<Address, Problem> {
    let url = text(item, "rtmp_url")?
        .ok_or_else(|| Problem::new(Code::MissingUrl, "There is no rtmp_url in the record."))?;
    let address = address::parse(url)?;
    platform.accept(&address)?;
    Ok(address)
}

fn key_parameter(item: &Item, prefix: &str) -> Result<String, Problem> {
    match text(item, "stream_key_param")? {
        Some(name) => parameter::check("stream_key_param", name, prefix),
        None if !secrets_in(item).is_empty() => Err(secrets::problem()),
        None => Err(Problem::new(
            Code::MissingParameterName,
            "There is no stream_key_param in the record.",
        )),
    }
}

fn preset(item: &Item, platform: &Platform) -> Result<&'static Preset, Problem> {
    let id = text(item, "preset_id")?
        .ok_or_else(|| Problem::new(Code::MissingPreset, "There is no preset_id in the record."))?;
    let preset = preset::find(id)
        .ok_or_else(|| Problem::new(Code::UnknownPreset, "The record's preset_id is not known."))?;
    preset.fits(platform)?;
    Ok(preset)
}

/// An attribute whose values are known but of which only the first is built.
fn reserved(item: &Item, name: &str, values: &[&str]) -> Result<String, Problem> {
    match text(item, name)? {
        None => Ok(values[0].to_owned()),
        Some(value) if value == values[0] => Ok(value.to_owned()),
        Some(value) if values.contains(&value) => Err(Problem::new(
            Code::NotAvailableYet,
            format!("The {name} {value} is not available yet."),
        )
        .with_advice(format!("Set {name} to {}, or delete it.", values[0]))),
        Some(_) => Err(Problem::new(
            Code::UnknownValue,
            format!("The {name} is none of {}.", values.join(", ")),
        )),
    }
}

/// Any other name would be another flow, and there is only one yet.
fn flow_id(item: &Item) -> Result<String, Problem> {
    match text(item, "flow_id")? {
        None | Some(FLOW_ID) => Ok(FLOW_ID.to_owned()),
        Some(_) => Err(Problem::new(
            Code::NotAvailableYet,
            "Flows other than main are not available yet.",
        )
        .with_advice("Set flow_id to main, or delete it.")),
    }
}
