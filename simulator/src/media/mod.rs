//! The media plane: what MediaConnect and MediaLive do to the picture.
//! It is declarative. The core hands over what should be moving (`view::MediaView`), the plane
//! makes processes match it and reports what really happened (`view::MediaReport`).
//! It knows nothing of API states, and the core knows nothing of processes.
//!
//! SRT listener -> flow -> RTP with FEC over loopback -> one ffmpeg per channel -> RTMP(S).
//! Everything runs in real time on threads of its own; children end with us (see `encoder`).

mod channel;
mod encoder;
mod failover;
mod fec;
mod fill;
mod flow;
mod flv;
mod gate;
mod net;
mod output;
mod publish;
mod receive;
mod recipe;
mod rtmp;
mod rtp;
mod snapshot;
mod srt;
mod stats;
mod ts;
pub mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub use net::Net;
pub use stats::{ChannelStats, FlowStats, SourceStats};

use view::{ChannelView, FlowView, MediaReport, MediaView, PlatformView, Secret};

/// Looks up a secret by its ARN. The error is a sentence without the secret.
pub type Secrets = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<Secret, String>> + Send>> + Send + Sync,
>;

/// How the plane works.
#[derive(Clone)]
pub struct Options {
    /// The ffmpeg program.
    pub ffmpeg: PathBuf,
    /// x264's preset. With `superfast` 360p30 from a 720p feed takes a tenth of a core and 720p30 a
    /// fifth (measured); `veryfast` takes half as much again.
    pub speed: String,
    /// The address SRT listeners are bound to.
    pub srt_address: IpAddr,
    /// How platforms are reached.
    pub net: Net,
    /// Where SRT passphrases come from.
    pub secrets: Secrets,
}

