//! RTP as MediaConnect sends it to a MediaLive input: payload type 33 (RFC 3551, MPEG-TS), seven
//! transport stream packets per datagram, and a window that puts datagrams back in order.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use super::fec;

/// Payload type of MPEG-TS (RFC 3551).
pub const MPEG_TS: u8 = 33;
/// Payload type of the FEC packets (a dynamic one, as SMPTE 2022-1 asks).
pub const FEC: u8 = 96;
/// How many datagrams may wait behind a gap: two FEC matrices and a little.
const PATIENCE: usize = fec::COLUMNS * fec::ROWS * 2 + 20;

/// One RTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Payload type.
    pub kind: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Time stamp in ticks of 90 kHz.
    pub timestamp: u32,
    /// Source.
    pub source: u32,
    /// What it carries.
    pub payload: Bytes,
}

impl Packet {
    /// The bytes on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(12 + self.payload.len());
        bytes.put_u8(0x80);
        bytes.put_u8(self.kind);
        bytes.put_u16(self.sequence);
        bytes.put_u32(self.timestamp);
        bytes.put_u32(self.source);
        bytes.put_slice(&self.payload);
        bytes.freeze()
    }

    /// Reads a datagram; None if it is not RTP version 2.
    #[must_use]
    pub fn parse(bytes: &Bytes) -> Option<Self> {
        if bytes.len() < 12 || bytes[0] >> 6 != 2 {
            return None;
        }
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let start = 12 + 4 * usize::from(bytes[0] & 0x0f);
        (start <= bytes.len()).then(|| Self {
            kind: bytes[1] & 0x7f,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: word(4),
            source: word(8),
            payload: bytes.slice(start..),
        })
    }
}

/// Puts packets back in order, fills gaps by FEC, and counts what stayed lost.
#[derive(Debug, Default)]
pub struct Window {
    source: Option<u32>,
    /// The next packet to hand out, counted without wrapping.
    next: u64,
    /// Packets behind a gap, and those handed out that FEC may still need.
    seen: BTreeMap<u64, Packet>,
    repairs: Vec<(u64, fec::Repair)>,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that FEC brought back.
    pub recovered: u64,
}

impl Window {
    /// Takes a packet of the programme; hands out payloads in order.
    pub fn media(&mut self, packet: Packet) -> Vec<Bytes> {
        if self.source != Some(packet.source) {
            *self = Self {
                lost: self.lost,
                recovered: self.recovered,
                ..Self::default()
            };
            self.source = Some(packet.source);
            // Far from zero, so that counting backwards never ends below it.
            self.next = (1 << 32) + u64::from(packet.sequence);
        }
        let at = self.count(packet.sequence);
        if at < self.next {
            return Vec::new();
        }
        self.seen.insert(at, packet);
        self.hand_out()
    }

    /// Takes an FEC packet; hands out payloads if it closed a gap.
    pub fn repair(&mut self, repair: fec::Repair) -> Vec<Bytes> {
        if self.source.is_none() {
            return Vec::new();
        }
        let base = self.count(repair.base);
        self.repairs.push((base, repair));
        self.hand_out()
    }

    fn count(&self, sequence: u16) -> u64 {
        let near = self.next & 0xffff;
        let distance = i64::from(sequence.wrapping_sub(near as u16) as i16);
        self.next.saturating_add_signed(distance)
    }

    fn hand_out(&mut self) -> Vec<Bytes> {
        let mut out = Vec::new();
        loop {
            while let Some(packet) = self.seen.get(&self.next) {
                out.push(packet.payload.clone());
                self.next += 1;
            }
            let waiting = self.seen.range(self.next..).count();
            if waiting == 0 {
                break;
            }
            if self.recover() {
                continue;
            }
            if waiting <= PATIENCE {
                break;
            }
            self.lost += 1;
            self.next += 1;
        }
        let oldest = self.next.saturating_sub(PATIENCE as u64);
        self.seen = self.seen.split_off(&oldest);
        self.repairs
            .retain(|(base, repair)| base + repair.span() >= self.next);
        out
    }

    fn recover(&mut self) -> bool {
        for (base, repair) in &self.repairs {
            let members = repair.members(*base);
            let mut missing = members.iter().filter(|at| !self.seen.contains_key(at));
            let (Some(gap), None) = (missing.next(), missing.next()) else {
                continue;
            };
            if *gap < self.next {
                continue;
            }
            let known: Vec<&Packet> = members.iter().filter_map(|at| self.seen.get(at)).collect();
            if let Some(packet) = repair.recover(*gap as u16, self.source.unwrap_or(0), &known) {
                self.seen.insert(*gap, packet);
                self.recovered += 1;
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16) -> Packet {
        Packet {
            kind: MPEG_TS,
            sequence,
            timestamp: 7,
            source: 9,
            payload: Bytes::copy_from_slice(&sequence.to_be_bytes()),
        }
    }

    fn numbers(payloads: &[Bytes]) -> Vec<u16> {
        payloads
            .iter()
            .map(|p| u16::from_be_bytes([p[0], p[1]]))
            .collect()
    }

    #[test]
    fn a_packet_survives_the_wire() {
        let sent = packet(65_535);
        let wire = sent.to_bytes();
        assert_eq!(wire[..4], [0x80, 33, 0xff, 0xff]);
        assert_eq!(Packet::parse(&wire), Some(sent));
        assert_eq!(Packet::parse(&Bytes::from_static(b"no RTP at all")), None);
    }

    #[test]
    fn order_is_restored_across_the_wrap() {
        let mut window = Window::default();
        let mut out = Vec::new();
        for sequence in [65_534, 0, 65_535, 0, 2, 1] {
            out.extend(window.media(packet(sequence)));
        }
        assert_eq!(numbers(&out), [65_534, 65_535, 0, 1, 2]);
        assert_eq!(window.lost, 0);
    }

    #[test]
    fn a_gap_is_given_up_after_a_while() {
        let mut window = Window::default();
        let mut out = window.media(packet(10));
        for sequence in 12..12 + PATIENCE as u16 {
            out.extend(window.media(packet(sequence)));
        }
        assert_eq!(numbers(&out), [10]);
        out = window.media(packet(12 + PATIENCE as u16));
        assert_eq!((out.len(), window.lost), (PATIENCE + 1, 1));
    }

    #[test]
    fn a_new_sender_starts_a_new_order() {
        let mut window = Window::default();
        window.media(packet(50_000));
        let other = Packet {
            source: 10,
            ..packet(3)
        };
        assert_eq!(numbers(&window.media(other)), [3]);
    }
}
