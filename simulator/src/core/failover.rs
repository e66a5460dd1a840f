//! Which source feeds a flow (MediaConnect user guide: source failover). With a primary source that
//! one is used as soon as its data is there, and the other after 500 ms without. Without a primary
//! MediaConnect begins with any of them and changes only when the one in use is silent for 500 ms.
//! The API never says which one is used: health events hint at it, and DescribeFlow's peer addresses
//! follow up to 20 seconds behind (user guide: determining a source's peer IP address).

use super::Core;
use super::flow::{Flow, Interruption};
use super::health::{FlowHealth, SWITCH_SHOWN_MS, Tr101};
use super::timers::Timer;

/// Without data for so long a source is left for the other one (user guide: source failover).
const SILENCE_MS: u64 = 500;

/// The one error of a source that was seen with the real service, in its words.
const STREAM_ERROR: &str = "SourceStreamError";

fn stream_error(name: &str) -> String {
    format!("Source {name} Stream Error: Timeout. Please investigate the flow source.")
}

impl Flow {
    /// Who should feed it, by the rules; `chance` picks where MediaConnect picks at random.
    fn choice(&self, now: u64, chance: impl FnOnce(usize) -> usize) -> Option<String> {
        let sends = |arn: &&str| self.source(arn).is_some_and(|source| source.sending);
        if let Some(primary) = self.primary().filter(sends) {
            return Some(primary.to_owned());
        }
        if let Some(used) = self.on_air() {
            let silent = now.saturating_sub(used.sending_since);
            if used.sending || silent < SILENCE_MS {
                return self.selected.clone();
            }
        }
        let sending: Vec<&str> = self
            .sources
            .iter()
            .filter(|source| source.sending)
            .map(|source| source.arn.as_str())
            .collect();
        match sending.len() {
            0 => self.on_air().map(|source| source.arn.clone()),
            several => Some(sending[chance(several)].to_owned()),
        }
    }
}

impl Core {
    /// The flow has become ACTIVE.
    pub(super) fn sources_begin(&mut self, arn: &str) {
        let now = self.now;
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        flow.health = FlowHealth::default();
        (flow.selected, flow.begun) = (None, now);
        let sources: Vec<String> = flow.sources.iter().map(|row| row.arn.clone()).collect();
        for source in sources {
            let wait = self.duration("source_timeout");
            let timer = Timer::SourceTimeout {
                arn: arn.to_owned(),
                source,
                begun: now,
            };
            self.later(wait, timer);
        }
    }

    /// The flow carries no more: nobody is connected, and what was wrong is over.
    pub(super) fn sources_end(&mut self, arn: &str) {
        self.callers_end(arn, "IDLE");
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        flow.selected = None;
        flow.interrupted = None;
        let outputs: Vec<String> = flow.outputs.iter().map(|row| row.arn.clone()).collect();
        let over: Vec<(String, String)> = flow
            .alarms
            .iter()
            .map(|alarm| (alarm.about.clone(), alarm.code.clone()))
            .collect();
        for (about, code) in over {
            self.flow_alarm_over(arn, &about, &code);
        }
        for output in outputs {
            self.meter_transfer_ends(&output);
        }
        self.flow_health(arn);
    }

    fn callers_end(&mut self, arn: &str, state: &str) {
        let now = self.now;
        let Some(flow) = self.flows.get_mut(arn) else {
            return;
        };
        let mut ended = Vec::new();
        for source in &mut flow.sources {
            if std::mem::take(&mut source.sending) {
                source.sending_since = now;
            }
            source.away = false;
            let errors = std::mem::take(&mut source.tr101);
            if std::mem::take(&mut source.connected) {
                ended.push((source.arn.clone(), errors));
            }
        }
        for (source, errors) in ended {
            let current = (state, Tr101::default());
            self.emit_source_health(arn, &source, ("CONNECTED", errors), current);
            self.peer_changes(arn, &source);
        }
    }

    /// A media plane reports silence when it has lasted.
    fn waited(&self) -> u64 {
        if self.options.media == "reported" {
            SILENCE_MS
        } else {
            0
        }
    }

