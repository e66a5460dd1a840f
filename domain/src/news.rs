//! What an event of MediaLive or MediaConnect says of the show: about which channel, or what about the
//! flow, and whether it is bad news. Everything else in an event is left alone; its text may hold a URL.

use crate::{
    flow::{FeedLook, SourceLook},
    incident::Cause,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An alert of a channel was set or cleared.
    Channel {
        /// The channel.
        channel_id: String,
        /// What it is about.
        cause: Cause,
        /// Set, not cleared.
        bad: bool,
    },
    /// Something about a flow.
    Flow {
        /// Its ARN.
        flow_arn: String,
        /// What is spoken of: `feed`, `source primary`, `maintenance` and the like.
        about: String,
        /// Which kind of incident it may be.
        cause: Cause,
        /// It is so, not over.
        bad: bool,
        /// Bad because nobody is connected.
        lost: bool,
    },
}

/// What stands about the whole feed.
pub const FEED: &str = "feed";

/// Reads an event; nothing if it is none of those that make or end an incident.
pub fn read(detail_type: &str, resources: &[String], detail: &Value) -> Option<News> {
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    match detail_type {
        "MediaLive Channel Alert" => {
            let channel_id = text("channel_arn")?.rsplit(':').next()?.to_owned();
            let bad = match text("alarm_state")? {
                "SET" => true,
                "CLEARED" => false,
                _ => return None,
            };
            Some(News::Channel {
                channel_id,
                cause: Cause::of_alert(text("alert_type")?)?,
                bad,
            })
        }
        "MediaConnect Flow Health" => {
            let current = detail.get("current")?;
            // The user guide calls it `source_state`, a published run has `state`.
            let state = ["source_state", "state"]
                .iter()
                .find_map(|name| current.get(name).and_then(Value::as_str));
            let silent = current.get("isBitrateZero") == Some(&Value::Bool(true));
            // IDLE: the flow is on its way up or down, and says nothing of the feed.
            let bad = match state {
                Some("DISCONNECTED") => true,
                Some("CONNECTED" | "RECEIVING") => silent,
                _ => false,
            };
            flow(resources, FEED.to_owned(), Cause::InputLoss, bad)
        }
        "MediaConnect Source Health" => {
            let source = resources.iter().find(|arn| arn.contains(":source:"))?;
            let name = source.rsplit(':').next()?;
            let bad = detail.get("unhealthy") == Some(&Value::Bool(true));
            let state = detail.pointer("/current/state").and_then(Value::as_str);
            let mut news = flow(resources, about_source(name), Cause::SourceUnhealthy, bad);
            if let Some(News::Flow { lost, .. }) = &mut news {
                *lost = bad && state == Some("DISCONNECTED");
            }
            news
        }
        "MediaConnect Alert" => {
            let denied = text("error-code").is_some_and(|code| code.starts_with("AccessDenied"));
            let bad = detail.get("errored") == Some(&Value::Bool(true));
            denied.then(|| flow(resources, "access".to_owned(), Cause::Permissions, bad))?
        }
        "MediaConnect Flow Maintenance" => {
            let bad = text("currentStatus")? == "INPROGRESS";
            flow(resources, "maintenance".to_owned(), Cause::Maintenance, bad)
        }
        _ => None,
    }
}

fn flow(resources: &[String], about: String, cause: Cause, bad: bool) -> Option<News> {
    let flow_arn = resources.iter().find(|arn| arn.contains(":flow:"))?.clone();
    Some(News::Flow {
        flow_arn,
        about,
        cause,
        bad,
        lost: false,
    })
}

/// What is spoken of when it is one source.
fn about_source(name: &str) -> String {
    format!("source {name}")
}

/// The last word about one thing of the flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// What kind of incident it may be.
    pub cause: Cause,
    /// It is so, not over.
    pub bad: bool,
    /// Bad because nobody is connected: then a look shows whether somebody is again.
    #[serde(default)]
    pub lost: bool,
    /// When AWS said so.
    pub at: Timestamp,
}

/// The last words about the flow, by what they are about.
pub type Words = BTreeMap<String, Word>;

/// A word that is older than this may have been overtaken by one that was lost, seconds: half a minute
/// is far more than events take, and less than a sweep.
pub const OLD_SECONDS: i64 = 30;

/// How long damage, maintenance or a missing permission counts that only an event tells of and ends,
/// seconds: the event that ends it can be lost, and nothing can be asked. Our own bound; what lasts longer is told
/// again when MediaConnect says so again.
pub const BELIEVED_SECONDS: i64 = 3600;

/// What a running channel says of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// It has its input.
    There,
    /// Its input is lost.
    Lost,
    /// It has not run for long enough to say.
    Unknown,
}

