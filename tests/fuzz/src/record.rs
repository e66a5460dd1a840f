//! Records as operators write them: any attributes, of any type, of any length. Reading never panics
//! and never fails; it says what is wrong, and never what a key was.

use domain::address::looks_like_key;
use domain::problem::Problem;
use domain::record::{self, DesiredState, Item, OPERATOR_ATTRIBUTES, Wish};
use serde_json::{Value, json};

use crate::address::{CANARY, accepted, sentence, shape, unquoted};
use crate::{Seen, Target};

/// Where keys are.
const PREFIX: &str = "/lunora-player/streaming";

/// `domain::record::read`.
pub struct Records;

const WORDS: &[&str] = &[
    "destination_id",
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
    "stream_key",
    "streamKey",
    "STREAM-KEY",
    "key",
    "token",
    "streamName",
    "passphrase",
    "streaming_status",
    "generation",
    "problem",
    "colour",
    "streaming",
    "ready",
    "removed",
    "Streaming",
    "youtube",
    "twitch",
    "custom",
    "linkedin",
    "facebook",
    "restream",
    "hls",
    "youtube-1080p30",
    "medialive",
    "mediaconnect",
    "shared",
    "SINGLE_PIPELINE",
    "STANDARD",
    "main",
    "true",
    "false",
    "status",
    "rtmps://a.rtmps.youtube.com:443/live2",
    "rtmp://live-pdx.twitch.tv/app",
    "rtmp://stream.example.com/live",
    "rtmp://127.0.0.1/live",
    "rtmps://stream.example.com/live/canary-1a2b-3c4d-5e6f-7g8h",
    "/lunora-player/streaming/youtube-main",
    "/lunora-player/streaming/../other",
    "/lunora-player/streaming",
    "/elsewhere/canary-1",
    "canary-1a2b-3c4d-5e6f-7g8h9i0j",
    "live_1234567_canary-abcdefgh",
    "yt_main",
    "Ünïcødé",
    "a-very-long-destination-id-of-more-than-39-letters",
];

impl Target for Records {
    fn name(&self) -> &'static str {
        "record"
    }

    fn seeds(&self) -> Vec<String> {
        let whole = |platform: &str, url: &str, preset: &str| {
            json!({
                "destination_id": "dest-1", "platform": platform, "rtmp_url": url, "preset_id": preset, "desired_state": "streaming", "enabled": true,
                "stream_key_param": format!("{PREFIX}/{platform}"), "keep_warm": false, "retry": 1, "name": "A name",
            })
        };
        let mut seeds: Vec<Value> = domain::platform::ALL
            .iter()
            .flat_map(|platform| {
                let url = platform
                    .url_examples
                    .first()
                    .copied()
                    .unwrap_or("rtmp://stream.example.com/live");
                let presets = domain::preset::ALL
                    .iter()
                    .filter(|preset| preset.fits(platform).is_ok());
                presets
                    .take(2)
                    .map(move |preset| whole(platform.id, url, preset.id))
            })
            .collect();
        let mut extra = seeds[0].clone();
        for (name, value) in [
            ("stream_key", json!("canary-1a2b-3c4d-5e6f-7g8h")),
            ("backup_rtmp_url", json!("rtmp://10.0.0.1/canary-live")),
            (
                "backup_stream_key_param",
                json!("canary-9999-8888-7777-6666"),
            ),
            ("failover_enabled", json!(true)),
            ("start_at", json!("2026-12-31T20:00:00+01:00")),
            ("stop_at", json!("2026-12-31T22:00")),
            ("session_hours_max", json!(1.5)),
            ("budget_usd_per_day", json!("2.5")),
            (
                "problem",
                json!({"code": "internal", "since": "2026-11-21T19:00:00Z"}),
            ),
            ("tags", json!(["a", 1, {"b": null}])),
        ] {
            extra[name] = value;
        }
        seeds.push(extra);
        seeds.push(json!({}));
        seeds.iter().map(Value::to_string).collect()
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        true
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        let Ok(item) = serde_json::from_str::<Item>(input) else {
            return Ok(());
        };
        let wish = record::read(&item, PREFIX);
        tell(&wish, seen);
        for problem in problems(&wish) {
            sound(problem, &item)?;
        }
        secrets(&item)?;
        configuration(&wish)?;
        desired(&item, &wish)?;
        others_are_ignored(&item, &wish)?;
        kept(&wish)
    }
}

fn problems(wish: &Wish) -> impl Iterator<Item = &Problem> {
    let desired = wish.desired.as_ref().err();
    desired
        .into_iter()
        .chain(wish.configuration.as_ref().err())
        .chain(&wish.notices)
}

fn tell(wish: &Wish, seen: &mut Seen) {
    seen.note((
        "enabled",
        wish.enabled,
        wish.keep_warm,
        wish.retry.is_some(),
    ));
    seen.note(("desired", wish.desired.as_ref().ok()));
    for problem in problems(wish) {
        seen.note((problem.code.as_str(), shape(&problem.message)));
    }
    if let Ok(configuration) = &wish.configuration {
        seen.note((&configuration.platform, &configuration.preset_id));
    }
}

