//! A running MediaLive channel: the feed from its input, one encoder, one publication.
//! While the input is lost something else goes out in its place (`fill`), and the publication stays.
//! A channel that has never had a picture waits for one, if its view says so.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Shared,
    encoder::Encoder,
    fill::Fill,
    flv::Tag,
    gate::{Gate, Step},
    publish::{Publisher, Rules},
    receive::Receiver,
    recipe::{Recipe, Source},
    rtmp::Target,
    snapshot,
    stats::Counters,
    view::{ChannelView, MediaReport},
};

/// Without a packet for so long the input counts as lost.
const LOST: Duration = Duration::from_secs(1);
/// Looks in a row that must agree, a tenth of a second apart: where the whole machine stood still,
/// the packets that wait in the sockets come first.
const QUIET: u32 = 3;
/// Silence that makes ready what will go out if it lasts.
const READY: Duration = Duration::from_millis(700);
/// What an encoder may take to hand out its last pictures, and pause before a failed slate.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs a channel until told to stop.
pub(super) async fn run(shared: Shared, view: ChannelView, mut stop: oneshot::Receiver<()>) {
    let id = view.id.clone();
    let recipe = Recipe::new(&view.encoder_settings);
    let (recipe, target) =
        match recipe.and_then(|recipe| Ok((recipe, Target::new(&view.destination)?))) {
            Ok(both) => both,
            Err(reason) => {
                shared
                    .report(MediaReport::EncoderFailed {
                        channel_id: id,
                        reason,
                    })
                    .await;
                let _ = stop.await;
                return;
            }
        };
    let counters = shared.book.open(&id);
    let (tags, to_publish) = mpsc::unbounded_channel();
    let publisher = Publisher {
        channel_id: id.clone(),
        net: shared.options.net.clone(),
        target,
        rules: Rules::new(&view.encoder_settings),
        metadata: recipe.metadata(),
        reports: shared.reports.clone(),
        counters: counters.clone(),
        platforms: shared.platforms.clone(),
    };
    let mut publishing = tokio::spawn(publisher.run(to_publish));
    let (groups_in, mut groups) = mpsc::channel(4096);
    // MediaLive's single pipeline reads the first address of the first input.
    for address in view.input_addresses.iter().take(1) {
        match Receiver::bind(address.clone(), shared.exchange.clone()) {
            Ok(receiver) => drop(tokio::spawn(
                receiver.run(groups_in.clone(), counters.clone()),
            )),
            Err(error) => {
                let reason = format!("no port for the input: {}", error.kind());
                shared
                    .report(MediaReport::EncoderFailed {
                        channel_id: id.clone(),
                        reason,
                    })
                    .await;
            }
        }
    }
    let now = Instant::now();
    let mut programme = Programme {
        timeline: Timeline {
            start: now,
            ahead: 0,
            last: 0,
            frame: recipe.frame_ms(),
        },
        shared: shared.clone(),
        id: id.clone(),
        recipe,
        fill: Fill::new(&view.encoder_settings),
        waits: view.waits,
        taken: None,
        counters,
        tags,
        gate: Gate::default(),
        current: None,
        next: None,
        last_packet: now,
        quiet: 0,
        lost: false,
        not_before: now,
    };
    let mut tick = interval(Duration::from_millis(100));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let draining = programme.current.as_ref().is_some_and(Encoder::finished);
        let early = !programme.lost && programme.next.as_ref().is_some_and(|next| next.slate);
        tokio::select! {
            _ = &mut stop => break,
            Some(group) = groups.recv() => programme.group(group).await,
            tag = next_tag(&mut programme.current) => programme.on_current(tag).await,
            tag = next_tag(&mut programme.next), if !draining && !early => programme.on_next(tag).await,
            _ = tick.tick() => programme.tick().await,
        }
    }
    // Without tags the publisher says goodbye to the platform.
    drop(programme);
    if timeout(PATIENCE, &mut publishing).await.is_err() {
        publishing.abort();
    }
    shared.book.close(&id);
}

async fn next_tag(encoder: &mut Option<Encoder>) -> Option<Tag> {
    match encoder {
        Some(encoder) => encoder.next().await,
        None => pending().await,
    }
}

/// One continuing clock for everything that goes out, whichever encoder made it.
struct Timeline {
    start: Instant,
    ahead: i64,
    last: u64,
    frame: u64,
}

impl Timeline {
    /// From now on another encoder's clock counts; its first message has this time.
    fn splice(&mut self, first: u64) {
        let now = self.start.elapsed().as_millis() as u64;
        let at = if self.last == 0 {
            now
        } else {
            now.max(self.last + self.frame)
        };
        self.ahead = at as i64 - first as i64;
    }

    fn place(&mut self, mut tag: Tag) -> Tag {
        tag.time = tag.time.saturating_add_signed(self.ahead);
        self.last = self.last.max(tag.time);
        tag
    }
}

struct Programme {
    shared: Shared,
    id: String,
    recipe: Recipe,
    fill: Fill,
    /// Nothing goes out before the first picture.
    waits: bool,
    /// When the latest thumbnail was taken.
    taken: Option<Instant>,
    counters: Arc<Counters>,
    tags: mpsc::UnboundedSender<Tag>,
    gate: Gate,
    timeline: Timeline,
    /// What is on air, and what takes over with its first message.
    current: Option<Encoder>,
    next: Option<Encoder>,
    last_packet: Instant,
    quiet: u32,
    lost: bool,
    not_before: Instant,
}

