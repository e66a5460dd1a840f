//! The core behind HTTP: a clock that may run fast, the AWS APIs at the root, control under
//! `/_simulator/`, events to EventBridge, and the media plane if one is asked for.

mod args;
mod aws;
mod clock;
mod events;
mod http;
mod metrics;
mod page;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

pub use args::{Arguments, MediaKind};

use crate::core::metrics::Point;
use crate::core::{Core, Happening, Settings};
use crate::media::view::MediaReport;
use crate::media::{Net, Options, Plane, Secrets};
use clock::Clock;

/// How often bytes are counted while nothing else happens.
const TICK: Duration = Duration::from_millis(500);

/// What all connections share.
struct Shared {
    inner: Mutex<Inner>,
    wake: Notify,
    plane: Option<Plane>,
    events: events::Counts,
}

struct Inner {
    core: Core,
    clock: Clock,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while holding it has been printed; the core itself is still worth asking.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counters of the media plane go where the core's view of the thing is.
    fn add_media(&self, state: &mut Value) {
        state["events"]["sent"] = json!(self.events.sent());
        state["events"]["failed"] = json!(self.events.failed());
        let Some(plane) = &self.plane else { return };
        let (channels, sources, flows) = (plane.stats(), plane.sources(), plane.flows());
        for channel in state["channels"].as_array_mut().into_iter().flatten() {
            if let Some(stats) = channel["id"].as_str().and_then(|id| channels.get(id)) {
                merge(&mut channel["media"], json!(stats));
            }
        }
        for flow in state["flows"].as_array_mut().into_iter().flatten() {
            if let Some(stats) = flow["arn"].as_str().and_then(|arn| flows.get(arn)) {
                flow["media"] = json!(stats);
            }
            for source in flow["sources"].as_array_mut().into_iter().flatten() {
                if let Some(stats) = source["arn"].as_str().and_then(|arn| sources.get(arn)) {
                    source["media"] = json!(stats);
                }
            }
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}

/// Runs until it is told to end (Ctrl-C or TERM).
///
/// # Errors
/// A sentence on what keeps it from starting.
pub async fn run(arguments: Arguments) -> Result<(), String> {
    let settings = Settings {
        region: arguments.region.clone(),
        account: arguments.account.clone(),
        seed: arguments.seed,
    };
    let mut core = Core::new(settings);
    core.set_scale(arguments.time_scale);
    let cloud = arguments.cloud();
    let (reports, reported) = mpsc::channel(1024);
    let plane = match arguments.media {
        MediaKind::None => None,
        MediaKind::Ffmpeg => {
            core.expect_reports();
            Some(start_plane(&arguments, cloud.clone(), reports)?)
        }
    };
    let inner = Inner {
        core,
        clock: Clock::start(arguments.time_scale),
    };
    let shared = Arc::new(Shared {
        inner: Mutex::new(inner),
        wake: Notify::new(),
        plane,
        events: events::Counts::default(),
    });
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", arguments.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (happened, happenings) = mpsc::unbounded_channel();
    let (ended, minutes) = mpsc::unbounded_channel();
    if arguments.events.is_some() {
        tokio::spawn(metrics::send_all(minutes, cloud.clone()));
        tokio::spawn(events::send_all(
            happenings,
            cloud,
            arguments.event_source.clone(),
            shared.clone(),
        ));
    } else {
        drop((happenings, minutes));
    }
    println!("listening on http://{address}");
    tokio::select! {
        () = drive(&shared, happened, ended, reported) => {}
        () = http::serve(&listener, &shared) => {}
        () = told_to_end() => {}
    }
    Ok(())
}

fn start_plane(
    arguments: &Arguments,
    cloud: aws::Cloud,
    reports: mpsc::Sender<MediaReport>,
) -> Result<Plane, String> {
    let net = Net::new(&arguments.resolve, arguments.trust.as_deref())?;
    let secrets: Secrets = Arc::new(move |arn| {
        let cloud = cloud.clone();
        Box::pin(async move { cloud.secret(&arn).await })
    });
    let mut options = Options::new(net, secrets);
    options.ffmpeg = arguments
        .ffmpeg
        .clone()
        .unwrap_or_else(|| PathBuf::from("ffmpeg"));
    Plane::start(options, reports)
        .map_err(|error| format!("the media plane does not start: {error}"))
}

/// Lets time pass: what is due happens, events go out, the media plane sees the newest view.
async fn drive(
    shared: &Shared,
    happened: mpsc::UnboundedSender<Value>,
    ended: mpsc::UnboundedSender<Vec<Point>>,
    mut reported: mpsc::Receiver<MediaReport>,
) {
    let mut counted = BTreeMap::new();
    let mut minutes = metrics::Minutes::default();
    loop {
        let wait = {
            let mut inner = shared.lock();
            let now = inner.clock.now();
            if let Some(plane) = &shared.plane {
                count_bytes(&mut inner.core, now, plane, &mut counted);
            }
            for Happening::Event(envelope) in inner.core.advance(now) {
                // Nobody listens if no endpoint was given.
                let _ = happened.send(envelope);
            }
            let stats = || shared.plane.as_ref().map(Plane::sources);
            if let Some(points) = minutes.over(&inner.core, now, stats) {
                let _ = ended.send(points);
            }
            if let Some(plane) = &shared.plane {
                plane.show(inner.core.media_view());
            }
            let due = inner.core.next_due().map(|due| inner.clock.until(due));
            due.map_or(TICK, |due| due.min(TICK))
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.wake.notified() => {}
            Some(report) = reported.recv() => {
                let mut inner = shared.lock();
                let now = inner.clock.now();
                inner.core.report(now, &report);
            }
        }
    }
}

/// What was published since the last look. A counter that is smaller than before is a new encoder's.
fn count_bytes(core: &mut Core, now: u64, plane: &Plane, counted: &mut BTreeMap<String, u64>) {
    for (output_arn, bytes) in plane.take_transfers() {
        core.report(now, &MediaReport::Transfer { output_arn, bytes });
    }
    let stats = plane.stats();
    counted.retain(|id, _| stats.contains_key(id));
    for (channel_id, stats) in stats {
        let before = counted
            .insert(channel_id.clone(), stats.bytes_sent)
            .unwrap_or_default();
        let bytes = if stats.bytes_sent >= before {
            stats.bytes_sent - before
        } else {
            stats.bytes_sent
        };
        if bytes > 0 {
            core.report(now, &MediaReport::Egress { channel_id, bytes });
        }
    }
}

async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
