//! One output of a flow: RTP with FEC to an input's address. Each has a socket, a numbering and a FEC
//! of its own, so that outputs come and go without the others noticing.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use tokio::net::UdpSocket;

use super::{
    fec,
    receive::Exchange,
    rtp::{MPEG_TS, Packet},
    view::OutputView,
};

/// A running output.
pub(super) struct Output {
    pub view: OutputView,
    exchange: Exchange,
    socket: UdpSocket,
    sequence: u16,
    source: u32,
    /// Bytes sent, wherever they arrive.
    sent: Arc<AtomicU64>,
    fec: fec::Encoder,
}

impl Output {
    pub async fn new(
        view: OutputView,
        exchange: Exchange,
        sent: Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        // The port is as good as any number to tell one sender from the next.
        let source = u32::from(socket.local_addr()?.port()) << 8 | 1;
        Ok(Self {
            view,
            exchange,
            socket,
            sequence: 0,
            source,
            sent,
            fec: fec::Encoder::default(),
        })
    }

    pub fn send(&mut self, group: &Bytes, timestamp: u32) {
        let packet = Packet {
            kind: MPEG_TS,
            sequence: self.sequence,
            timestamp,
            source: self.source,
            payload: group.clone(),
        };
        self.sequence = self.sequence.wrapping_add(1);
        let due = if self.view.fec {
            self.fec.push(&packet)
        } else {
            fec::Due::default()
        };
        let repairs = due.columns.iter().chain(&due.rows);
        let bytes = packet.to_bytes();
        let all = bytes.len() + repairs.map(|bytes| bytes.len()).sum::<usize>();
        self.sent.fetch_add(all as u64, Relaxed);
        let Some([media, columns, rows]) =
            self.exchange.find(&self.view.destination, self.view.port)
        else {
            // A packet to an address where no channel runs is lost, as on any network.
            return;
        };
        let _ = self.socket.try_send_to(&bytes, media);
        for bytes in due.columns {
            let _ = self.socket.try_send_to(&bytes, columns);
        }
        for bytes in due.rows {
            let _ = self.socket.try_send_to(&bytes, rows);
        }
    }
}
