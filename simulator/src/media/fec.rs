//! Forward error correction after SMPTE 2022-1 (the RFC 2733 format it extends): exclusive-or of
//! the packets of each column and of each row of a matrix, sent two and four ports above the media.

use bytes::{BufMut, Bytes, BytesMut};

use super::rtp::{self, Packet};

/// Columns of the matrix: a burst of so many lost packets is repaired.
pub const COLUMNS: usize = 10;
/// Rows of the matrix.
pub const ROWS: usize = 5;

/// What one FEC packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Sequence number of the first packet it covers.
    pub base: u16,
    /// Distance between the packets it covers.
    pub offset: u8,
    /// How many it covers.
    pub count: u8,
    length: u16,
    kind: u8,
    timestamp: u32,
    payload: Vec<u8>,
}

impl Repair {
    fn new(base: u16, offset: usize, count: usize) -> Self {
        Self {
            base,
            offset: offset as u8,
            count: count as u8,
            length: 0,
            kind: 0,
            timestamp: 0,
            payload: Vec::new(),
        }
    }

    fn add(&mut self, packet: &Packet) {
        self.length ^= packet.payload.len() as u16;
        self.kind ^= packet.kind;
        self.timestamp ^= packet.timestamp;
        if self.payload.len() < packet.payload.len() {
            self.payload.resize(packet.payload.len(), 0);
        }
        for (sum, byte) in self.payload.iter_mut().zip(&packet.payload) {
            *sum ^= byte;
        }
    }

    /// The numbers of the packets it covers.
    #[must_use]
    pub fn members(&self, base: u64) -> Vec<u64> {
        (0..u64::from(self.count))
            .map(|n| base + n * u64::from(self.offset))
            .collect()
    }

    /// How far the last covered packet is from the first.
    #[must_use]
    pub fn span(&self) -> u64 {
        u64::from(self.count) * u64::from(self.offset)
    }

    /// The one missing packet, from all others that are covered.
    #[must_use]
    pub fn recover(&self, sequence: u16, source: u32, known: &[&Packet]) -> Option<Packet> {
        let mut sum = self.clone();
        for packet in known {
            sum.add(packet);
        }
        let length = usize::from(sum.length);
        (length <= sum.payload.len()).then(|| {
            sum.payload.truncate(length);
            Packet {
                kind: sum.kind & 0x7f,
                sequence,
                timestamp: sum.timestamp,
                source,
                payload: sum.payload.into(),
            }
        })
    }

    /// The FEC header and payload, SMPTE 2022-1 section 8.
    fn to_payload(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(16 + self.payload.len());
        bytes.put_u16(self.base);
        bytes.put_u16(self.length);
        bytes.put_u8(0x80 | self.kind);
        bytes.put_slice(&[0, 0, 0]);
        bytes.put_u32(self.timestamp);
        // The direction bit tells rows (1) from columns (0).
        bytes.put_u8(if self.offset == 1 { 0x40 } else { 0 });
        bytes.put_u8(self.offset);
        bytes.put_u8(self.count);
        bytes.put_u8(0);
        bytes.put_slice(&self.payload);
        bytes.freeze()
    }

    /// Reads the payload of an FEC packet.
    #[must_use]
    pub fn parse(packet: &Packet) -> Option<Self> {
        let bytes = &packet.payload;
        if packet.kind != rtp::FEC || bytes.len() < 16 || bytes[13] == 0 || bytes[14] == 0 {
            return None;
        }
        Some(Self {
            base: u16::from_be_bytes([bytes[0], bytes[1]]),
            length: u16::from_be_bytes([bytes[2], bytes[3]]),
            kind: bytes[4] & 0x7f,
            timestamp: u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]),
            offset: bytes[13],
            count: bytes[14],
            payload: bytes[16..].to_vec(),
        })
    }
}

/// Makes the FEC packets of one output.
#[derive(Debug, Default)]
pub struct Encoder {
    columns: Vec<Repair>,
    row: Option<Repair>,
    position: usize,
    column_sequence: u16,
    row_sequence: u16,
}

