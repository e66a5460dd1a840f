//! What the media plane has to know about an MPEG transport stream: where packets begin, where a
//! decoder may start (the random access indicator), and the decoding time of each picture.
//! Layouts: ISO/IEC 13818-1, sections 2.4.3 (packets and PES) and 2.4.4 (PAT and PMT).

use bytes::{Bytes, BytesMut};

/// Length of a transport stream packet.
pub const PACKET: usize = 188;
/// Packets per datagram: 7 x 188 = 1316 bytes is what fits into one Ethernet frame with RTP.
pub const PER_DATAGRAM: usize = 7;
const SYNC: u8 = 0x47;

/// Cuts any stream of bytes into groups of seven whole packets.
#[derive(Debug, Default)]
pub struct Aligner {
    rest: BytesMut,
}

impl Aligner {
    /// Takes bytes in, gives full groups out.
    pub fn push(&mut self, data: &[u8]) -> Vec<Bytes> {
        self.rest.extend_from_slice(data);
        let mut groups = Vec::new();
        loop {
            self.synchronise();
            if self.rest.len() < PACKET * PER_DATAGRAM {
                return groups;
            }
            groups.push(self.rest.split_to(PACKET * PER_DATAGRAM).freeze());
        }
    }

    fn synchronise(&mut self) {
        let good = |at: usize| {
            self.rest[at] == SYNC && self.rest.get(at + PACKET).is_none_or(|next| *next == SYNC)
        };
        if let Some(start) = (0..self.rest.len()).find(|at| good(*at)) {
            let _ = self.rest.split_to(start);
        } else {
            self.rest.clear();
        }
    }
}

/// What one packet means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing of interest.
    Nothing,
    /// A program association table.
    Pat,
    /// The program map table.
    Pmt,
    /// A picture begins; `random` if a decoder may start here.
    Picture {
        /// Decoding time in ticks of 90 kHz, if the packet carries one.
        dts: Option<u64>,
        /// True at a random access point.
        random: bool,
    },
}

/// Follows the first programme of a transport stream.
#[derive(Debug, Default)]
pub struct Watch {
    pmt_pid: Option<u16>,
    video_pid: Option<u16>,
}

impl Watch {
    /// Looks at one packet of 188 bytes.
    pub fn packet(&mut self, packet: &[u8]) -> Event {
        if packet.len() != PACKET || packet[0] != SYNC {
            return Event::Nothing;
        }
        let starts = packet[1] & 0x40 != 0;
        let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let Some((payload, random)) = payload(packet) else {
            return Event::Nothing;
        };
        if pid == 0 && starts {
            if let Some(pid) = section(payload).and_then(first_programme) {
                self.pmt_pid = Some(pid);
            }
            return Event::Pat;
        }
        if Some(pid) == self.pmt_pid && starts {
            if let Some(pid) = section(payload).and_then(first_video) {
                self.video_pid = Some(pid);
            }
            return Event::Pmt;
        }
        if Some(pid) == self.video_pid && starts {
            return Event::Picture {
                dts: pes_dts(payload),
                random,
            };
        }
        Event::Nothing
    }
}

/// The payload of a packet, and its random access indicator.
fn payload(packet: &[u8]) -> Option<(&[u8], bool)> {
    let control = packet[3] >> 4 & 3;
    let mut at = 4;
    let mut random = false;
    if control & 2 != 0 {
        let length = usize::from(packet[4]);
        random = length > 0 && packet[5] & 0x40 != 0;
        at += 1 + length;
    }
    (control & 1 != 0 && at < PACKET).then(|| (&packet[at..], random))
}

/// A table section that starts in this payload, without its pointer field.
fn section(payload: &[u8]) -> Option<&[u8]> {
    let start = 1 + usize::from(*payload.first()?);
    let section = payload.get(start..)?;
    let length = usize::from(section.get(1)? & 0x0f) << 8 | usize::from(*section.get(2)?);
    // The last four bytes are the checksum.
    section.get(..(3 + length).checked_sub(4)?)
}

fn pid_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from(bytes.get(at)? & 0x1f) << 8 | u16::from(*bytes.get(at + 1)?))
}

fn first_programme(section: &[u8]) -> Option<u16> {
    section.get(8..)?.chunks_exact(4).find_map(|entry| {
        let programme = u16::from(entry[0]) << 8 | u16::from(entry[1]);
        (programme != 0).then(|| pid_at(entry, 2)).flatten()
    })
}

