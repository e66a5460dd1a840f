//! RTMP outputs where no media plane runs, by MediaLive's rules (user guide: fields for the RTMP
//! connection). After a loss `restartDelay` (0 means never again), then a try, and if that fails
//! another every `connectionRetryInterval`, `numRetries` times over; then the output stops, and the
//! channel with its only output. What platforms do is set by hand: by host, or for one channel.
//! User names for RTMP are not simulated. The texts of the alerts are ours: AWS's are not published.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Core;
use super::alerts::{FAILED_RTMP, WRITE_FAILED};
use super::channel::{Channel, ChannelState};
use super::control::Told;
use super::timers::Timer;
use crate::media::view::PlatformView;

/// A platform that closes does it so soon after it has accepted the publication.
const CLOSES_AFTER_MS: u64 = 1000;

/// What platforms do, by host or channel id; those that are not named take every stream.
#[derive(Default)]
pub(super) struct Platforms {
    words: BTreeMap<String, Word>,
    /// Connections that were dropped by hand, by channel.
    drops: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// No connection comes about, as when the server is down.
    Refuses,
    /// The publication is accepted and closed, as with a wrong stream key.
    Closes,
}

/// The retry rules of a channel's output, in milliseconds.
struct Rules {
    interval: u64,
    retries: u64,
    restart_delay: u64,
}

impl Channel {
    fn rtmp_rules(&self) -> Rules {
        let group = &self.encoder()["outputGroups"][0];
        let output = &group["outputs"][0]["outputSettings"]["rtmpOutputSettings"];
        let group = &group["outputGroupSettings"]["rtmpGroupSettings"];
        Rules {
            interval: output["connectionRetryInterval"].as_u64().unwrap_or(2) * 1000,
            retries: output["numRetries"].as_u64().unwrap_or(10),
            restart_delay: group["restartDelay"].as_u64().unwrap_or(15) * 1000,
        }
    }

    fn rtmp_destination(&self) -> (&str, &str) {
        let setting = self.settings.get("destinations");
        let setting = setting.and_then(|rows| rows.pointer("/0/settings/0"));
        let text = |member: &str| setting.and_then(|row| row[member].as_str());
        (
            text("url").unwrap_or_default(),
            text("streamName").unwrap_or_default(),
        )
    }

    /// PAUSE_OUTPUT sends nothing while the input is lost (user guide: handling loss of video input).
    pub fn pauses(&self) -> bool {
        let group = &self.encoder()["outputGroups"][0]["outputGroupSettings"]["rtmpGroupSettings"];
        group["inputLossAction"] == "PAUSE_OUTPUT"
    }

    fn host(&self) -> Option<&str> {
        let rest = self.rtmp_destination().0.split_once("://")?.1;
        let authority = rest.split('/').next()?;
        Some(
            authority
                .rsplit_once(':')
                .map_or(authority, |parts| parts.0),
        )
    }
}

impl Platforms {
    fn of(&self, channel: &Channel) -> Option<Word> {
        let by_host = channel.host().and_then(|host| self.words.get(host));
        self.words.get(&channel.id).or(by_host).copied()
    }
}

impl Core {
    /// `GET platforms`.
    pub(super) fn platform_list(&self) -> Value {
        let rows = self.platforms.words.iter();
        let word = |word: &Word| match word {
            Word::Refuses => "refuses",
            Word::Closes => "closes",
        };
        rows.map(|(name, row)| (name.clone(), json!(word(row))))
            .collect()
    }

    /// `POST platforms`: `{"ingest.example.com": "refuses", "1234567": "closes", "other": "up"}`.
    pub(super) fn set_platforms(&mut self, body: &Value) -> Told {
        for (name, word) in body.as_object().ok_or("expected a JSON object")? {
            let word = match word.as_str() {
                Some("up") => None,
                Some("refuses") => Some(Word::Refuses),
                Some("closes") => Some(Word::Closes),
                _ => return Err(format!("{name} must be up, refuses or closes")),
            };
            match word {
                Some(word) => drop(self.platforms.words.insert(name.clone(), word)),
                None => drop(self.platforms.words.remove(name)),
            }
        }
        let hit = self
            .channels
            .values()
            .filter(|channel| channel.connected && self.platforms.of(channel).is_some());
        let hit: Vec<String> = hit.map(|channel| channel.id.clone()).collect();
        for id in hit {
            self.rtmp_lost(&id, "the server closed the connection");
        }
        Ok(self.platform_list())
    }