/// FEC packets that became due.
#[derive(Debug, Default)]
pub struct Due {
    /// For the media port + 2.
    pub columns: Vec<Bytes>,
    /// For the media port + 4.
    pub rows: Vec<Bytes>,
}

impl Encoder {
    /// Counts one packet of the programme in.
    pub fn push(&mut self, packet: &Packet) -> Due {
        let mut due = Due::default();
        let column = self.position % COLUMNS;
        if self.position < COLUMNS {
            self.columns
                .push(Repair::new(packet.sequence, COLUMNS, ROWS));
        }
        self.columns[column].add(packet);
        self.row
            .get_or_insert_with(|| Repair::new(packet.sequence, 1, COLUMNS))
            .add(packet);
        self.position += 1;
        if column == COLUMNS - 1
            && let Some(row) = self.row.take()
        {
            due.rows.push(wrap(&row, packet, &mut self.row_sequence));
        }
        if self.position == COLUMNS * ROWS {
            self.position = 0;
            for column in self.columns.drain(..) {
                due.columns
                    .push(wrap(&column, packet, &mut self.column_sequence));
            }
        }
        due
    }
}

fn wrap(repair: &Repair, last: &Packet, sequence: &mut u16) -> Bytes {
    let packet = Packet {
        kind: rtp::FEC,
        sequence: *sequence,
        timestamp: last.timestamp,
        source: 0,
        payload: repair.to_payload(),
    };
    *sequence = sequence.wrapping_add(1);
    packet.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::Window;

    fn packets() -> Vec<Packet> {
        (0..(COLUMNS * ROWS) as u16)
            .map(|n| Packet {
                kind: rtp::MPEG_TS,
                sequence: n.wrapping_add(65_500),
                timestamp: 1000 + u32::from(n),
                source: 5,
                payload: (0..=n).map(|b| (b * 7 + n) as u8).collect(),
            })
            .collect()
    }

    /// Sends a matrix with holes and says which payloads came out.
    fn received(lost: &[usize]) -> (Vec<Bytes>, u64) {
        let (mut encoder, mut window) = (Encoder::default(), Window::default());
        let mut out = Vec::new();
        for (n, packet) in packets().into_iter().enumerate() {
            let due = encoder.push(&packet);
            if !lost.contains(&n) {
                out.extend(window.media(packet));
            }
            for bytes in due.rows.iter().chain(&due.columns) {
                let packet = Packet::parse(bytes).expect("RTP");
                out.extend(window.repair(Repair::parse(&packet).expect("FEC")));
            }
        }
        (out, window.recovered)
    }

    #[test]
    fn single_and_burst_losses_are_repaired() {
        let whole: Vec<Bytes> = packets().into_iter().map(|p| p.payload).collect();
        assert_eq!(received(&[]), (whole.clone(), 0));
        assert_eq!(received(&[17]), (whole.clone(), 1));
        let burst: Vec<usize> = (13..13 + COLUMNS).collect();
        assert_eq!(received(&burst), (whole.clone(), COLUMNS as u64));
        // Columns alone cannot repair two of a column, rows and columns together can.
        assert_eq!(received(&[12, 22, 23]), (whole, 3));
    }

    #[test]
    fn a_square_of_losses_stays_lost() {
        let (out, recovered) = received(&[12, 13, 22, 23]);
        assert_eq!((out.len(), recovered), (12, 0));
    }

    #[test]
    fn the_header_is_that_of_the_standard() {
        let mut encoder = Encoder::default();
        let due: Vec<Due> = packets()
            .iter()
            .map(|packet| encoder.push(packet))
            .collect();
        let row = Packet::parse(&due[COLUMNS - 1].rows[0]).expect("RTP");
        assert_eq!(row.payload[12..16], [0x40, 1, COLUMNS as u8, 0]);
        let column = Packet::parse(&due[COLUMNS * ROWS - 1].columns[3]).expect("RTP");
        assert_eq!(column.payload[..2], 65_503_u16.to_be_bytes());
        assert_eq!(column.payload[12..16], [0, COLUMNS as u8, ROWS as u8, 0]);
    }
}