fn first_video(section: &[u8]) -> Option<u16> {
    let information = usize::from(section.get(10)? & 0x0f) << 8 | usize::from(*section.get(11)?);
    let mut at = 12 + information;
    while at + 5 <= section.len() {
        // MPEG-1, MPEG-2, H.264 and H.265.
        if matches!(section[at], 0x01 | 0x02 | 0x1b | 0x24) {
            return pid_at(section, at + 1);
        }
        let descriptors = usize::from(section[at + 3] & 0x0f) << 8 | usize::from(section[at + 4]);
        at += 5 + descriptors;
    }
    None
}

/// The decoding time of a PES packet; the presentation time where both are the same.
fn pes_dts(payload: &[u8]) -> Option<u64> {
    if payload.len() < 19 || payload[..3] != [0, 0, 1] {
        return None;
    }
    let at = match payload[7] >> 6 {
        2 => 9,
        3 => 14,
        _ => return None,
    };
    let b = &payload[at..at + 5];
    Some(
        u64::from(b[0] >> 1 & 7) << 30
            | u64::from(b[1]) << 22
            | u64::from(b[2] >> 1) << 15
            | u64::from(b[3]) << 7
            | u64::from(b[4] >> 1),
    )
}

/// Ticks from one decoding time to the next, across the wrap at 2^33; negative if time went back.
#[must_use]
pub fn ticks_between(earlier: u64, later: u64) -> i64 {
    const WRAP: i64 = 1 << 33;
    let difference = (later as i64 - earlier as i64).rem_euclid(WRAP);
    if difference >= WRAP / 2 {
        difference - WRAP
    } else {
        difference
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn packet(pid: u16, random: bool, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![SYNC, 0x40 | (pid >> 8) as u8, pid as u8, 0x30];
        let stuffing = PACKET - 5 - payload.len();
        packet.push(stuffing as u8);
        packet.push(if random { 0x40 } else { 0 });
        packet.resize(5 + stuffing, 0xff);
        packet.extend_from_slice(payload);
        packet
    }

    /// A packet in which a picture begins.
    pub fn picture(dts: u64, random: bool) -> Vec<u8> {
        let mut pes = vec![0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5];
        pes.extend([
            0x21 | (dts >> 29) as u8 & 0x0e,
            (dts >> 22) as u8,
            (dts >> 14) as u8 | 1,
            (dts >> 7) as u8,
            (dts << 1) as u8 | 1,
        ]);
        pes.resize(30, 0);
        packet(0x100, random, &pes)
    }

    /// Both tables of a programme with AAC and H.264.
    pub fn tables() -> Bytes {
        let pat = [0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0, 1, 2, 3, 4];
        let pmt = [
            0, 2, 0xb0, 23, 0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0, 0x0f, 0xe1, 1, 0xf0, 0, 0x1b, 0xe1,
            0, 0xf0, 0, 1, 2, 3, 4,
        ];
        Bytes::from([packet(0, false, &pat), packet(0x1000, false, &pmt)].concat())
    }

    /// Any packets as the relay hands them over.
    pub fn group(packets: &[u8]) -> Bytes {
        Bytes::copy_from_slice(packets)
    }

    #[test]
    fn tables_lead_to_the_pictures() {
        let mut watch = Watch::default();
        assert_eq!(watch.packet(&picture(5, true)), Event::Nothing);
        assert_eq!(watch.packet(&tables()[..PACKET]), Event::Pat);
        assert_eq!(watch.packet(&tables()[PACKET..]), Event::Pmt);
        for (dts, random) in [
            (0, true),
            (3003, false),
            (0x1_2345_6789, true),
            ((1 << 33) - 1, false),
        ] {
            let event = Event::Picture {
                dts: Some(dts),
                random,
            };
            assert_eq!(watch.packet(&picture(dts, random)), event);
        }
    }

    #[test]
    fn groups_are_aligned_after_rubbish() {
        let one = picture(1, true);
        let stream = [vec![1, 2, SYNC, 3], one.repeat(15)].concat();
        let mut aligner = Aligner::default();
        let groups: Vec<Bytes> = stream
            .chunks(100)
            .flat_map(|part| aligner.push(part))
            .collect();
        assert_eq!(groups.len(), 2);
        assert!(
            groups
                .iter()
                .all(|group| group.len() == 1316 && group[..188] == one[..])
        );
    }

    #[test]
    fn time_wraps() {
        assert_eq!(ticks_between((1 << 33) - 1000, 2003), 3003);
        assert_eq!(ticks_between(3003, 0), -3003);
    }
}