    /// Ends a publication once; the next is welcome.
    pub(super) fn drop_connection(&mut self, id: &str) -> Told {
        if !self
            .channels
            .get(id)
            .is_some_and(|channel| channel.connected)
        {
            return Err(format!("channel {id} publishes nothing"));
        }
        *self.platforms.drops.entry(id.to_owned()).or_default() += 1;
        self.rtmp_lost(id, "the server closed the connection");
        Ok(json!({}))
    }

    /// What a media plane has to act out.
    pub(super) fn platform_views(&self) -> BTreeMap<String, PlatformView> {
        let rows = self.channels.values().filter_map(|channel| {
            let word = self.platforms.of(channel);
            let view = PlatformView {
                refuses: word == Some(Word::Refuses),
                closes: word == Some(Word::Closes),
                drops: self
                    .platforms
                    .drops
                    .get(&channel.id)
                    .copied()
                    .unwrap_or_default(),
            };
            (view != PlatformView::default()).then(|| (channel.id.clone(), view))
        });
        rows.collect()
    }

    /// The first output of a running channel is there.
    pub(super) fn rtmp_begins(&mut self, id: &str) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.rtmp_epoch += 1;
            channel.rtmp_failures = 0;
        }
        self.rtmp_tries(id);
    }

    /// The pipeline is gone, and the publication with it.
    pub(super) fn rtmp_ends(&mut self, id: &str) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.rtmp_epoch += 1;
            channel.publishing = false;
            channel.connected = false;
        }
        self.meter_running(id, false);
    }

    fn rtmp_tries(&mut self, id: &str) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.publishing = true;
        let word = self.platforms.of(channel);
        if word == Some(Word::Refuses) {
            return self.rtmp_failed(id, "connection refused");
        }
        channel.connected = true;
        channel.rtmp_failures = 0;
        channel.trouble = None;
        self.alert_clear(id, FAILED_RTMP);
        self.alert_clear(id, WRITE_FAILED);
        self.rtmp_sends(id);
        if word == Some(Word::Closes) {
            self.rtmp_later(id, CLOSES_AFTER_MS);
        }
    }

    /// Bytes leave while somebody takes them and there is something to send.
    pub(super) fn rtmp_sends(&mut self, id: &str) {
        if self.options.media == "ideal"
            && let Some(channel) = self.channels.get(id)
        {
            let sends = channel.connected && (channel.receiving || !channel.pauses());
            self.meter_running(id, sends);
        }
    }

    fn rtmp_later(&mut self, id: &str, wait: u64) {
        if let Some(epoch) = self.channels.get(id).map(|channel| channel.rtmp_epoch) {
            let id = id.to_owned();
            self.later(wait, Timer::Rtmp { id, epoch });
        }
    }

    /// A wait has ended: a platform closes, or the next try is due.
    pub(super) fn rtmp_due(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        if !channel.connected {
            return self.rtmp_tries(id);
        }
        if self.platforms.of(channel) == Some(Word::Closes) {
            self.rtmp_lost(id, "the server closed the connection");
        }
    }

    fn rtmp_lost(&mut self, id: &str, reason: &str) {
        // With a media plane the connection is a real one, which it will drop.
        if self.options.media != "ideal" {
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.connected = false;
        channel.rtmp_epoch += 1;
        channel.rtmp_failures = 0;
        let delay = channel.rtmp_rules().restart_delay;
        self.meter_running(id, false);
        self.rtmp_trouble(id, reason);
        if delay == 0 {
            return self.output_gave_up(id);
        }
        self.rtmp_later(id, delay);
    }

    fn rtmp_failed(&mut self, id: &str, reason: &str) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.rtmp_failures += 1;
        let (failures, rules) = (channel.rtmp_failures, channel.rtmp_rules());
        self.rtmp_trouble(id, reason);
        if failures > rules.retries {
            return self.output_gave_up(id);
        }
        self.rtmp_later(id, rules.interval.max(1000));
    }

    /// The words of an alert about an output. AWS's own sample of one names the whole address; whether a
    /// stream name would stand there is not known, so it can be had both ways, and by default does.
    pub(super) fn named(&self, words: &str, id: &str) -> String {
        match self.channels.get(id) {
            Some(channel) if self.options.alert_text == "with_destination" => {
                let (url, name) = channel.rtmp_destination();
                format!("{words} [{url}/{name}]")
            }
            _ => words.to_owned(),
        }
    }

    /// The alert of a failed or lost connection.
    pub(super) fn rtmp_trouble(&mut self, id: &str, reason: &str) {
        let text = self.named(&format!("RTMP connection failed: {reason}"), id);
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.trouble = Some(reason.to_owned());
        channel.connected = false;
        let on_air = matches!(
            channel.state,
            ChannelState::Running | ChannelState::Recovering
        );
        if on_air {
            self.alert_set(id, FAILED_RTMP, &text);
        }
    }
}
