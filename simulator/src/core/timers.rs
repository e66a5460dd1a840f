//! What happens by itself: state changes that were begun, lags that end.
//! A timer carries the epoch of the state it belongs to; a newer state makes it void.

use super::Core;
use super::channel::{Channel, ChannelState};
use super::flow::{FlowStatus, Interruption};
use super::input::InputState;

pub(super) enum Timer {
    Channel {
        id: String,
        epoch: u64,
        to: ChannelState,
    },
    /// A pipeline fault in the given run, lasting some milliseconds.
    ChannelRecovers {
        id: String,
        run: u64,
        lasting: u64,
    },
    ChannelForget {
        id: String,
    },
    Input {
        id: String,
        epoch: u64,
        to: InputState,
    },
    InputDetach {
        input: String,
        channel: String,
    },
    InputForget {
        id: String,
    },
    GroupSettles {
        id: String,
    },
    GroupRelease {
        group: String,
        input: String,
    },
    Flow {
        arn: String,
        epoch: u64,
        to: FlowStatus,
    },
    /// A source has sent nothing since then.
    SourceSilent {
        arn: String,
        source: String,
        since: u64,
    },
    /// A source that sends nothing counts as gone.
    SourceGone {
        arn: String,
        source: String,
        since: u64,
    },
    /// Nobody has called since the flow became ACTIVE.
    SourceTimeout {
        arn: String,
        source: String,
        begun: u64,
    },
    /// The caller of an updated source calls again.
    SourceBack {
        arn: String,
        source: String,
    },
    PeerShown {
        arn: String,
        source: String,
    },
    SwitchShown {
        arn: String,
    },
    FlowResumes {
        arn: String,
        what: Interruption,
    },
    /// A wait of an RTMP output ends.
    Rtmp {
        id: String,
        epoch: u64,
    },
    /// The picture is missed, or found again.
    PictureAlerts {
        id: String,
    },
    /// The input of a channel has received nothing since then.
    InputSilent {
        id: String,
        since: u64,
    },
}

impl Core {
    pub(super) fn later(&mut self, delay_ms: u64, timer: Timer) {
        let key = (self.now + delay_ms, self.next_sequence());
        self.timers.insert(key, timer);
    }

    /// Lets everything happen that is due, each thing at its own moment.
    pub(super) fn run_until(&mut self, now_ms: u64) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now_ms {
                break;
            }
            self.now = self.now.max(entry.key().0);
            let timer = entry.remove();
            self.fire(timer);
            self.settle_signal();
        }
        self.now = self.now.max(now_ms);
    }

    fn fire(&mut self, timer: Timer) {
        self.notes.bump();
        match timer {
            Timer::Channel { id, epoch, to } => {
                if self
                    .channels
                    .get(&id)
                    .is_some_and(|channel| channel.epoch == epoch)
                {
                    self.channel_enter(&id, to);
                }
            }
            Timer::ChannelRecovers { id, run, lasting } => {
                let right = |state| matches!(state, ChannelState::Running);
                if self
                    .channels
                    .get(&id)
                    .is_some_and(|channel| channel.run == run && right(channel.state))
                {
                    self.channel_recovers(&id, lasting);
                }
            }
            Timer::ChannelForget { id } => {
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.forgotten = true;
                }
            }
            Timer::Input { id, epoch, to } => {
                if self
                    .inputs
                    .get(&id)
                    .is_some_and(|input| input.epoch == epoch)
                {
                    self.input_enter(&id, to);
                }
            }
            Timer::InputDetach { input, channel } => self.input_detach(&input, &channel),
            Timer::InputForget { id } => {
                if let Some(input) = self.inputs.get_mut(&id) {
                    input.forgotten = true;
                }
            }
            Timer::GroupSettles { id } => {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.updating = false;
                }
            }
            Timer::GroupRelease { group, input } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.inputs.remove(&input);
                }
            }
            Timer::Flow { arn, epoch, to } => {
                if self.flows.get(&arn).is_some_and(|flow| flow.epoch == epoch) {
                    self.flow_enter(&arn, to);
                }
            }
            Timer::InputSilent { id, since } => self.input_stays_silent(&id, since),
            Timer::PictureAlerts { id } => self.picture_alerts(&id),
            Timer::Rtmp { id, epoch } => {
                let same = |channel: &Channel| channel.rtmp_epoch == epoch;
                if self.channels.get(&id).is_some_and(same) {
                    self.rtmp_due(&id);
                }
            }
            failover => self.fire_failover(failover),
        }
    }
}