impl Programme {
    async fn group(&mut self, group: Bytes) {
        self.last_packet = Instant::now();
        self.waits = false;
        if !self.lost {
            self.next.take_if(|next| next.slate);
        }
        if self.lost {
            self.lost = false;
            self.shared
                .report(MediaReport::InputRestored {
                    channel_id: self.id.clone(),
                })
                .await;
        }
        match self.gate.push(&group, self.last_packet) {
            Step::Pass if self.gate.is_open() => self.feed(group),
            Step::Pass => {}
            Step::Jump => self.finish_feed(),
            Step::Start { ticks, data } => {
                self.finish_feed();
                self.next = self.start(Source::Feed(ticks)).await;
                self.feed(data);
            }
        }
    }

    fn feed(&mut self, data: Bytes) {
        let encoders = [&mut self.next, &mut self.current];
        let mut encoders = encoders.into_iter().flatten();
        if let Some(encoder) = encoders.find(|encoder| !encoder.slate && !encoder.finished())
            && !encoder.push(data)
        {
            self.counters.input_dropped();
        }
    }

    fn finish_feed(&mut self) {
        for encoder in [&mut self.next, &mut self.current].into_iter().flatten() {
            encoder.finish();
        }
    }

    async fn start(&mut self, source: Source) -> Option<Encoder> {
        let options = &self.shared.options;
        match Encoder::start(&options.ffmpeg, &self.recipe, source, &options.speed) {
            Ok(encoder) => {
                self.counters.encoder_started();
                Some(encoder)
            }
            Err(error) => {
                self.failed(format!("the encoder does not start: {}", error.kind()))
                    .await;
                None
            }
        }
    }

    async fn failed(&mut self, reason: String) {
        self.not_before = Instant::now() + PATIENCE;
        self.gate.close();
        self.shared
            .report(MediaReport::EncoderFailed {
                channel_id: self.id.clone(),
                reason,
            })
            .await;
    }

    async fn on_current(&mut self, tag: Option<Tag>) {
        match tag {
            Some(tag) => self.emit(tag),
            None => {
                if let Some(gone) = self.current.take().filter(|encoder| !encoder.finished()) {
                    self.failed(gone.complaint()).await;
                }
            }
        }
    }

    async fn on_next(&mut self, tag: Option<Tag>) {
        let Some(encoder) = self.next.take() else {
            return;
        };
        match tag {
            Some(tag) => {
                self.counters.slate(encoder.slate);
                self.current = Some(encoder);
                self.timeline.splice(tag.time);
                self.emit(tag);
            }
            None if encoder.finished() => {}
            None => self.failed(encoder.complaint()).await,
        }
    }

    fn emit(&mut self, tag: Tag) {
        let tag = self.timeline.place(tag);
        let _ = self.tags.send(tag);
    }

    async fn tick(&mut self) {
        let silent = self.last_packet.elapsed();
        self.quiet = if silent >= READY { self.quiet + 1 } else { 0 };
        if !self.lost && silent >= LOST && self.quiet >= QUIET {
            self.lost = true;
            self.gate.close();
            self.finish_feed();
            self.shared
                .report(MediaReport::InputLost {
                    channel_id: self.id.clone(),
                })
                .await;
        }
        self.take_picture();
        if self.quiet == 0 || self.waits || self.fill.pauses {
            return;
        }
        if silent >= LOST + PATIENCE {
            // It was to hand out its last pictures and did not.
            self.current.take_if(|encoder| encoder.finished());
        }
        let has_slate = [&self.current, &self.next]
            .into_iter()
            .flatten()
            .any(|encoder| encoder.slate);
        if !has_slate && Instant::now() >= self.not_before {
            self.next = self.start(Source::Fill(self.fill)).await;
        }
    }

    /// Makes a thumbnail if somebody wants one.
    fn take_picture(&mut self) {
        let wanted = self.shared.thumbnails.borrow().contains(&self.id);
        let due = |at: Instant| at.elapsed() >= snapshot::CADENCE;
        if !wanted || self.lost || !self.taken.is_none_or(due) {
            return;
        }
        let Some(stream) = self.gate.newest() else {
            return;
        };
        self.taken = Some(Instant::now());
        let (shared, channel_id) = (self.shared.clone(), self.id.clone());
        tokio::spawn(async move {
            let ffmpeg = shared.options.ffmpeg.clone();
            if let Some(jpeg) = snapshot::jpeg(ffmpeg, stream).await {
                shared
                    .report(MediaReport::Thumbnail { channel_id, jpeg })
                    .await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::flv::Kind;

    #[test]
    fn time_goes_on_from_one_encoder_to_the_next() {
        let mut timeline = Timeline {
            start: Instant::now(),
            ahead: 0,
            last: 0,
            frame: 34,
        };
        let mut place = |splice: bool, time| {
            if splice {
                timeline.splice(time);
            }
            timeline
                .place(Tag {
                    kind: Kind::Video,
                    time,
                    data: Bytes::new(),
                })
                .time
        };
        let first = place(true, 0);
        assert!(first < 1000);
        assert_eq!(place(false, 5000), first + 5000);
        assert_eq!(place(true, 70), first + 5034);
        assert_eq!(place(false, 103), first + 5067);
    }
}
