//! A MediaConnect flow: one or two SRT sources in, one RTP stream per enabled output out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{
    Shared,
    failover::{Sources, Turn},
    output::Output,
    srt,
    ts::Aligner,
    view::{FlowView, MediaReport, OutputView, SourceView},
};

/// How often silence is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// A caller that has never sent anything may take so long: SRT holds data back by its latency.
const FIRST: Duration = Duration::from_secs(5);

/// A piece of the programme from one source.
pub type Piece = (String, Bytes);

/// Runs a flow until its view is taken away.
pub(super) async fn run(shared: Shared, mut views: watch::Receiver<FlowView>) {
    let (pieces_in, mut pieces) = mpsc::channel::<Piece>(4096);
    let mut listeners: BTreeMap<String, Listener> = BTreeMap::new();
    let arn = views.borrow().arn.clone();
    let mut programme = Programme::new(shared.clone(), arn);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let view = views.borrow_and_update().clone();
        listeners.retain(|_, running| view.sources.iter().any(|row| running.is_for(row)));
        for source in &view.sources {
            let running = listeners
                .entry(source.arn.clone())
                .or_insert_with(|| Listener::start(&shared, &view.arn, source, pieces_in.clone()));
            running.cut(source.cut);
        }
        let names: Vec<String> = view.sources.iter().map(|row| row.arn.clone()).collect();
        programme.sources.set(&names, view.primary.clone());
        programme.send_to(&view.outputs).await;
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
                    programme.piece(&source, &data).await;
                }
                _ = look.tick() => programme.look(&names).await,
            }
        }
    }
}

/// One SRT listener and the switch that cuts its line.
struct Listener {
    view: SourceView,
    cut: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Listener {
    fn start(
        shared: &Shared,
        flow_arn: &str,
        source: &SourceView,
        pieces: mpsc::Sender<Piece>,
    ) -> Self {
        let (cut, is_cut) = watch::channel(source.cut);
        let mut task = JoinSet::new();
        let (shared, flow_arn) = (shared.clone(), flow_arn.to_owned());
        task.spawn(srt::listen(
            shared,
            flow_arn,
            source.clone(),
            pieces,
            is_cut,
        ));
        Self {
            view: source.clone(),
            cut,
            _task: task,
        }
    }

    /// The line may be cut and mended without a new listener.
    fn is_for(&self, source: &SourceView) -> bool {
        let mut view = self.view.clone();
        view.cut = source.cut;
        view == *source
    }

    fn cut(&self, cut: bool) {
        self.cut
            .send_if_modified(|is_cut| std::mem::replace(is_cut, cut) != cut);
    }
}

/// What goes through a flow.
struct Programme {
    arn: String,
    shared: Shared,
    sources: Sources,
    outputs: BTreeMap<String, Output>,
    /// Since when connected callers have sent nothing, and who was reported for it.
    waiting: BTreeMap<String, Instant>,
    quiet: BTreeSet<String>,
    reported: Option<String>,
    started: Instant,
    aligner: Aligner,
}

impl Programme {
    fn new(shared: Shared, arn: String) -> Self {
        Self {
            arn,
            shared,
            sources: Sources::default(),
            outputs: BTreeMap::new(),
            waiting: BTreeMap::new(),
            quiet: BTreeSet::new(),
            reported: None,
            started: Instant::now(),
            aligner: Aligner::default(),
        }
    }

    async fn send_to(&mut self, views: &[OutputView]) {
        let wanted = |output: &&OutputView| output.enabled && output.admitted;
        self.outputs.retain(|_, running| {
            let mut views = views.iter().filter(wanted);
            views.any(|view| running.view == *view)
        });
        for view in views.iter().filter(wanted) {
            if !self.outputs.contains_key(&view.arn)
                && let Ok(made) = Output::new(
                    view.clone(),
                    self.shared.exchange.clone(),
                    self.shared.book.output(&view.arn),
                )
                .await
            {
                self.outputs.insert(view.arn.clone(), made);
            }
        }
    }

    async fn piece(&mut self, source: &str, data: &[u8]) {
        self.waiting.remove(source);
        if self.quiet.remove(source) {
            self.sending(source, true).await;
        }
        match self.sources.hear(source, Instant::now()) {
            Turn::Spare => return,
            Turn::Used => {}
            Turn::Switched(gap) => {
                self.shared.book.flow(&self.arn, |stats| {
                    stats.switches += 1;
                    stats.last_gap_ms = gap.as_millis() as u64;
                });
                // Half a packet of the other source may wait here: nothing continues it.
                self.aligner = Aligner::default();
            }
        }
        if self.reported.as_deref() != Some(source) {
            self.reported = Some(source.to_owned());
            self.shared
                .book
                .flow(&self.arn, |stats| source.clone_into(&mut stats.source));
            let report = MediaReport::SourceSelected {
                flow_arn: self.arn.clone(),
                source_arn: source.to_owned(),
            };
            self.shared.report(report).await;
        }
        let ticks = (self.started.elapsed().as_micros() as u64 * 9 / 100) as u32;
        for group in self.aligner.push(data) {
            for output in self.outputs.values_mut() {
                output.send(&group, ticks);
            }
        }
    }

    /// Who is connected and says nothing?
    async fn look(&mut self, sources: &[String]) {
        let now = Instant::now();
        for source in sources {
            if !self.shared.book.connected(source) {
                self.waiting.remove(source);
                self.quiet.remove(source);
                continue;
            }
            let silent = match self.sources.silent(source, now) {
                Some(silent) => silent,
                None => {
                    let since = *self.waiting.entry(source.clone()).or_insert(now);
                    now.duration_since(since) > FIRST
                }
            };
            if silent && self.quiet.insert(source.clone()) {
                self.sending(source, false).await;
            }
        }
    }

    async fn sending(&self, source: &str, sending: bool) {
        let report = MediaReport::SourceSending {
            flow_arn: self.arn.clone(),
            source_arn: source.to_owned(),
            sending,
        };
        self.shared.report(report).await;
    }
}

impl Drop for Programme {
    fn drop(&mut self) {
        self.shared.book.forget_flow(&self.arn);
    }
}
