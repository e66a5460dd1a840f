//! Keeps one publication up by MediaLive's rules (user guide, 'RTMP output: connection'): hold
//! `cacheLength` seconds while the server stalls, then do what `cacheFullBehavior` says; after a
//! loss wait `restartDelay` (0 means never), then try every `connectionRetryInterval`, `numRetries`
//! times over, and then stop the output for good.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future, pending},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use rml_rtmp::sessions::StreamMetadata;
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    flv::{Kind, Tag},
    net::Net,
    rtmp::{Connection, Target},
    stats::Counters,
    view::{MediaReport, PlatformView},
};

/// WAIT_FOR_SERVER gives up after five minutes (user guide).
const WAIT_FOR_SERVER: Duration = Duration::from_secs(300);

/// A platform that closes on purpose does so as soon.
const CLOSES_AFTER: Duration = Duration::from_secs(1);

/// The retry rules of an RTMP output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    verify: bool,
    retry_interval: Duration,
    retries: u64,
    restart_delay: Duration,
    cache: Duration,
    stall: Duration,
}

impl Rules {
    /// Reads the output group and output of the encoder settings. Defaults are those the service
    /// fills in: 30 s of cache, 15 s of delay, 10 tries 2 s apart.
    #[must_use]
    pub fn new(settings: &Value) -> Self {
        let group = &settings["outputGroups"][0];
        let output = &group["outputs"][0]["outputSettings"]["rtmpOutputSettings"];
        let group = &group["outputGroupSettings"]["rtmpGroupSettings"];
        let seconds = |value: &Value, usual| Duration::from_secs(value.as_u64().unwrap_or(usual));
        let cache = seconds(&group["cacheLength"], 30);
        let waits = group["cacheFullBehavior"] == "WAIT_FOR_SERVER";
        Self {
            verify: output["certificateMode"] != "SELF_SIGNED",
            retry_interval: seconds(&output["connectionRetryInterval"], 2)
                .max(Duration::from_secs(1)),
            retries: output["numRetries"].as_u64().unwrap_or(10),
            restart_delay: seconds(&group["restartDelay"], 15),
            cache,
            stall: if waits { WAIT_FOR_SERVER } else { cache },
        }
    }
}

/// What is kept while nobody takes it: at most so much, starting with the headers in force there.
#[derive(Debug, Default)]
struct Cache {
    headers: [Option<Tag>; 2],
    tags: VecDeque<Tag>,
}

impl Cache {
    fn push(&mut self, tag: Tag, keep: Duration) -> u64 {
        let oldest = tag.time.saturating_sub(keep.as_millis() as u64);
        self.tags.push_back(tag);
        let mut dropped = 0;
        while self.tags.front().is_some_and(|first| first.time < oldest) {
            dropped += u64::from(self.pop().is_some_and(|tag| tag.is_picture()));
        }
        dropped
    }

    fn pop(&mut self) -> Option<Tag> {
        let tag = self.tags.pop_front()?;
        if tag.is_header() {
            self.headers[usize::from(tag.kind == Kind::Audio)] = Some(tag.clone());
        }
        Some(tag)
    }
}

/// Everything one publication needs.
#[derive(Debug)]
pub struct Publisher {
    /// Whose it is.
    pub channel_id: String,
    /// How to reach the platform.
    pub net: Net,
    /// The platform.
    pub target: Target,
    /// The retry rules.
    pub rules: Rules,
    /// Sent first on every connection.
    pub metadata: StreamMetadata,
    /// Where to tell.
    pub reports: mpsc::Sender<MediaReport>,
    /// Where to count.
    pub counters: Arc<Counters>,
    /// What platforms do on purpose, by channel.
    pub platforms: watch::Receiver<BTreeMap<String, PlatformView>>,
}

enum End {
    Stopped,
    Lost(String),
}

impl Publisher {
    /// Publishes until the tags end. Connects when there is something to send.
    pub async fn run(mut self, mut tags: mpsc::UnboundedReceiver<Tag>) {
        let mut cache = Cache::default();
        let mut failures = 0;
        match tags.recv().await {
            Some(first) => cache.tags.push_back(first),
            None => return,
        }
        loop {
            let platform = self.platform();
            let refused = platform.refuses;
            let (net, target, verify) = (&self.net, &self.target, self.rules.verify);
            let open = async {
                if refused {
                    return Err("connection refused".to_owned());
                }
                Connection::open(net, target, verify).await
            };
            let Some(opened) = self.meanwhile(&mut cache, &mut tags, open).await else {
                return;
            };
            let (reason, pause) = match opened {
                Ok(connection) => {
                    failures = 0;
                    self.report(MediaReport::RtmpConnected {
                        channel_id: self.channel_id.clone(),
                    })
                    .await;
                    self.counters.connected();
                    let end = self
                        .stream(connection, platform, &mut cache, &mut tags)
                        .await;
                    self.counters.disconnected();
                    match end {
                        End::Stopped => return,
                        End::Lost(reason) => (
                            reason,
                            Some(self.rules.restart_delay).filter(|d| !d.is_zero()),
                        ),
                    }
                }
                Err(reason) => {
                    failures += 1;
                    (
                        reason,
                        (failures <= self.rules.retries).then_some(self.rules.retry_interval),
                    )
                }
            };
            self.report(MediaReport::RtmpFailed {
                channel_id: self.channel_id.clone(),
                reason,
            })
            .await;
            let Some(pause) = pause else {
                self.report(MediaReport::OutputGaveUp {
                    channel_id: self.channel_id.clone(),
                })
                .await;
                // The channel goes on encoding for nobody until it is stopped.
                while tags.recv().await.is_some() {}
                return;
            };
            if self
                .meanwhile(&mut cache, &mut tags, sleep(pause))
                .await
                .is_none()
            {
                return;
            }
        }
    }