/// The destinations that run, each with what it says of the feed.
pub type Running = BTreeMap<String, Input>;

/// Whether the whole feed is lost. The flow's own word, unless the channels know better: MediaConnect
/// has no list to ask, but a running channel that has a picture proves that the feed is there, and
/// several of which none has one prove that it is not.
pub fn is_feed_lost(now: Timestamp, words: &Words, running: &Running) -> bool {
    let there = running.values().any(|input| *input == Input::There);
    let lost = running.values().filter(|input| **input == Input::Lost);
    match words.get(FEED) {
        Some(word) if word.bad => !there || now < crate::ledger::after(word.at, OLD_SECONDS),
        _ => !there && lost.count() > 1,
    }
}

/// Whether a cause lasts at the flow, by what was said last and by a look at its sources. `up`: the flow
/// is ACTIVE; a stopped one has no incidents.
pub fn lasts(
    now: Timestamp,
    cause: Cause,
    words: &Words,
    running: &Running,
    up: bool,
    feed: &FeedLook,
) -> bool {
    let feed_lost = is_feed_lost(now, words, running);
    match cause {
        _ if !up => false,
        Cause::InputLoss => feed_lost,
        // Without a feed every source is unhealthy: one outage, one message.
        Cause::SourceUnhealthy if feed_lost => false,
        _ => words
            .iter()
            .filter(|(_, word)| word.cause == cause && word.bad)
            .any(|(about, word)| !is_overtaken(now, about, word, feed)),
    }
}

/// Whether the word that says that it is over was lost: a source that nobody sent to has somebody again, or
/// it was said too long ago to be believed.
fn is_overtaken(now: Timestamp, about: &str, word: &Word, feed: &FeedLook) -> bool {
    let back = |source: &SourceLook| source.has_peer && about_source(&source.name) == about;
    let is_past = |seconds| now >= crate::ledger::after(word.at, seconds);
    match word.lost {
        true => is_past(OLD_SECONDS) && feed.sources.iter().any(back),
        false => is_past(BELIEVED_SECONDS),
    }
}

