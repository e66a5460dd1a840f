//! Holds the feed back until an encoder can start cleanly: from a random access point, with the
//! tables before it, and with the feed's frame rate known, so that no picture is lost or doubled.
//! Also notices when the feed's clock jumps (the sender restarted), which calls for a new encoder.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::ts::{Event, PACKET, Watch, ticks_between};

/// Pictures looked at for the frame rate: half a second of 30 fps.
const PICTURES: usize = 15;
/// After so long it starts without having seen what it waits for; key frames are rarely further apart.
const ENOUGH: Duration = Duration::from_secs(5);

/// A picture may be so long before it is not worth keeping.
const KEY_MOST: usize = 1 << 20;

/// What a group of packets led to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Keep going: to the encoder if the gate is open, nowhere if it collects.
    Pass,
    /// Start an encoder with this.
    Start {
        /// Length of a frame in ticks of 90 kHz.
        ticks: Option<f64>,
        /// What was held back.
        data: Bytes,
    },
    /// The clock jumped: the present encoder has seen its last picture, the gate is closed again.
    Jump,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Gate {
    watch: Watch,
    tables: [Bytes; 2],
    last_dts: Option<u64>,
    open: bool,
    held: Option<BytesMut>,
    times: Vec<u64>,
    waiting_since: Option<Instant>,
    /// A key frame that is being collected, the pictures begun since, and the newest whole one.
    key: Option<(BytesMut, u32)>,
    newest: Option<Bytes>,
}

impl Gate {
    /// The newest key frame, as a transport stream that can be decoded alone.
    pub fn newest(&self) -> Option<Bytes> {
        self.newest.clone()
    }

    /// Collects key frames. A frame is whole when the second picture after it begins.
    fn keep(&mut self, packet: &[u8], picture: Option<bool>) {
        if let Some((held, begun)) = &mut self.key {
            *begun += u32::from(picture.is_some());
            if *begun == 2 {
                self.newest = Some(held.split().freeze());
            }
            if *begun >= 2 || held.len() > KEY_MOST {
                self.key = None;
            }
        }
        if self.key.is_none() && picture == Some(true) {
            let mut held = BytesMut::new();
            held.extend_from_slice(&self.tables[0]);
            held.extend_from_slice(&self.tables[1]);
            self.key = Some((held, 0));
        }
        if let Some((held, _)) = &mut self.key {
            held.extend_from_slice(packet);
        }
    }

    /// Closes: the next random access point starts a new encoder.
    pub fn close(&mut self) {
        self.open = false;
        self.held = None;
        self.times.clear();
        self.waiting_since = None;
        self.last_dts = None;
    }

    /// Looks at a group of packets.
    pub fn push(&mut self, group: &Bytes, now: Instant) -> Step {
        let mut jumped = false;
        let mut at = 0;
        while at + PACKET <= group.len() {
            let packet = group.slice(at..at + PACKET);
            let event = self.watch.packet(&packet);
            let picture = match event {
                Event::Picture { random, .. } => Some(random),
                _ => None,
            };
            self.keep(&packet, picture);
            match event {
                Event::Pat => self.tables[0] = packet.clone(),
                Event::Pmt => self.tables[1] = packet.clone(),
                Event::Picture { dts, random } => {
                    if self.moved_oddly(dts) {
                        self.close();
                        jumped = true;
                    }
                    self.last_dts = dts.or(self.last_dts);
                    if !self.open && random && self.held.is_none() {
                        let mut held = BytesMut::new();
                        held.extend_from_slice(&self.tables[0]);
                        held.extend_from_slice(&self.tables[1]);
                        self.held = Some(held);
                    }
                    if self.held.is_some() {
                        self.times.extend(dts);
                    }
                }
                Event::Nothing => {}
            }
            if let Some(held) = &mut self.held {
                held.extend_from_slice(&packet);
            }
            at += PACKET;
        }
        if jumped {
            return Step::Jump;
        }
        if self.open {
            return Step::Pass;
        }
        let since = *self.waiting_since.get_or_insert(now);
        if self.times.len() > PICTURES || now.duration_since(since) >= ENOUGH {
            let ticks = self.ticks();
            let held = self
                .held
                .take()
                .unwrap_or_else(|| BytesMut::from(&group[..]));
            self.close();
            self.open = true;
            return Step::Start {
                ticks,
                data: held.freeze(),
            };
        }
        Step::Pass
    }

    /// Whether pieces go to the encoder.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    fn moved_oddly(&self, dts: Option<u64>) -> bool {
        self.last_dts.zip(dts).is_some_and(|(earlier, later)| {
            let ticks = ticks_between(earlier, later);
            ticks <= 0 || ticks > 90_000
        })
    }

    fn ticks(&self) -> Option<f64> {
        let (first, last) = (self.times.first()?, self.times.last()?);
        let frames = self.times.len() - 1;
        (frames > 0).then(|| ticks_between(*first, *last) as f64 / frames as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ts::tests::{group, picture, tables};

    const FRAME: u64 = 3003;

    /// Pictures of a feed; every tenth is a random access point.
    fn feed(from: u64, pictures: u64) -> Vec<Bytes> {
        let packet = |n: u64| picture((from + n) * FRAME, (from + n).is_multiple_of(10));
        (0..pictures).map(|n| group(&packet(n))).collect()
    }

    #[test]
    fn it_opens_at_a_random_access_point_with_the_tables_and_the_rate() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        assert_eq!(gate.push(&tables(), now), Step::Pass);
        let steps: Vec<Step> = feed(3, 40)
            .iter()
            .map(|group| gate.push(group, now))
            .collect();
        let at = steps
            .iter()
            .position(|step| *step != Step::Pass)
            .expect("it opens");
        let Step::Start { ticks, data } = &steps[at] else {
            panic!("{steps:?}");
        };
        // Held back from picture 10 on, which is the eighth of these.
        assert_eq!((at, *ticks), (7 + PICTURES, Some(FRAME as f64)));
        assert_eq!(data[..PACKET * 2], tables()[..PACKET * 2]);
        assert_eq!(data[PACKET * 2..PACKET * 3], picture(10 * FRAME, true)[..]);
        assert_eq!(data.len(), PACKET * (3 + PICTURES));
        assert!(steps[at + 1..].iter().all(|step| *step == Step::Pass) && gate.is_open());
    }

    #[test]
    fn a_jump_of_the_clock_closes_it() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        gate.push(&tables(), now);
        for group in feed(0, 40) {
            gate.push(&group, now);
        }
        assert!(gate.is_open());
        let back = feed(0, 30);
        assert_eq!(gate.push(&back[0], now), Step::Jump);
        assert!(!gate.is_open());
        assert!(
            back[1..]
                .iter()
                .any(|group| matches!(gate.push(group, now), Step::Start { .. }))
        );
    }

    #[test]
    fn without_anything_known_it_opens_after_a_while() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        let unknown = Bytes::from(vec![0x47; PACKET]);
        let steps = (0..9).map(|seconds| gate.push(&unknown, now + Duration::from_secs(seconds)));
        assert_eq!(
            steps
                .filter(|step| matches!(step, Step::Start { ticks: None, .. }))
                .count(),
            1
        );
    }
}
