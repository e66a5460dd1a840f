//! The sweep over the model, and what the model must look like in the end.

use super::{
    model::{Call, ID, World},
    support::at,
};
use crate::{
    look::ChannelState as S,
    record::{self, Item},
    sweep,
};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// One pass of the sweep. True: it woke somebody or removed something.
    pub(super) fn sweep(&mut self) -> bool {
        let seen = self.seen();
        let rules = sweep::Rules {
            stack: "show".to_owned(),
            flow_grace_seconds: 900,
            may_stop_flow: true,
        };
        let pass = sweep::decide(at(self.now), &seen, &rules);
        self.suspects = pass.suspects.clone();
        self.unneeded_since = pass.flow_unneeded_since;
        if pass.stop_flow {
            (self.flow, self.flow_next) = ("STOPPING".into(), Some((self.now + 20, "STANDBY")));
        }
        for orphan in &pass.orphans {
            self.story.push(format!(
                "{} orphan {:?} {}",
                self.now, orphan.kind, orphan.state
            ));
            let call = match (orphan.kind, orphan.state.as_str()) {
                (sweep::Kind::Channel, "RUNNING" | "STARTING" | "RECOVERING") => Call::Stop,
                (sweep::Kind::Channel, _) => Call::Delete,
                (sweep::Kind::Input, _) => Call::DeleteInput,
                (sweep::Kind::FlowOutput, _) => Call::RemoveOutput,
            };
            self.land(&call);
        }
        if let Some(wait) = &mut self.ledger.quota_wait {
            if pass.note_counts.iter().any(|id| id == ID) {
                wait.count = Some(pass.count);
            }
            wait.turn |= pass.turn.as_deref() == Some(ID);
        }
        let woken = pass.wakes.contains_key(ID);
        if woken {
            self.story
                .push(format!("{} woken: {}", self.now, pass.wakes[ID]));
            self.execute();
        }
        woken || !pass.orphans.is_empty()
    }

    fn seen(&self) -> sweep::Seen {
        let listed = |kind, id: &str, state: &str, incarnation| sweep::Listed {
            kind,
            id: id.to_owned(),
            name: crate::name::resource("show", ID),
            state: state.to_owned(),
            tags: crate::name::tags("show", ID, incarnation),
        };
        let mut things = Vec::new();
        if let Some(channel) = &self.channel {
            things.push(listed(
                sweep::Kind::Channel,
                &channel.id,
                channel.state.as_str(),
                channel.incarnation,
            ));
        }
        if let Some(input) = &self.input {
            things.push(listed(
                sweep::Kind::Input,
                &input.id,
                &input.state,
                input.incarnation,
            ));
        }
        if let Some(output) = &self.output {
            let state = if output.enabled {
                "ENABLED"
            } else {
                "DISABLED"
            };
            things.push(listed(sweep::Kind::FlowOutput, &output.arn, state, 1));
        }
        let fingerprint = |item: &Item| (ID.to_owned(), record::operator_fingerprint(item));
        sweep::Seen {
            records: self.record.iter().map(fingerprint).collect(),
            rows: BTreeMap::from([(ID.to_owned(), self.ledger.clone())]),
            things,
            flow: Some(self.flow_look()),
            ended_holders: BTreeSet::new(),
            suspects: self.suspects.clone(),
            flow_unneeded_since: self.unneeded_since,
            ..sweep::Seen::default()
        }
    }

    /// Nothing but the sweep from here on, every event is lost: until nothing happens for longer
    /// than any grace, or for so many minutes.
    pub fn settle_for(&mut self, minutes: i64) {
        let mut quiet = 0;
        for _ in 0..minutes {
            self.pass(60);
            quiet = if self.sweep() { 0 } else { quiet + 1 };
            if quiet >= 20 {
                return;
            }
        }
    }

    /// Lets everything settle and says what is not as the record wants it.
    pub fn settled(&mut self) -> Result<(), String> {
        self.settle_for(300);
        self.is_right()
            .map_err(|wrong| format!("{wrong}; {:#?}", self.story))
    }

    fn is_right(&self) -> Result<(), String> {
        for (generation, start) in &self.starts {
            let within = |other: &&(u64, i64)| {
                other.0 == *generation && other.1 >= *start && other.1 < start + 3600
            };
            if self.starts.iter().filter(within).count() > 3 {
                return Err("more than three starts".into());
            }
        }
        let wish = self.wish().map(|(_, wish)| wish);
        let desired = wish
            .as_ref()
            .map_or(Ok(record::DesiredState::Removed), |wish| {
                wish.desired.clone()
            });
        let configuration = wish
            .as_ref()
            .and_then(|wish| wish.configuration.clone().ok());
        let state = self
            .channel
            .as_ref()
            .map(|channel| &channel.state)
            .filter(|state| **state != S::Deleted);
        let warm = wish.as_ref().is_some_and(|wish| wish.keep_warm);
        let (wanted, enabled) = match desired {
            Ok(record::DesiredState::Streaming) if configuration.is_some() => {
                (Some(S::Running), true)
            }
            Ok(record::DesiredState::Ready) if warm && configuration.is_some() => {
                (Some(S::Idle), false)
            }
            _ => (None, false),
        };
        if state != wanted.as_ref() {
            return Err(format!("the channel is {state:?}, not {wanted:?}"));
        }
        let flow = if enabled { "ACTIVE" } else { "STANDBY" };
        if self.flow != flow {
            return Err(format!("the flow is {}", self.flow));
        }
        if wanted.is_none() {
            if self
                .input
                .as_ref()
                .is_some_and(|input| input.state != "DELETED")
                || self.output.is_some()
            {
                return Err(format!("left behind: {:?} {:?}", self.input, self.output));
            }
            if self.record.is_none() && self.ledger.expires_at.is_none() {
                return Err("the row has not shrunk".into());
            }
            return Ok(());
        }
        let body = self
            .channel
            .as_ref()
            .and_then(|channel| channel.body.as_ref());
        let input = self.input.as_ref().ok_or("no input")?;
        if body.map(|body| &body.configuration) != configuration.as_ref() {
            return Err("the channel has another configuration".into());
        }
        let fed = self
            .output
            .as_ref()
            .filter(|output| output.feeds(&input.address));
        if fed.map(|output| output.enabled) != Some(enabled) {
            return Err(format!("it is fed by {:?}", self.output));
        }
        let status = if enabled { "streaming" } else { "ready" };
        if self.status != status {
            return Err(format!("it is said to be {}", self.status));
        }
        Ok(())
    }
}
