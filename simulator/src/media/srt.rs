//! The SRT listener of a source, in Rust (crate srt-tokio).
//!
//! Measured before it was chosen: it takes libsrt callers (ffmpeg, and with it OBS) with AES-128,
//! 192 and 256 and answers a wrong passphrase with SRT's own reason. The passphrase stays in this
//! process. The other way that worked, an ffmpeg listener whose URL comes in a list on its standard
//! input, rewrites the transport stream and cannot say who is connected.
//! The listener is bound without a passphrase and each caller is admitted with it, because only
//! then does the crate accept the key length the caller chose.
//! One caller at a time, as MediaConnect has it (user guide, 'SRT listener sources'). A caller that
//! went without a word counts until it was silent for a second, so that an encoder which crashed
//! gets back in at once.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt};
use srt_protocol::settings::KeySettings;
use srt_tokio::{
    ConnectionRequest, SocketStatistics, SrtListener, SrtSocket,
    access::{RejectReason, ServerRejectReason},
    options::{KeySize, Passphrase},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, sleep_until},
};

use super::{
    Shared,
    flow::Piece,
    view::{MediaReport, SourceView},
};

/// Between attempts to bind the port or to read the secret.
const AGAIN: Duration = Duration::from_secs(1);
/// A caller that sends nothing for so long makes room for the next.
const SILENT: Duration = Duration::from_secs(1);
/// A line that is cut is noticed so much later (health events were seen after about a second).
const NOTICED: Duration = Duration::from_millis(900);
/// Between looks at a caller's counters.
const HEALTH: Duration = Duration::from_millis(900);

/// Listens until cancelled.
pub(super) async fn listen(
    shared: Shared,
    flow_arn: String,
    source: SourceView,
    pieces: mpsc::Sender<Piece>,
    cut: watch::Receiver<bool>,
) {
    if source.protocol != "srt-listener" {
        let text = format!(
            "the simulator's media plane receives srt-listener only, not {}",
            source.protocol
        );
        shared
            .book
            .source(&source.arn, |stats| stats.problem = text);
        return;
    }
    let _gone = Forget(shared.clone(), source.arn.clone());
    loop {
        let problem = match once(&shared, &flow_arn, &source, &pieces, &cut).await {
            Ok(()) => return,
            Err(problem) => problem,
        };
        shared.book.source(&source.arn, |stats| {
            stats.problem = problem;
            stats.listening.clear();
        });
        sleep(AGAIN).await;
    }
}

struct Forget(Shared, String);

impl Drop for Forget {
    fn drop(&mut self) {
        self.0.book.forget_source(&self.1);
    }
}

/// Closes the port when the task is cancelled: the crate's listener itself is a detached task.
struct Open(Option<SrtListener>);

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut listener) = self.0.take() {
            tokio::spawn(async move { listener.close().await });
        }
    }
}

async fn once(
    shared: &Shared,
    flow_arn: &str,
    source: &SourceView,
    pieces: &mpsc::Sender<Piece>,
    cut: &watch::Receiver<bool>,
) -> Result<(), String> {
    let passphrase = match &source.passphrase_secret_arn {
        None => None,
        Some(arn) => {
            let secret = (shared.options.secrets)(arn.clone()).await?;
            let text = secret.expose().to_owned();
            Some(
                Passphrase::try_from(text)
                    .map_err(|_| "an SRT passphrase has 10 to 79 characters".to_owned())?,
            )
        }
    };
    let address = SocketAddr::new(shared.options.srt_address, source.port);
    let socket = tokio::net::UdpSocket::bind(address)
        .await
        .map_err(|error| format!("SRT port {}: {}", source.port, error.kind()))?;
    let bound = socket
        .local_addr()
        .map_err(|error| error.kind().to_string())?;
    let (listener, mut incoming) = SrtListener::builder()
        .latency(Duration::from_millis(u64::from(source.min_latency_ms)))
        .socket(socket)
        .bind(bound)
        .await
        .map_err(|error| error.kind().to_string())?;
    let _open = Open(Some(listener));
    shared.book.source(&source.arn, |stats| {
        stats.listening = bound.to_string();
        stats.problem.clear();
    });
    let heard = Arc::new(Mutex::new(None));
    let mut caller = JoinSet::new();
    while let Some(request) = incoming.incoming().next().await {
        let busy = heard
            .lock()
            .is_ok_and(|heard| heard.is_some_and(|at: Instant| at.elapsed() < SILENT));
        if busy || *cut.borrow() || !may_call(&request, source, passphrase.is_some()) {
            shared.book.source(&source.arn, |stats| stats.refused += 1);
            let _ = request
                .reject(RejectReason::Server(ServerRejectReason::Forbidden))
                .await;
            continue;
        }
        let keys = passphrase.clone().map(|passphrase| KeySettings {
            key_size: request.key_size(),
            passphrase,
        });
        let Ok(socket) = request.accept(keys).await else {
            // The handshake failed: a wrong passphrase, or none.
            shared.book.source(&source.arn, |stats| stats.refused += 1);
            continue;
        };
        caller.shutdown().await;
        let line = Line {
            shared: shared.clone(),
            flow_arn: flow_arn.to_owned(),
            source_arn: source.arn.clone(),
            pieces: pieces.clone(),
            heard: heard.clone(),
            cut: cut.clone(),
            known: false,
        };
        line.hear(Some(Instant::now()));
        caller.spawn(line.run(socket));
    }
    Err("the listener ended".to_owned())
}

