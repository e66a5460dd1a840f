//! The lanes' steps as the workers do them, and what each call does to the model's cloud.

use super::{
    super::Level,
    model::{Call, Channel, Input, Stepped, World},
    support::at,
};
use crate::{
    ledger::{Made, OnAir, Sought},
    look::{ChannelLook, ChannelState as S, FlowOutputLook, Look},
};

impl World {
    pub(super) fn poll(&mut self, seconds: i64, while_in: &[S]) -> Stepped {
        for _ in 0..seconds {
            let state = self.channel.as_ref().map(|channel| &channel.state);
            if self.knocked || state.is_none_or(|state| !while_in.contains(state)) {
                break;
            }
            self.pass(1);
        }
        Ok(())
    }

    pub(super) fn body(&self) -> OnAir {
        let aim = self.ledger.target.clone().unwrap();
        OnAir {
            settings: aim.configuration.settings_fingerprint(),
            configuration: aim.configuration,
            key_version: self.key,
            input_id: self.input.as_ref().unwrap().id.clone(),
            retry: aim.retry,
            url_type: aim.url_type,
            restarts: aim.restarts,
        }
    }

    pub(super) fn provision(&mut self, look: &Look, level: Level) -> Stepped {
        let sought = Sought {
            incarnation: self.ledger.incarnation,
            at: at(self.now),
        };
        let gone = |state: &str| state == "DELETED";
        if look.input.there().is_none_or(|input| gone(&input.state)) {
            let incarnation = self
                .ledger
                .input_sought
                .get_or_insert(sought.clone())
                .incarnation;
            self.call("create-input", true, Call::CreateInput(incarnation))?;
            let id = self.input.as_ref().unwrap().id.clone();
            self.ledger.input = Some(Made {
                id,
                at: at(self.now),
                address: String::new(),
            });
        }
        self.pass(3);
        let address = self.input.as_ref().unwrap().address.clone();
        if !self
            .output
            .as_ref()
            .is_some_and(|output| output.feeds(&address))
        {
            self.call(
                "add-flow-output",
                true,
                Call::AddOutput(address, level == Level::Running),
            )?;
        }
        if look
            .channel
            .there()
            .is_none_or(|channel| channel.state == S::Deleted)
        {
            // Attached still to the channel before: tried again until it is let go.
            for _ in 0..60 {
                if self
                    .input
                    .as_ref()
                    .is_some_and(|input| input.state == "ATTACHED")
                {
                    self.pass(1);
                }
            }
            let sought = Sought {
                at: at(self.now),
                ..sought
            };
            let first = self.ledger.channel_sought.is_none();
            let incarnation = self.ledger.channel_sought.get_or_insert(sought).incarnation;
            let body = self.body();
            self.call(
                "create-channel",
                true,
                Call::CreateChannel(incarnation, Box::new(body.clone())),
            )?;
            let id = self.channel.as_ref().unwrap().id.clone();
            self.ledger.channel = Some(Made {
                id,
                at: at(self.now),
                address: String::new(),
            });
            self.ledger.on_air = first.then_some(body);
        }
        self.poll(120, &[S::Creating, S::Updating])
    }

    pub(super) fn start(&mut self, look: &Look) -> Stepped {
        self.unneeded_since = None;
        while self.flow != "ACTIVE" {
            if self.flow == "STANDBY" {
                self.call("start-flow", true, Call::StartFlow)?;
            }
            self.pass(1);
        }
        if self.output.as_ref().is_some_and(|output| !output.enabled) {
            self.call("enable-flow-output", true, Call::Switch(true))?;
        }
        if look
            .channel
            .there()
            .is_some_and(|channel| channel.state == S::Idle)
        {
            self.call("start-channel", true, Call::Start(self.ledger.generation))?;
        }
        self.poll(900, &[S::Starting])
    }

    pub(super) fn stop(&mut self, look: &Look, level: Level) -> Stepped {
        let up = |channel: &ChannelLook| {
            matches!(channel.state, S::Starting | S::Running | S::Recovering)
        };
        let still = matches!(
            self.channel.as_ref().map(|channel| &channel.state),
            Some(S::Starting | S::Running | S::Recovering)
        );
        if look.channel.there().is_some_and(up) && still {
            self.call("stop-channel", false, Call::Stop)?;
        }
        self.poll(420, &[S::Stopping, S::Starting])?;
        if level != Level::Gone && self.output.as_ref().is_some_and(|output| output.enabled) {
            self.call("disable-flow-output", false, Call::Switch(false))?;
        }
        Ok(())
    }

    pub(super) fn change(&mut self) -> Stepped {
        self.ledger.on_air = None;
        let body = self.body();
        self.call("update-channel", true, Call::Update(Box::new(body.clone())))?;
        self.ledger.on_air = Some(body);
        self.poll(120, &[S::Creating, S::Updating])
    }