/// Since when a cause is over, if a word says so.
pub fn over_since(cause: Cause, words: &Words) -> Option<Timestamp> {
    let of_cause = || words.values().filter(|word| word.cause == cause);
    if of_cause().any(|word| word.bad) {
        return None;
    }
    of_cause().map(|word| word.at).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FLOW: &str =
        "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-23aBC45dEF67hiJ8-12AbC34DE5fG:lunora";
    const SOURCE: &str = "arn:aws:mediaconnect:us-west-2:123456789012:source:1-23aBC45dEF67hiJ8-12AbC34DE5fG:primary";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn events_are_read_by_their_own_words() {
        let channel = "arn:aws:medialive:us-west-2:123456789012:channel:1234567";
        let alert = |state: &str, kind: &str| json!({"alarm_state": state, "alarm_id": "3", "alert_type": kind, "channel_arn": channel});
        let flow_health = |state: &str, zero: bool| json!({"current": {"source_state": state, "isBitrateZero": zero}});
        let cases = [
            (
                "MediaLive Channel Alert",
                alert("SET", "Failed RTMP Connection"),
                Some((Cause::RtmpFailed, true)),
            ),
            (
                "MediaLive Channel Alert",
                alert("CLEARED", "Failed RTMP Connection"),
                Some((Cause::RtmpFailed, false)),
            ),
            (
                "MediaLive Channel Alert",
                alert("SET", "Large Upload Cache Backlog"),
                None,
            ),
            ("MediaLive Channel Alert", json!({"channel_arn": 7}), None),
            (
                "MediaConnect Flow Health",
                flow_health("DISCONNECTED", true),
                Some((Cause::InputLoss, true)),
            ),
            (
                "MediaConnect Flow Health",
                flow_health("CONNECTED", true),
                Some((Cause::InputLoss, true)),
            ),
            (
                "MediaConnect Flow Health",
                flow_health("CONNECTED", false),
                Some((Cause::InputLoss, false)),
            ),
            (
                "MediaConnect Flow Health",
                json!({"current": {"state": "IDLE"}}),
                Some((Cause::InputLoss, false)),
            ),
            (
                "MediaConnect Source Health",
                json!({"unhealthy": true}),
                Some((Cause::SourceUnhealthy, true)),
            ),
            (
                "MediaConnect Alert",
                json!({"errored": true, "error-code": "AccessDeniedException"}),
                Some((Cause::Permissions, true)),
            ),
            (
                "MediaConnect Alert",
                json!({"errored": true, "error-code": "Other"}),
                None,
            ),
            (
                "MediaConnect Flow Maintenance",
                json!({"currentStatus": "INPROGRESS"}),
                Some((Cause::Maintenance, true)),
            ),
            (
                "MediaConnect Flow Maintenance",
                json!({"currentStatus": "FINISHED"}),
                Some((Cause::Maintenance, false)),
            ),
            (
                "MediaLive Channel Input Change",
                json!({"channel_arn": channel}),
                None,
            ),
        ];
        let resources = [FLOW.to_owned(), SOURCE.to_owned()];
        for (kind, detail, expected) in cases {
            let found = read(kind, &resources, &detail).map(|news| match news {
                News::Channel { cause, bad, .. } | News::Flow { cause, bad, .. } => (cause, bad),
            });
            assert_eq!(found, expected, "{kind} {detail}");
            assert_eq!(
                read(kind, &[], &detail).is_some(),
                expected.is_some() && kind.starts_with("MediaLive"),
                "{kind} of no flow"
            );
        }
    }

    fn words(feed_bad: bool, since: i64, source_bad: bool) -> Words {
        let word = |cause, bad| Word {
            cause,
            bad,
            lost: bad,
            at: at(since),
        };
        Words::from([
            (FEED.to_owned(), word(Cause::InputLoss, feed_bad)),
            (
                "source primary".to_owned(),
                word(Cause::SourceUnhealthy, source_bad),
            ),
        ])
    }

    fn running(inputs: &[Input]) -> Running {
        let named = inputs.iter().enumerate();
        named
            .map(|(place, input)| (format!("d{place}"), *input))
            .collect()
    }

    #[test]
    fn the_channels_know_what_an_event_did_not_say() {
        use Input::{Lost, There, Unknown};
        let lost =
            |words: &Words, now, inputs: &[Input]| is_feed_lost(at(now), words, &running(inputs));
        assert!(
            lost(&words(true, 0, true), 5, &[There, There]),
            "a fresh word"
        );
        assert!(lost(&words(true, 0, true), 90, &[Lost]), "all agree");
        assert!(lost(&words(true, 0, true), 90, &[]), "nobody to ask");
        assert!(
            lost(&words(true, 0, true), 90, &[Unknown]),
            "too early to ask"
        );
        assert!(!lost(&Words::new(), 5, &[Lost, Unknown]), "one alone knows");
        assert!(
            !lost(&words(true, 0, true), 90, &[Lost, There]),
            "the end was lost"
        );
        assert!(lost(&Words::new(), 5, &[Lost, Lost]), "the word was lost");
        assert!(
            !lost(&Words::new(), 5, &[Lost]),
            "one alone has its own trouble"
        );
        assert!(!lost(&words(false, 0, false), 5, &[There]));
    }

    #[test]
    fn a_source_is_its_own_incident_only_while_the_programme_goes_on() {
        let lasts = |cause, words: &Words, up| {
            let running = running(&[Input::There]);
            lasts(at(5), cause, words, &running, up, &FeedLook::default())
        };
        assert!(lasts(Cause::SourceUnhealthy, &words(false, 0, true), true));
        assert!(!lasts(Cause::SourceUnhealthy, &words(true, 0, true), true));
        assert!(lasts(Cause::InputLoss, &words(true, 0, true), true));
        assert!(
            !lasts(Cause::InputLoss, &words(true, 0, true), false),
            "a flow that is down"
        );
        let over = |words: &Words| over_since(Cause::SourceUnhealthy, words);
        assert_eq!(over(&words(false, 7, false)), Some(at(7)));
        assert_eq!(over(&words(false, 7, true)), None);
    }

    #[test]
    fn a_source_that_is_back_is_seen_also_if_its_word_was_lost() {
        let lasts = |now, words: &Words, has_peer| {
            let feed = FeedLook {
                sources: vec![SourceLook {
                    name: "primary".into(),
                    arn: SOURCE.into(),
                    has_peer,
                }],
                priority: None,
            };
            let running = running(&[Input::There]);
            let cause = Cause::SourceUnhealthy;
            lasts(at(now), cause, words, &running, true, &feed)
        };
        let gone = words(false, 0, true);
        assert!(lasts(40, &gone, false), "nobody sends");
        assert!(lasts(20, &gone, true), "a look may be late");
        assert!(!lasts(40, &gone, true), "somebody does");
        let mut damaged = gone.clone();
        for word in damaged.values_mut() {
            word.lost = false;
        }
        assert!(lasts(3590, &damaged, true), "only an event tells of damage");
        assert!(!lasts(3610, &damaged, true), "and its end may be lost");
        assert!(
            lasts(3610, &gone, false),
            "nobody sends, and that can be seen"
        );
    }
}
