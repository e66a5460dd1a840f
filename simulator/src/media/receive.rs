//! The MediaLive end of a feed: three loopback sockets that stand for one input address (media,
//! and FEC two and four ports above), and the window that restores order.
//! Which loopback ports stand for which address is written in the `Exchange`.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use socket2::{Domain, Socket, Type};
use tokio::{net::UdpSocket, sync::mpsc};

use super::{
    fec::Repair,
    rtp::{MPEG_TS, Packet, Window},
    stats::Counters,
};

/// Loopback addresses of media, column FEC and row FEC.
pub type Ports = [SocketAddr; 3];

/// From input addresses as the API has them to the loopback ports that stand for them.
#[derive(Clone, Debug, Default)]
pub struct Exchange(Arc<Mutex<BTreeMap<(String, u16), Ports>>>);

impl Exchange {
    /// Where packets for this address go, if anybody listens there.
    #[must_use]
    pub fn find(&self, address: &str, port: u16) -> Option<Ports> {
        self.0
            .lock()
            .ok()?
            .get(&(address.to_owned(), port))
            .copied()
    }

    fn enter(&self, address: &(String, u16), ports: Ports) {
        if let Ok(mut map) = self.0.lock() {
            map.insert(address.clone(), ports);
        }
    }

    /// Leaves an entry alone that belongs to a newer receiver by now.
    fn leave(&self, address: &(String, u16), ports: Ports) {
        if let Ok(mut map) = self.0.lock()
            && map.get(address) == Some(&ports)
        {
            map.remove(address);
        }
    }
}

/// A bound input address. It leaves the exchange when dropped.
#[derive(Debug)]
pub struct Receiver {
    address: (String, u16),
    ports: Ports,
    exchange: Exchange,
    sockets: [UdpSocket; 3],
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.exchange.leave(&self.address, self.ports);
    }
}

impl Receiver {
    /// Binds three free ports and enters them.
    ///
    /// # Errors
    /// If the machine has no ports left.
    pub fn bind(address: (String, u16), exchange: Exchange) -> io::Result<Self> {
        let sockets = [bind()?, bind()?, bind()?];
        let mut ports = [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0); 3];
        for (port, socket) in ports.iter_mut().zip(&sockets) {
            *port = socket.local_addr()?;
        }
        exchange.enter(&address, ports);
        Ok(Self {
            address,
            ports,
            exchange,
            sockets,
        })
    }

    /// Receives until nobody takes the groups any more. A full queue loses groups, and counts them.
    pub async fn run(self, groups: mpsc::Sender<Bytes>, counters: Arc<Counters>) {
        let mut window = Window::default();
        let [media, columns, rows] = &self.sockets;
        let mut buffers = [[0; 2048]; 3];
        let [media_buffer, column_buffer, row_buffer] = &mut buffers;
        while !groups.is_closed() {
            let data = tokio::select! {
                length = media.recv(media_buffer) => length.map(|l| Bytes::copy_from_slice(&media_buffer[..l])),
                length = columns.recv(column_buffer) => length.map(|l| Bytes::copy_from_slice(&column_buffer[..l])),
                length = rows.recv(row_buffer) => length.map(|l| Bytes::copy_from_slice(&row_buffer[..l])),
                () = groups.closed() => return,
            };
            let Some(packet) = data.ok().and_then(|data| Packet::parse(&data)) else {
                continue;
            };
            let ready = if packet.kind == MPEG_TS {
                window.media(packet)
            } else {
                Repair::parse(&packet)
                    .map(|repair| window.repair(repair))
                    .unwrap_or_default()
            };
            for group in ready {
                counters.received(window.lost, window.recovered);
                if groups.try_send(group).is_err() {
                    counters.input_dropped();
                }
            }
        }
    }
}

fn bind() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    // The machine may be busy encoding: let the kernel keep a second of the feed for us.
    socket.set_recv_buffer_size(4 << 20)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into())?;
    UdpSocket::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_receiver_of_an_address_counts() {
        let exchange = Exchange::default();
        let address = ("198.51.100.1".to_owned(), 5000);
        let first = Receiver::bind(address.clone(), exchange.clone()).expect("ports");
        let second = Receiver::bind(address, exchange.clone()).expect("ports");
        let ports = second.ports;
        drop(first);
        assert_eq!(exchange.find("198.51.100.1", 5000), Some(ports));
        drop(second);
        assert_eq!(exchange.find("198.51.100.1", 5000), None);
    }
}