    /// Data begins to arrive at a source, or ends. That data ends is noticed as silence first and as
    /// a lost connection later.
    pub(super) fn source_sends(&mut self, arn: &str, source_arn: &str, sending: bool) {
        let now = self.now;
        let waited = self.waited();
        let carries = |flow: &&mut Flow| flow.carries();
        let Some(flow) = self.flows.get_mut(arn).filter(carries) else {
            return;
        };
        let Some(source) = flow.source_mut(source_arn) else {
            return;
        };
        if source.sending == sending {
            return;
        }
        source.sending = sending;
        source.sending_since = if sending { now } else { now - waited };
        if sending {
            self.source_connects(arn, source_arn);
            return self.choose_source(arn);
        }
        if waited > 0 {
            return self.choose_source(arn);
        }
        self.silence_begins(arn, source_arn);
        let wait = self.duration("source_notice");
        self.later(
            wait,
            Timer::SourceGone {
                arn: arn.to_owned(),
                source: source_arn.to_owned(),
                since: now,
            },
        );
    }

    fn silence_begins(&mut self, arn: &str, source_arn: &str) {
        let timer = Timer::SourceSilent {
            arn: arn.to_owned(),
            source: source_arn.to_owned(),
            since: self.now,
        };
        self.later(SILENCE_MS, timer);
    }

    /// A caller is there.
    pub(super) fn source_connects(&mut self, arn: &str, source_arn: &str) {
        let Some(source) = self
            .flows
            .get_mut(arn)
            .and_then(|flow| flow.source_mut(source_arn))
        else {
            return;
        };
        if std::mem::replace(&mut source.connected, true) {
            return;
        }
        let errors = source.tr101;
        self.emit_source_health(
            arn,
            source_arn,
            ("DISCONNECTED", Tr101::default()),
            ("CONNECTED", errors),
        );
        self.flow_alarm_over(arn, source_arn, STREAM_ERROR);
        self.peer_changes(arn, source_arn);
        self.choose_source(arn);
    }

    /// Its caller is gone.
    pub(super) fn source_disconnects(&mut self, arn: &str, source_arn: &str) {
        let now = self.now;
        let waited = self.waited();
        let Some(source) = self
            .flows
            .get_mut(arn)
            .and_then(|flow| flow.source_mut(source_arn))
        else {
            return;
        };
        let sent = std::mem::take(&mut source.sending);
        if sent {
            source.sending_since = now.saturating_sub(waited);
        }
        let errors = std::mem::take(&mut source.tr101);
        if std::mem::take(&mut source.connected) {
            let text = stream_error(source.name());
            self.emit_source_health(
                arn,
                source_arn,
                ("CONNECTED", errors),
                ("DISCONNECTED", Tr101::default()),
            );
            self.flow_alarm(arn, source_arn, STREAM_ERROR, &text);
            self.peer_changes(arn, source_arn);
        }
        if sent && waited == 0 {
            self.silence_begins(arn, source_arn);
        }
        self.choose_source(arn);
    }

    /// Continuity and other errors begin or end at a source.
    pub(super) fn source_errors(&mut self, arn: &str, source_arn: &str, errors: Tr101) {
        let Some(source) = self
            .flows
            .get_mut(arn)
            .and_then(|flow| flow.source_mut(source_arn))
        else {
            return;
        };
        let before = std::mem::replace(&mut source.tr101, errors);
        if before != errors && source.connected {
            self.emit_source_health(
                arn,
                source_arn,
                ("CONNECTED", before),
                ("CONNECTED", errors),
            );
            self.flow_health(arn);
        }
    }

    /// Puts the source on air that the rules want there.
    pub(super) fn choose_source(&mut self, arn: &str) {
        let now = self.now;
        let Some(flow) = self.flows.get(arn).filter(|flow| flow.carries()) else {
            return;
        };
        let chance = &mut self.chance;
        // A media plane has waited already, and says itself whom it uses.
        let reported = self.options.media == "reported";
        let obeyed = reported && flow.on_air().is_some_and(|source| source.sending);
        let choice = if obeyed {
            flow.selected.clone()
        } else {
            flow.choice(now, |several| chance.below(several as u64) as usize)
        };
        self.select_source(arn, choice);
    }