    async fn report(&self, report: MediaReport) {
        let _ = self.reports.send(report).await;
    }

    /// Waits for something while the cache takes what the encoder makes; None if the tags ended.
    async fn meanwhile<T>(
        &self,
        cache: &mut Cache,
        tags: &mut mpsc::UnboundedReceiver<Tag>,
        wait: impl Future<Output = T>,
    ) -> Option<T> {
        let mut wait = pin!(wait);
        loop {
            tokio::select! {
                done = &mut wait => return Some(done),
                tag = tags.recv() => self.counters.dropped(cache.push(tag?, self.rules.cache)),
            }
        }
    }

    fn platform(&self) -> PlatformView {
        let platforms = self.platforms.borrow();
        platforms.get(&self.channel_id).copied().unwrap_or_default()
    }

    async fn stream(
        &mut self,
        mut connection: Connection,
        begun: PlatformView,
        cache: &mut Cache,
        tags: &mut mpsc::UnboundedReceiver<Tag>,
    ) -> End {
        let mut base = None;
        let closed = || End::Lost("the server closed the connection".to_owned());
        let mut platforms = self.platforms.clone();
        let closes_at = begun.closes.then(|| Instant::now() + CLOSES_AFTER);
        if let Err(reason) = connection.describe(&self.metadata) {
            return End::Lost(reason);
        }
        loop {
            let platform = self.platform();
            if platform.refuses || platform.closes != begun.closes || platform.drops != begun.drops
            {
                return closed();
            }
            while let Some(tag) = cache.pop() {
                if let Err(reason) = self.queue(&mut connection, cache, &mut base, &tag) {
                    return End::Lost(reason);
                }
            }
            match timeout(self.rules.stall, connection.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => return End::Lost(reason),
                Err(_) => return End::Lost("the server takes no more data".to_owned()),
            }
            self.counters.sent_bytes(connection.bytes);
            tokio::select! {
                heard = connection.listen() => if let Err(reason) = heard {
                    return End::Lost(reason);
                },
                Ok(()) = platforms.changed() => {}
                () = async {
                    match closes_at {
                        Some(at) => sleep_until(at).await,
                        None => pending().await,
                    }
                } => return closed(),
                tag = tags.recv() => match tag {
                    None => {
                        connection.close().await;
                        return End::Stopped;
                    }
                    Some(tag) => {
                        cache.tags.push_back(tag);
                        while let Ok(tag) = tags.try_recv() {
                            cache.tags.push_back(tag);
                        }
                    }
                },
            }
        }
    }

    /// Queues a tag. A connection begins with the headers and a key frame, at time zero.
    fn queue(
        &self,
        connection: &mut Connection,
        cache: &Cache,
        base: &mut Option<u64>,
        tag: &Tag,
    ) -> Result<(), String> {
        let start = match *base {
            Some(start) => start,
            None if tag.is_key() => {
                for header in cache.headers.iter().flatten() {
                    connection.queue(header, 0)?;
                }
                *base = Some(tag.time);
                tag.time
            }
            None => {
                self.counters.dropped(u64::from(tag.is_picture()));
                return Ok(());
            }
        };
        self.counters.sent(tag);
        connection.queue(tag, tag.time.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::json;

    fn tag(time: u64, data: &'static [u8]) -> Tag {
        Tag {
            kind: Kind::Video,
            time,
            data: Bytes::from_static(data),
        }
    }

    #[test]
    fn rules_come_from_the_encoder_settings() {
        let settings = json!({"outputGroups": [{
            "outputGroupSettings": {"rtmpGroupSettings":
                {"cacheLength": 45, "cacheFullBehavior": "WAIT_FOR_SERVER", "restartDelay": 0}},
            "outputs": [{"outputSettings": {"rtmpOutputSettings":
                {"certificateMode": "SELF_SIGNED", "connectionRetryInterval": 3, "numRetries": 0}}}],
        }]});
        let rules = Rules::new(&settings);
        assert_eq!((rules.verify, rules.retries), (false, 0));
        assert_eq!(rules.retry_interval, Duration::from_secs(3));
        assert_eq!(
            (rules.cache, rules.stall),
            (Duration::from_secs(45), WAIT_FOR_SERVER)
        );
        assert!(Rules::new(&Value::Null).verify);
    }

    #[test]
    fn the_cache_keeps_the_newest_and_the_header_before_it() {
        let mut cache = Cache::default();
        let keep = Duration::from_secs(1);
        assert_eq!(cache.push(tag(0, &[0x17, 0]), keep), 0);
        assert_eq!(cache.push(tag(0, &[0x17, 1, 1]), keep), 0);
        assert_eq!(cache.push(tag(1500, &[0x27, 1, 2]), keep), 1);
        assert_eq!(cache.tags.len(), 1);
        assert_eq!(cache.headers[0], Some(tag(0, &[0x17, 0])));
    }
}