    pub(super) fn teardown(&mut self, look: &Look) -> Stepped {
        let there = look
            .channel
            .there()
            .filter(|channel| !matches!(channel.state, S::Deleting | S::Deleted));
        if there.is_some() {
            self.call("delete-channel", false, Call::Delete)?;
            self.ledger.channel_deleted = true;
        }
        self.poll(600, &[S::Deleting])?;
        if self.output.is_some() {
            self.call("remove-flow-output", false, Call::RemoveOutput)?;
            self.ledger.flow_output_arn = None;
        }
        if look
            .input
            .there()
            .is_some_and(|input| input.state != "DELETED")
        {
            for _ in 0..300 {
                let state = self
                    .input
                    .as_ref()
                    .map_or("DELETED", |input| input.state.as_str());
                match state {
                    "DELETED" => break,
                    "DETACHED" => self.call("delete-input", false, Call::DeleteInput)?,
                    _ => self.pass(1),
                }
            }
            self.ledger.forget_input();
        }
        Ok(())
    }

    /// What the call does. False: AWS refuses it in the state there is.
    pub(super) fn land(&mut self, call: &Call) -> bool {
        let now = self.now;
        let state = self
            .channel
            .as_ref()
            .map(|channel| channel.state.clone())
            .filter(|state| *state != S::Deleted);
        let go = |world: &mut World, state: S, seconds: i64, next: S| {
            let channel = world.channel.as_mut().unwrap();
            (channel.state, channel.next) = (state, Some((now + seconds, next)));
            true
        };
        match call {
            Call::CreateInput(incarnation) => {
                let request = format!("{incarnation}-input");
                if let Some(made) = self.requests.get(&request) {
                    assert!(
                        self.input.as_ref().is_some_and(|input| input.id == *made),
                        "request id {request} of an earlier life"
                    );
                    return true;
                }
                assert!(
                    self.input
                        .as_ref()
                        .is_none_or(|input| input.state == "DELETED"),
                    "a second input"
                );
                self.ids += 1;
                let id = format!("i{}", self.ids);
                self.requests.insert(request, id.clone());
                let address = format!("198.51.100.{}", self.ids);
                self.input = Some(Input {
                    id,
                    state: "CREATING".into(),
                    next: Some((now + 2, "DETACHED")),
                    address,
                    made_at: now,
                    incarnation: *incarnation,
                });
                true
            }
            Call::AddOutput(address, enabled) => {
                let enabled = self
                    .output
                    .as_ref()
                    .map_or(*enabled, |output| output.enabled);
                self.output = Some(FlowOutputLook {
                    arn: "arn:output".into(),
                    enabled,
                    destination: Some(address.clone()),
                    port: Some(crate::INPUT_PORT),
                });
                true
            }
            Call::CreateChannel(incarnation, body) => {
                let request = format!("{incarnation}-channel");
                if let Some(made) = self.requests.get(&request) {
                    assert!(
                        self.channel
                            .as_ref()
                            .is_some_and(|channel| channel.id == *made),
                        "request id {request} of an earlier life"
                    );
                    return true;
                }
                assert!(state.is_none(), "a second channel: {:#?}", self.story);
                if self
                    .input
                    .as_ref()
                    .is_none_or(|input| input.state != "DETACHED")
                {
                    return false;
                }
                self.ids += 1;
                let id = format!("c{}", self.ids);
                self.requests.insert(request, id.clone());
                let failed = self.laws.creates_fail > 0;
                self.laws.creates_fail = self.laws.creates_fail.saturating_sub(1);
                let next = if failed { S::CreateFailed } else { S::Idle };
                self.channel = Some(Channel {
                    id,
                    state: S::Creating,
                    next: Some((now + 5, next)),
                    body: Some((**body).clone()),
                    made_at: now,
                    incarnation: *incarnation,
                });
                if let Some(input) = &mut self.input {
                    (input.state, input.next) = ("ATTACHED".into(), None);
                }
                true
            }
            Call::StartFlow => {
                (self.flow, self.flow_next) = ("STARTING".into(), Some((now + 30, "ACTIVE")));
                true
            }
            Call::Switch(enabled) => self.output.as_mut().is_some_and(|output| {
                output.enabled = *enabled;
                true
            }),
            Call::Start(generation) if state == Some(S::Idle) => {
                self.starts.push((*generation, now));
                let next = if self.laws.falls_back {
                    S::Idle
                } else {
                    S::Running
                };
                go(self, S::Starting, 60, next)
            }
            Call::Stop if matches!(state, Some(S::Running | S::Recovering)) => {
                go(self, S::Stopping, 30, S::Idle)
            }
            Call::Stop if state == Some(S::Starting) => {
                self.laws.stop_waits || go(self, S::Stopping, 30, S::Idle)
            }
            Call::Update(body) if state == Some(S::Idle) => {
                let next = if self.laws.update_fails {
                    S::UpdateFailed
                } else {
                    S::Idle
                };
                self.laws.update_fails = false;
                self.channel.as_mut().unwrap().body = Some((**body).clone());
                go(self, S::Updating, 3, next)
            }
            Call::Delete if matches!(state, Some(S::Idle | S::CreateFailed | S::UpdateFailed)) => {
                go(self, S::Deleting, 5, S::Deleted)
            }
            Call::RemoveOutput => self.output.take().is_some(),
            Call::DeleteInput => match &mut self.input {
                Some(input) if input.state == "DETACHED" => {
                    input.state = "DELETED".into();
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }
}
