//! A MediaConnect flow: one or two SRT sources in, one RTP stream per enabled output out.
//! Outputs come and go without the others noticing: each has its own socket, numbering and FEC.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    Shared, fec,
    receive::Exchange,
    rtp::{MPEG_TS, Packet},
    srt,
    ts::Aligner,
    view::{FlowView, OutputView, SourceView},
};

/// A source without data for so long is left for the other one.
const SILENCE: Duration = Duration::from_millis(500);
/// The preferred source has to be back for so long before it is trusted again.
const TRUST: Duration = Duration::from_secs(2);

/// A piece of the programme from one source.
pub type Piece = (String, Bytes);

/// Runs a flow until its view is taken away.
pub(super) async fn run(shared: Shared, mut views: watch::Receiver<FlowView>) {
    let (pieces_in, mut pieces) = mpsc::channel::<Piece>(4096);
    let mut sources = Sources::default();
    let mut outputs: BTreeMap<String, Output> = BTreeMap::new();
    let mut listeners: BTreeMap<String, (SourceView, JoinSet<()>)> = BTreeMap::new();
    let started = Instant::now();
    let mut aligner = Aligner::default();
    loop {
        let view = views.borrow_and_update().clone();
        listeners
            .retain(|arn, (running, _)| view.sources.iter().any(|s| s.arn == *arn && s == running));
        for source in &view.sources {
            listeners.entry(source.arn.clone()).or_insert_with(|| {
                let mut task = JoinSet::new();
                task.spawn(srt::listen(
                    shared.clone(),
                    view.arn.clone(),
                    source.clone(),
                    pieces_in.clone(),
                ));
                (source.clone(), task)
            });
        }
        sources.order = view
            .sources
            .iter()
            .map(|source| source.arn.clone())
            .collect();
        outputs.retain(|arn, running| {
            view.outputs
                .iter()
                .any(|o| o.arn == *arn && sends(o) && running.view == *o)
        });
        for output in view.outputs.iter().filter(|output| sends(output)) {
            if !outputs.contains_key(&output.arn)
                && let Ok(made) = Output::new(output.clone(), shared.exchange.clone()).await
            {
                outputs.insert(output.arn.clone(), made);
            }
        }
        loop {
            tokio::select! {
                changed = views.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                piece = pieces.recv() => {
                    let Some((source, data)) = piece else { return };
                    if !sources.takes(&source, Instant::now()) {
                        continue;
                    }
                    let ticks = (started.elapsed().as_micros() as u64 * 9 / 100) as u32;
                    for group in aligner.push(&data) {
                        for output in outputs.values_mut() {
                            output.send(&group, ticks);
                        }
                    }
                }
            }
        }
    }
}

fn sends(output: &OutputView) -> bool {
    output.enabled && output.admitted
}

/// Which source is on air: the first in order that has data, with some patience both ways.
#[derive(Debug, Default)]
struct Sources {
    order: Vec<String>,
    seen: BTreeMap<String, (Instant, Instant)>,
    on_air: Option<String>,
}

impl Sources {
    fn takes(&mut self, source: &str, now: Instant) -> bool {
        let (since, last) = self.seen.entry(source.to_owned()).or_insert((now, now));
        if now.duration_since(*last) > SILENCE {
            *since = now;
        }
        *last = now;
        if self.on_air.as_deref() != Some(source) {
            let rank = |arn: &str| self.order.iter().position(|known| known == arn);
            let free = match &self.on_air {
                None => true,
                Some(other) => {
                    let silent = self
                        .seen
                        .get(other)
                        .is_none_or(|(_, last)| now.duration_since(*last) > SILENCE);
                    silent
                        || rank(source) < rank(other)
                            && now.duration_since(self.seen[source].0) > TRUST
                }
            };
            if free && rank(source).is_some() {
                self.on_air = Some(source.to_owned());
            }
        }
        self.on_air.as_deref() == Some(source)
    }
}

struct Output {
    view: OutputView,
    exchange: Exchange,
    socket: UdpSocket,
    sequence: u16,
    source: u32,
    fec: fec::Encoder,
}

impl Output {
    async fn new(view: OutputView, exchange: Exchange) -> io::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        // The port is as good as any number to tell one sender from the next.
        let source = u32::from(socket.local_addr()?.port()) << 8 | 1;
        Ok(Self {
            view,
            exchange,
            socket,
            sequence: 0,
            source,
            fec: fec::Encoder::default(),
        })
    }

    fn send(&mut self, group: &Bytes, timestamp: u32) {
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
        let Some([media, columns, rows]) =
            self.exchange.find(&self.view.destination, self.view.port)
        else {
            // A packet to an address where no channel runs is lost, as on any network.
            return;
        };
        let _ = self.socket.try_send_to(&packet.to_bytes(), media);
        for bytes in due.columns {
            let _ = self.socket.try_send_to(&bytes, columns);
        }
        for bytes in due.rows {
            let _ = self.socket.try_send_to(&bytes, rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_is_preferred_and_the_second_takes_over() {
        let mut sources = Sources {
            order: vec!["primary".into(), "backup".into()],
            ..Sources::default()
        };
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(sources.takes("backup", at(0)));
        assert!(!sources.takes("primary", at(10)), "not trusted yet");
        for ms in (20..=2000).step_by(20) {
            assert!(sources.takes("backup", at(ms)));
            assert!(!sources.takes("primary", at(ms)));
        }
        assert!(sources.takes("primary", at(2020)));
        assert!(!sources.takes("backup", at(2030)));
        assert!(!sources.takes("backup", at(2500)));
        assert!(
            sources.takes("backup", at(2530)),
            "silent for more than 500 ms"
        );
        assert!(!sources.takes("primary", at(2540)));
    }
}