    /// Uses a source from now on.
    pub(super) fn select_source(&mut self, arn: &str, choice: Option<String>) {
        let now = self.now;
        let Some(flow) = self.flows.get_mut(arn).filter(|flow| flow.carries()) else {
            return;
        };
        let before = std::mem::replace(&mut flow.selected, choice);
        if before.is_some() && flow.selected.is_some() && before != flow.selected {
            flow.switched_at = Some(now);
            flow.switches += 1;
            let arn = arn.to_owned();
            self.later(SWITCH_SHOWN_MS, Timer::SwitchShown { arn });
        }
        self.flow_health(arn);
    }

    /// An update of a source on a running flow drops its caller, which has to call again.
    pub(super) fn source_restarts(&mut self, arn: &str, source_arn: &str) {
        let carries = |flow: &&mut Flow| flow.carries();
        let Some(flow) = self.flows.get_mut(arn).filter(carries) else {
            return;
        };
        let Some(source) = flow.source_mut(source_arn) else {
            return;
        };
        source.away = true;
        self.source_disconnects(arn, source_arn);
        let wait = self.duration("source_reconnect");
        let timer = Timer::SourceBack {
            arn: arn.to_owned(),
            source: source_arn.to_owned(),
        };
        self.later(wait, timer);
    }

    /// The flow stops sending for a while, or is restarted under way.
    pub(super) fn flow_interrupted(&mut self, arn: &str, what: Interruption, lasting: u64) {
        let carries = |flow: &&mut Flow| flow.carries();
        let Some(flow) = self.flows.get_mut(arn).filter(carries) else {
            return;
        };
        flow.interrupted = Some(what);
        if what == Interruption::Whole {
            self.callers_end(arn, "DISCONNECTED");
        }
        self.flow_health(arn);
        let timer = Timer::FlowResumes {
            arn: arn.to_owned(),
            what,
        };
        self.later(lasting, timer);
    }

    /// DescribeFlow shows another peer address, or none, some time later.
    fn peer_changes(&mut self, arn: &str, source: &str) {
        let lag = self.duration("peer_lag");
        let (arn, source) = (arn.to_owned(), source.to_owned());
        self.later(lag, Timer::PeerShown { arn, source });
    }

    pub(super) fn fire_failover(&mut self, timer: Timer) {
        self.notes.bump();
        match timer {
            Timer::SourceSilent { arn, source, since }
                if self.silent_since(&arn, &source, since) =>
            {
                self.choose_source(&arn);
            }
            Timer::SourceGone { arn, source, since } if self.silent_since(&arn, &source, since) => {
                self.source_disconnects(&arn, &source);
            }
            Timer::SourceTimeout { arn, source, begun } => {
                self.source_never_came(&arn, &source, begun);
            }
            Timer::SourceBack { arn, source } => {
                if let Some(source) = self
                    .flows
                    .get_mut(&arn)
                    .and_then(|flow| flow.source_mut(&source))
                {
                    source.away = false;
                }
            }
            Timer::PeerShown { arn, source } => {
                if let Some(source) = self
                    .flows
                    .get_mut(&arn)
                    .and_then(|flow| flow.source_mut(&source))
                {
                    source.peer = source.connected.then(|| source.caller());
                }
            }
            Timer::SwitchShown { arn } => self.flow_health(&arn),
            Timer::FlowResumes { arn, what } => {
                let Some(flow) = self.flows.get_mut(&arn) else {
                    return;
                };
                if flow.interrupted != Some(what) {
                    return;
                }
                flow.interrupted = None;
                if what == Interruption::Whole {
                    self.emit_maintenance(&arn, "FINISHED");
                }
                self.flow_health(&arn);
            }
            _ => {}
        }
    }

    fn silent_since(&self, arn: &str, source: &str, since: u64) -> bool {
        let source = self.flows.get(arn).and_then(|flow| flow.source(source));
        source.is_some_and(|source| !source.sending && source.sending_since == since)
    }

    fn source_never_came(&mut self, arn: &str, source_arn: &str, begun: u64) {
        let same = |flow: &&Flow| flow.carries() && flow.begun == begun;
        let Some(flow) = self.flows.get(arn).filter(same) else {
            return;
        };
        let missing = flow.source(source_arn).filter(|source| !source.connected);
        if let Some(text) = missing.map(|source| stream_error(source.name())) {
            self.flow_alarm(arn, source_arn, STREAM_ERROR, &text);
            self.flow_health(arn);
        }
    }
}