/// A problem has a sentence and advice, and no key in either.
fn sound(problem: &Problem, item: &Item) -> Result<(), String> {
    sentence(&problem.message)?;
    sentence(&problem.advice)?;
    unquoted(&problem.advice)?;
    // Of a URL a message may repeat the host, so one that is full of canaries says nothing.
    let in_host = ["rtmp_url", "backup_rtmp_url"].iter().any(|name| {
        let url = item.get(*name).and_then(Value::as_str).unwrap_or_default();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .contains(CANARY)
    });
    if in_host {
        Ok(())
    } else {
        unquoted(&problem.message)
    }
}

/// Whatever is plainly a key's attribute and holds something is named for removal, and told.
fn secrets(item: &Item) -> Result<(), String> {
    let named = record::secrets_in(item);
    for name in &named {
        if !item.contains_key(name) {
            return Err(format!("a secret that is not there: {name}"));
        }
    }
    for (name, value) in item {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        let full = !matches!(value, Value::Null) && value != "";
        let key = plain == "streamkey" && full;
        let likely =
            matches!(plain.as_str(), "key" | "token") && value.as_str().is_some_and(looks_like_key);
        if (key || likely) && !named.contains(name) {
            return Err(format!("a key stays in the record: {name}"));
        }
    }
    let told = record::read(item, PREFIX)
        .notices
        .iter()
        .any(|notice| notice.code.as_str() == "stream_key_in_record");
    if told == named.is_empty() {
        return Err(format!("{} secrets, told: {told}", named.len()));
    }
    Ok(())
}

fn configuration(wish: &Wish) -> Result<(), String> {
    let Ok(configuration) = &wish.configuration else {
        return Ok(());
    };
    accepted(&configuration.address)?;
    let below = configuration
        .stream_key_param
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('/'));
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    if !below.is_some_and(|rest| {
        !rest.is_empty()
            && rest.chars().all(plain)
            && !rest.split('/').any(|part| matches!(part, "" | "." | ".."))
    }) {
        return Err(format!(
            "a parameter outside of the prefix: {}",
            configuration.stream_key_param
        ));
    }
    if configuration.preset().is_none() || configuration.settings().is_none() {
        return Err("a configuration without a preset".to_owned());
    }
    Ok(())
}

/// A stop or a removal counts whatever else is wrong; only a wish that is one starts anything.
fn desired(item: &Item, wish: &Wish) -> Result<(), String> {
    let said = item.get("desired_state");
    let text = said.and_then(Value::as_str).unwrap_or_default();
    let wanted = match (&wish.desired, text) {
        (Ok(DesiredState::Removed), "removed") | (Err(_), _) => true,
        (Ok(DesiredState::Streaming), "streaming") => item
            .get("enabled")
            .is_none_or(|it| matches!(it, Value::Null | Value::Bool(true))),
        (Ok(DesiredState::Ready), _) => text != "removed",
        _ => false,
    };
    let stop_is_heard = !matches!(text, "ready" | "removed") || wish.desired.is_ok();
    if wanted && stop_is_heard {
        Ok(())
    } else {
        Err(format!(
            "the wish is read as {:?} from {said:?}",
            wish.desired
        ))
    }
}

/// Attributes that are nobody's change neither the wish nor the fingerprint.
fn others_are_ignored(item: &Item, wish: &Wish) -> Result<(), String> {
    let mine =
        |name: &String| name == "destination_id" || OPERATOR_ATTRIBUTES.contains(&name.as_str());
    let secret = record::secrets_in(item);
    let only: Item = item
        .iter()
        .filter(|(name, _)| mine(name) || secret.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if record::read(&only, PREFIX) != *wish {
        return Err("an attribute that is nobody's changes the wish".to_owned());
    }
    if record::operator_fingerprint(&only) != record::operator_fingerprint(item) {
        return Err("an attribute that is nobody's changes the fingerprint".to_owned());
    }
    Ok(())
}

/// The wish goes into the ledger and must come out the same.
fn kept(wish: &Wish) -> Result<(), String> {
    let text =
        serde_json::to_string(wish).map_err(|error| format!("the wish cannot be kept: {error}"))?;
    match serde_json::from_str::<Wish>(&text) {
        Ok(read) if read == *wish => Ok(()),
        Ok(_) => Err("the wish comes out of the ledger as another".to_owned()),
        Err(error) => Err(format!("the wish cannot be read again: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    fn item(entries: Value) -> Item {
        serde_json::from_value(entries).expect("an object")
    }

    #[test]
    fn fuzzed_records() {
        check(&Records, 25_000);
    }

    #[test]
    fn the_judge_sees_what_must_not_be() {
        let wish = record::read(&item(json!({"desired_state": "removed"})), PREFIX);
        assert!(desired(&item(json!({"desired_state": "removed"})), &wish).is_ok());
        assert!(desired(&item(json!({"desired_state": "streaming"})), &wish).is_err());
        let problem = Problem::new(
            domain::problem::Code::Internal,
            "It was canary-1 that was wrong.",
        );
        assert!(sound(&problem, &Item::new()).is_err());
    }

    #[test]
    fn seeds_are_accepted_or_refused_for_a_reason() {
        let accepted = Records.seeds().into_iter().filter(|seed| {
            let item: Item = serde_json::from_str(seed).unwrap();
            record::read(&item, PREFIX).configuration.is_ok()
        });
        assert!(accepted.count() >= 6);
    }
}
