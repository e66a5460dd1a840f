//! Holds the feed back until an encoder can start cleanly: from a random access point, with the
//! tables before it, and with the feed's frame rate known, so that no picture is lost or doubled.
//! Also notices when the feed's clock jumps (the sender restarted), which calls for a new encoder.

use bytes::{Bytes, BytesMut};

use super::ts::{Event, PACKET, Watch, ticks_between};

/// Pictures looked at for the frame rate: half a second of 30 fps.
const PICTURES: usize = 15;
/// Groups after which it starts without having seen what it waits for: about 5 s at 2 Mb/s.
const ENOUGH: usize = 1000;

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
    groups: usize,
}

impl Gate {
    /// Closes: the next random access point starts a new encoder.
    pub fn close(&mut self) {
        self.open = false;
        self.held = None;
        self.times.clear();
        self.groups = 0;
        self.last_dts = None;
    }

    /// Looks at a group of packets.
    pub fn push(&mut self, group: &Bytes) -> Step {
        let mut jumped = false;
        let mut at = 0;
        while at + PACKET <= group.len() {
            let packet = group.slice(at..at + PACKET);
            match self.watch.packet(&packet) {
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
        self.groups += 1;
        if self.times.len() > PICTURES || self.groups >= ENOUGH {
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