fn may_call(request: &ConnectionRequest, source: &SourceView, has_passphrase: bool) -> bool {
    let caller = request.remote().ip();
    let known = caller.is_loopback()
        || source
            .whitelist
            .as_deref()
            .is_none_or(|cidr| covers(cidr, caller));
    // The crate has no answer for an encrypted call to an open listener.
    known && (has_passphrase || request.key_size() == KeySize::Unspecified)
}

/// True if an IPv4 block covers an address.
fn covers(cidr: &str, address: IpAddr) -> bool {
    let (IpAddr::V4(address), Some((network, length))) = (address, cidr.split_once('/')) else {
        return false;
    };
    let (Ok(network), Ok(length @ 0..=32)) =
        (network.parse::<std::net::Ipv4Addr>(), length.parse::<u32>())
    else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    u32::from(network) & mask == u32::from(address) & mask
}

/// One caller.
struct Line {
    shared: Shared,
    flow_arn: String,
    source_arn: String,
    pieces: mpsc::Sender<Piece>,
    /// When the present caller was last heard; None without one.
    heard: Arc<Mutex<Option<Instant>>>,
    /// Cut lines bring nothing; the caller goes on and does not know.
    cut: watch::Receiver<bool>,
    /// Reported as connected.
    known: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hear(None);
        if std::mem::take(&mut self.known) {
            self.note(false);
            // Room for a thousand reports and a reader that empties it: this does not fail in practice.
            let _ = self.shared.reports.try_send(self.gone());
        }
    }
}

impl Line {
    fn hear(&self, at: Option<Instant>) {
        if let Ok(mut heard) = self.heard.lock() {
            *heard = at;
        }
    }

    fn note(&self, connected: bool) {
        self.shared.book.source(&self.source_arn, |stats| {
            stats.disconnections += u64::from(stats.connected && !connected);
            stats.connected = connected;
            stats.bits_per_second = 0;
        });
    }

    fn gone(&self) -> MediaReport {
        MediaReport::SourceDisconnected {
            flow_arn: self.flow_arn.clone(),
            source_arn: self.source_arn.clone(),
        }
    }

    /// Tells whether there is a caller, once.
    async fn connected(&mut self, connected: bool) {
        if std::mem::replace(&mut self.known, connected) == connected {
            return;
        }
        self.note(connected);
        let report = if connected {
            MediaReport::SourceConnected {
                flow_arn: self.flow_arn.clone(),
                source_arn: self.source_arn.clone(),
            }
        } else {
            self.gone()
        };
        self.shared.report(report).await;
    }

    async fn run(mut self, mut socket: SrtSocket) {
        let mut statistics = socket.statistics().clone();
        let mut health = Health::default();
        let mut noticed = Instant::now();
        self.connected(true).await;
        loop {
            tokio::select! {
                data = socket.try_next() => {
                    let Ok(Some((_, data))) = data else { return };
                    self.hear(Some(Instant::now()));
                    if *self.cut.borrow() {
                        continue;
                    }
                    self.connected(true).await;
                    let length = data.len() as u64;
                    health.bytes += length;
                    self.shared.book.source(&self.source_arn, |stats| stats.bytes += length);
                    if self.pieces.send((self.source_arn.clone(), data)).await.is_err() {
                        return;
                    }
                }
                Some(seen) = statistics.next() => self.health(&mut health, &seen).await,
                changed = self.cut.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    noticed = Instant::now() + NOTICED;
                }
                () = sleep_until(noticed.into()), if self.known && *self.cut.borrow() => {
                    self.connected(false).await;
                }
            }
        }
    }

    /// The crate gives its counters about once a second; it measures no round trip.
    async fn health(&self, health: &mut Health, seen: &SocketStatistics) {
        let now = Instant::now();
        let since = health.at.map(|last| now.duration_since(last));
        let due = since.is_none_or(|since| since >= HEALTH);
        if due {
            health.at = Some(now);
            let bytes = std::mem::take(&mut health.bytes);
            let rate = since.map_or(0.0, |since| bytes as f64 * 8.0 / since.as_secs_f64());
            self.shared.book.source(&self.source_arn, |stats| {
                stats.bits_per_second = rate as u64;
                stats.packets = seen.rx_data;
                stats.packets_recovered = seen.rx_retransmit_data;
                stats.packets_lost = seen.rx_dropped_data;
            });
            let lost = seen.rx_dropped_data > health.lost;
            health.lost = seen.rx_dropped_data;
            if std::mem::replace(&mut health.errors, lost) != lost {
                let report = MediaReport::SourceErrors {
                    flow_arn: self.flow_arn.clone(),
                    source_arn: self.source_arn.clone(),
                    continuity: lost,
                };
                self.shared.report(report).await;
            }
        }
    }
}

/// What was known of a caller at the last look.
#[derive(Default)]
struct Health {
    at: Option<Instant>,
    bytes: u64,
    lost: u64,
    errors: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_addresses() {
        let address = |text: &str| text.parse().expect("address");
        assert!(covers("203.0.113.0/24", address("203.0.113.9")));
        assert!(!covers("203.0.113.0/24", address("203.0.114.9")));
        assert!(covers("0.0.0.0/0", address("198.51.100.1")));
        assert!(covers("203.0.113.9/32", address("203.0.113.9")));
        for wrong in ["", "203.0.113.9", "203.0.113.9/33", "::/0"] {
            assert!(!covers(wrong, address("203.0.113.9")), "{wrong}");
        }
    }
}
