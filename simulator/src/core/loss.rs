//! What MediaLive tells when its input is lost: the missing packets after a second (alert 5302), and
//! what can not be decoded without them, Video and Audio Not Detected, some time later; all of it
//! for one outage. A channel that has never had a picture waits for one instead (5007) and puts
//! nothing out (user guide: list of alerts, handling loss of video input).

use super::Core;
use super::alerts::{GROUP_PAUSED, NO_AUDIO, NO_VIDEO, PROBING, STOPPED_RECEIVING};
use super::channel::ChannelState;
use super::input::RTP_PORT;
use super::timers::Timer;

impl Core {
    pub(super) fn on_air(&self, id: &str) -> bool {
        let state = self.channels.get(id).map(|channel| channel.state);
        matches!(
            state,
            Some(ChannelState::Running | ChannelState::Recovering)
        )
    }

    /// The input has been lost, or is back.
    pub(super) fn input_signal(&mut self, id: &str, receiving: bool) {
        if !self.on_air(id) {
            return;
        }
        let text = format!("Stopped receiving network data on [{}]", self.network(id));
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.receiving = receiving;
        channel.probed |= receiving;
        let pauses = channel.pauses() && channel.probed;
        if receiving {
            self.alert_clear(id, STOPPED_RECEIVING);
            self.alert_clear(id, GROUP_PAUSED);
        } else {
            self.alert_set(id, STOPPED_RECEIVING, &text);
            if pauses {
                self.alert_set(id, GROUP_PAUSED, "The output group is paused: input loss");
            }
        }
        self.rtmp_sends(id);
        if self.options.loss_alerts == "all" {
            let wait = self.duration("picture_alerts");
            self.later(wait, Timer::PictureAlerts { id: id.to_owned() });
        }
    }

    /// What stands between the brackets of alert 5302: two published samples have the address that an
    /// RTP input listens on, and the name of a MediaConnect input.
    fn network(&self, id: &str) -> String {
        let channel = self.channels.get(id);
        let first = channel.and_then(|channel| channel.input_ids().into_iter().next());
        match first.and_then(|id| self.inputs.get(&id)) {
            Some(input) if input.kind == "MEDIACONNECT" => input.name.clone(),
            _ => format!("rtp://:{RTP_PORT}"),
        }
    }

    /// The picture is missed, or found again.
    pub(super) fn picture_alerts(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id).filter(|_| self.on_air(id)) else {
            return;
        };
        match (channel.receiving, channel.probed) {
            (true, _) => {
                for kind in [PROBING, NO_VIDEO, NO_AUDIO] {
                    self.alert_clear(id, kind);
                }
            }
            (false, false) => {
                let text = "The input has not been decoded yet: waiting for a picture";
                self.alert_set(id, PROBING, text);
            }
            (false, true) => {
                // The text of the first was published with a run against the real service.
                let video = "[VideoBuffer[1]] Video not detected: Check input signal";
                self.alert_set(id, NO_VIDEO, video);
                let audio = "[AudioBuffer[1]] Audio not detected: Check input signal";
                self.alert_set(id, NO_AUDIO, audio);
            }
        }
    }
}