impl Options {
    /// ffmpeg from the path, on loopback.
    #[must_use]
    pub fn new(net: Net, secrets: Secrets) -> Self {
        Self {
            ffmpeg: PathBuf::from("ffmpeg"),
            speed: "superfast".to_owned(),
            srt_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            net,
            secrets,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("ffmpeg", &self.ffmpeg)
            .field("speed", &self.speed)
            .field("srt_address", &self.srt_address)
            .field("net", &self.net)
            .finish_non_exhaustive()
    }
}

/// What all tasks of the plane share.
#[derive(Clone, Debug)]
struct Shared {
    options: Arc<Options>,
    exchange: receive::Exchange,
    book: stats::Book,
    reports: mpsc::Sender<MediaReport>,
    /// What platforms do on purpose, and whose picture is wanted.
    platforms: watch::Receiver<BTreeMap<String, PlatformView>>,
    thumbnails: watch::Receiver<BTreeSet<String>>,
}

impl Shared {
    async fn report(&self, report: MediaReport) {
        let _ = self.reports.send(report).await;
    }
}

/// The media plane. Dropping it ends everything it started.
#[derive(Debug)]
pub struct Plane {
    views: Option<watch::Sender<MediaView>>,
    book: stats::Book,
    thread: Option<thread::JoinHandle<()>>,
}

impl Plane {
    /// Starts with nothing to show. Reports come on the channel; it must be emptied.
    ///
    /// # Errors
    /// If the machine gives no threads.
    pub fn start(options: Options, reports: mpsc::Sender<MediaReport>) -> io::Result<Self> {
        let (views, shown) = watch::channel(MediaView::default());
        let book = stats::Book::default();
        let (platforms, told) = watch::channel(BTreeMap::new());
        let (thumbnails, wanted) = watch::channel(BTreeSet::new());
        let asides = Asides {
            platforms,
            thumbnails,
        };
        let shared = Shared {
            options: Arc::new(options),
            exchange: receive::Exchange::default(),
            book: book.clone(),
            reports,
            platforms: told,
            thumbnails: wanted,
        };
        // Threads of its own: what the API does never delays a picture.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("media")
            .enable_all()
            .build()?;
        let thread = thread::Builder::new()
            .name("media-plane".to_owned())
            .spawn(move || {
                runtime.block_on(direct(shared, asides, shown));
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?;
        Ok(Self {
            views: Some(views),
            book,
            thread: Some(thread),
        })
    }

    /// Makes what moves match the view.
    pub fn show(&self, view: MediaView) {
        if let Some(views) = &self.views {
            views.send_if_modified(|shown| {
                let changed = *shown != view;
                *shown = view;
                changed
            });
        }
    }

    /// Counters by channel id.
    #[must_use]
    pub fn stats(&self) -> BTreeMap<String, ChannelStats> {
        self.book.channels()
    }

    /// What flows make of their sources, by flow ARN.
    #[must_use]
    pub fn flows(&self) -> BTreeMap<String, FlowStats> {
        self.book.flows()
    }

    /// Bytes that outputs sent since the last call, by output ARN.
    #[must_use]
    pub fn take_transfers(&self) -> BTreeMap<String, u64> {
        self.book.take_outputs()
    }

    /// What happens at the sources, by source ARN.
    #[must_use]
    pub fn sources(&self) -> BTreeMap<String, SourceStats> {
        self.book.sources()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.views = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What changes without anything being started or stopped.
struct Asides {
    platforms: watch::Sender<BTreeMap<String, PlatformView>>,
    thumbnails: watch::Sender<BTreeSet<String>>,
}

impl Asides {
    fn tell(&self, view: &MediaView) {
        self.platforms.send_if_modified(|known| {
            let changed = *known != view.platforms;
            known.clone_from(&view.platforms);
            changed
        });
        self.thumbnails.send_if_modified(|known| {
            let changed = *known != view.thumbnails;
            known.clone_from(&view.thumbnails);
            changed
        });
    }
}

struct Flow {
    view: watch::Sender<FlowView>,
    // Dropping it ends the flow's task.
    _task: JoinSet<()>,
}

struct Channel {
    view: ChannelView,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Compares each view with what runs, and starts and stops the difference.
async fn direct(shared: Shared, asides: Asides, mut shown: watch::Receiver<MediaView>) {
    let mut flows: BTreeMap<String, Flow> = BTreeMap::new();
    let mut channels: BTreeMap<String, Channel> = BTreeMap::new();
    loop {
        let view = shown.borrow_and_update().clone();
        asides.tell(&view);
        flows.retain(|arn, _| {
            view.flows
                .iter()
                .any(|flow| flow.active && flow.arn == *arn)
        });
        for flow in view.flows.iter().filter(|flow| flow.active) {
            let running = flows.entry(flow.arn.clone()).or_insert_with(|| {
                let (sender, receiver) = watch::channel(flow.clone());
                let mut task = JoinSet::new();
                task.spawn(flow::run(shared.clone(), receiver));
                Flow {
                    view: sender,
                    _task: task,
                }
            });
            running.view.send_if_modified(|known| {
                let changed = known != flow;
                known.clone_from(flow);
                changed
            });
        }
        let over = channels.extract_if(.., |_, running| !view.channels.contains(&running.view));
        let mut ending: BTreeMap<String, JoinHandle<()>> = over
            .map(|(id, running)| {
                let _ = running.stop.send(());
                (id, running.task)
            })
            .collect();
        for wanted in &view.channels {
            if channels.contains_key(&wanted.id) {
                continue;
            }
            let (stop, stopped) = oneshot::channel();
            // A platform takes one publication per key: the former run says goodbye first.
            let former = ending.remove(&wanted.id);
            let (shared, copy) = (shared.clone(), wanted.clone());
            let task = tokio::spawn(async move {
                if let Some(former) = former {
                    let _ = timeout(Duration::from_secs(3), former).await;
                }
                channel::run(shared, copy, stopped).await;
            });
            channels.insert(
                wanted.id.clone(),
                Channel {
                    view: wanted.clone(),
                    stop,
                    task,
                },
            );
        }
        if shown.changed().await.is_err() {
            break;
        }
    }
    flows.clear();
    let ending: Vec<_> = channels
        .into_values()
        .map(|running| {
            let _ = running.stop.send(());
            running.task
        })
        .collect();
    for task in ending {
        let _ = timeout(Duration::from_secs(3), task).await;
    }
}
