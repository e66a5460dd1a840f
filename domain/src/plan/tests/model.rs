//! A small closed model: the cloud, the steps of the lanes as the workers do them, and the sweep.
//!
//! Passing states end by themselves, every step is checked to be one that AWS takes, and a call can
//! be cut off before or after it landed. Nothing here decides: planner and sweep do.

use super::{
    super::{Lane, Rules, decide, fail},
    support::{NOON, PREFIX, at, rules},
};
use crate::{
    incident::Cause,
    ledger::{self, Intent, Ledger, Made, OnAir},
    look::{
        AddressLook, ChannelLook, ChannelState as S, FlowLook, FlowOutputLook, InputLook, KeyLook,
        Look, Sight,
    },
    problem::{Code, Problem},
    record::{self, Item, Wish},
    session::Spent,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

pub const ID: &str = "youtube-main";

/// What the cloud does that it usually does not.
#[derive(Clone, Debug, Default)]
pub struct Laws {
    /// Every start ends in IDLE.
    pub falls_back: bool,
    /// How many of the next creates fail.
    pub creates_fail: usize,
    /// The next update fails.
    pub update_fails: bool,
    /// CreateChannel finds no room before this second.
    pub full_until: i64,
    /// A step that AWS refuses for good.
    pub refused: Option<&'static str>,
    /// A stop while STARTING is refused.
    pub stop_waits: bool,
    /// How long what was made is not visible yet.
    pub lag: i64,
    /// The call of this number is the last of its execution; it lands after so many seconds, or never.
    pub cut: Option<(usize, Option<i64>)>,
    /// At the call of this number the operator writes this record.
    pub edit: Option<(usize, Option<Item>)>,
    /// What runs suffers from this: a cause, the host it concerns (empty: any), from and until when.
    pub suffers: Vec<(Cause, &'static str, i64, i64)>,
    /// An output that goes on failing ends the channel's run.
    pub gives_up: bool,
}

#[derive(Clone, Debug)]
pub struct Channel {
    pub id: String,
    pub state: S,
    pub next: Option<(i64, S)>,
    pub body: Option<OnAir>,
    pub made_at: i64,
    pub incarnation: u64,
}

#[derive(Clone, Debug)]
pub struct Input {
    pub id: String,
    pub state: String,
    pub next: Option<(i64, &'static str)>,
    pub address: String,
    pub made_at: i64,
    pub incarnation: u64,
}

#[derive(Clone)]
pub struct World {
    pub now: i64,
    pub record: Option<Item>,
    pub key: i64,
    pub ledger: Ledger,
    pub channel: Option<Channel>,
    pub input: Option<Input>,
    pub output: Option<FlowOutputLook>,
    pub flow: String,
    pub flow_next: Option<(i64, &'static str)>,
    pub laws: Laws,
    pub starts: Vec<(u64, i64)>,
    pub status: String,
    pub problem: String,
    pub laps: usize,
    pub story: Vec<String>,
    calls: usize,
    pub(super) ids: usize,
    pub(super) knocked: bool,
    late: Vec<(i64, Call)>,
    pub(super) requests: BTreeMap<String, String>,
    pub(super) suspects: BTreeMap<String, Timestamp>,
    pub(super) unneeded_since: Option<Timestamp>,
    /// The table of sessions.
    pub(super) sessions: BTreeMap<Timestamp, Item>,
}

/// A call that changes the cloud.
#[derive(Clone, Debug)]
pub(super) enum Call {
    CreateInput(u64),
    AddOutput(String, bool),
    CreateChannel(u64, Box<OnAir>),
    StartFlow,
    Switch(bool),
    Start(u64),
    Stop,
    Update(Box<OnAir>),
    Delete,
    RemoveOutput,
    DeleteInput,
}

/// Why a lane ended early.
pub(super) enum End {
    Stale,
    Failed(&'static str, Problem),
    Cut,
}

pub(super) type Stepped = Result<(), End>;

impl World {
    pub fn new(record: Option<Item>) -> World {
        World {
            now: 0,
            record,
            key: 1,
            ledger: Ledger::new(ID),
            channel: None,
            input: None,
            output: None,
            flow: "STANDBY".to_owned(),
            flow_next: None,
            laws: Laws::default(),
            starts: Vec::new(),
            status: String::new(),
            problem: String::new(),
            laps: 0,
            story: Vec::new(),
            calls: 0,
            ids: 0,
            knocked: false,
            late: Vec::new(),
            requests: BTreeMap::new(),
            suspects: BTreeMap::new(),
            unneeded_since: None,
            sessions: BTreeMap::new(),
        }
    }

    pub(super) fn wish(&self) -> Option<(Item, Wish)> {
        self.record.clone().map(|item| {
            let wish = record::read(&item, PREFIX);
            (item, wish)
        })
    }

    /// How many calls were made so far.
    pub fn calls_made(&self) -> usize {
        self.calls
    }

    /// Time passes: what is passing arrives, what was sent late lands.
    pub fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += 1;
            let due: Vec<Call> = self
                .late
                .iter()
                .filter(|(when, _)| *when <= self.now)
                .map(|(_, call)| call.clone())
                .collect();
            self.late.retain(|(when, _)| *when > self.now);
            for call in due {
                self.land(&call);
            }
            if let Some(channel) = &mut self.channel
                && let Some((when, next)) = channel.next.clone()
                && when <= self.now
            {
                channel.next = (next == S::Deleted).then_some((self.now + 60, S::Deleted));
                if next == S::Deleted && channel.state == S::Deleted {
                    self.channel = None;
                } else {
                    if next == S::Deleted
                        && let Some(input) = &mut self.input
                    {
                        // The input is let go a while after the channel is gone.
                        input.next = Some((self.now + 10, "DETACHED"));
                    }
                    channel.state = next;
                }
            }
            if let Some(input) = &mut self.input
                && let Some((when, next)) = input.next
                && when <= self.now
            {
                input.state = next.to_owned();
                input.next = None;
            }
            if let Some((when, next)) = self.flow_next
                && when <= self.now
            {
                self.flow = next.to_owned();
                self.flow_next = None;
            }
        }
    }

    fn look(&self, wish: Option<&Wish>) -> Look {
        let visible = |made_at: i64| self.now >= made_at + self.laws.lag;
        let asked = self.ledger.channel.is_some() || self.ledger.channel_sought.is_some();
        let known = |id: &str, made: &Option<Made>| made.as_ref().is_none_or(|made| made.id == id);
        let channel = match &self.channel {
            _ if !asked => Sight::Never,
            // By id a deleted one is still described; a list leaves it out.
            Some(channel)
                if visible(channel.made_at)
                    && (channel.state != S::Deleted
                        || known(&channel.id, &self.ledger.channel)
                            && self.ledger.channel.is_some()) =>
            {
                Sight::There(ChannelLook {
                    id: channel.id.clone(),
                    state: channel.state.clone(),
                })
            }
            _ => Sight::NotFound,
        };
        let asked = self.ledger.input.is_some() || self.ledger.input_sought.is_some();
        let input = match &self.input {
            _ if !asked => Sight::Never,
            Some(input) if visible(input.made_at) && known(&input.id, &self.ledger.input) => {
                Sight::There(InputLook {
                    id: input.id.clone(),
                    state: input.state.clone(),
                    address: (input.state != "CREATING").then(|| input.address.clone()),
                })
            }
            _ => Sight::NotFound,
        };
        let valid = wish.is_some_and(|wish| wish.configuration.is_ok());
        let backup = wish.is_some_and(|wish| matches!(wish.backup, Ok(Some(_))));
        Look {
            channel,
            input,
            flow_output: self.output.clone(),
            flow: Some(self.flow_look()),
            key: if valid {
                KeyLook::Version(self.key)
            } else {
                KeyLook::NotAsked
            },
            address: if valid {
                AddressLook::Held
            } else {
                AddressLook::NotAsked
            },
            backup_key: if backup {
                KeyLook::Version(self.key)
            } else {
                KeyLook::NotAsked
            },
            backup_address: if backup {
                AddressLook::Held
            } else {
                AddressLook::NotAsked
            },
            spent: Spent::of(
                &self.sessions.values().cloned().collect::<Vec<_>>(),
                at(self.now),
            ),
        }
    }

    pub(super) fn flow_look(&self) -> FlowLook {
        FlowLook {
            status: self.flow.clone(),
            egress_ip: None,
            outputs: 1,
            ours: Some(true),
        }
    }

    /// One execution, until it releases or is cut off.
    pub fn execute(&mut self) {
        let rules: Rules = rules();
        self.ledger.holder = Some("execution".to_owned());
        for lap in 0.. {
            self.laps += 1;
            assert!(
                self.laps < 120,
                "it goes round and round: {:#?}",
                self.story.iter().rev().take(40).collect::<Vec<_>>()
            );
            let both = self.wish();
            let look = self.look(both.as_ref().map(|(_, wish)| wish));
            self.knocked = false;
            let decision = decide(
                at(self.now),
                lap % 30,
                both.as_ref().map(|(item, wish)| (item, wish)),
                &self.ledger,
                &look,
                &rules,
            );
            self.ledger = decision.ledger.clone();
            if let Some(session) = &decision.session {
                let item = session.item(at(self.now));
                self.sessions.insert(session.started_at, item);
            }
            if let Some(mirror) = &decision.mirror {
                let problem = mirror.attributes["problem"].as_ref();
                self.problem = problem.map_or(String::new(), |problem| {
                    problem["code"].as_str().unwrap().to_owned()
                });
                self.status = mirror.status.as_str().to_owned();
                for (name, value) in &mirror.attributes {
                    let item = self.record.as_mut().unwrap();
                    match value {
                        Some(value) => drop(item.insert((*name).to_owned(), value.clone())),
                        None => drop(item.remove(*name)),
                    }
                }
            }
            self.story.push(format!(
                "{} {:?} {:?} {:?}",
                self.now,
                decision.lane,
                look.channel.there().map(|c| &c.state),
                self.problem
            ));
            self.pass(1);
            let ended = match decision.lane {
                Lane::Release if self.knocked => Ok(()),
                Lane::Release => break,
                Lane::WaitUntil => {
                    let until = decision.until.as_second() - NOON;
                    assert!(until >= self.now - 1, "a wait into the past");
                    self.pass(until - self.now);
                    Ok(())
                }
                Lane::WaitForChannel => self.poll(120, &[S::Creating, S::Updating]),
                Lane::Provision => self.provision(&look, decision.level),
                Lane::Start => self.start(&look),
                Lane::Stop => self.stop(&look, decision.level),
                Lane::Change => self.change(),
                Lane::Teardown => self.teardown(&look),
                Lane::AwaitTurn => panic!("a decision is made after the turn has come"),
            };
            match ended {
                Ok(()) | Err(End::Stale) => {}
                Err(End::Failed(name, problem)) => {
                    self.story.push(format!("{} {name}", self.now));
                    self.ledger = fail(at(self.now), &self.ledger, name, problem);
                }
                Err(End::Cut) => {
                    self.story.push(format!("{} cut off", self.now));
                    break;
                }
            }
        }
        self.ledger.holder = None;
    }

    /// A call: it is noted before, refused, cut off, or it lands.
    pub(super) fn call(&mut self, operation: &'static str, makes: bool, call: Call) -> Stepped {
        self.calls += 1;
        if let Some((_, edited)) = self.laws.edit.take_if(|(number, _)| *number == self.calls) {
            self.edit(edited);
        }
        if makes && self.knocked {
            return Err(End::Stale);
        }
        let problem = Problem::new(Code::RefusedByAws, format!("AWS refused {operation}."));
        if self.laws.refused == Some(operation) {
            return Err(End::Failed("Permanent", problem));
        }
        if operation == "create-channel" && self.now < self.laws.full_until {
            return Err(End::Failed(
                "Full",
                Problem::new(Code::WaitingForQuota, "There is no room."),
            ));
        }
        if operation == "start-channel" {
            // Written ahead, with the intent.
            let generation = self.ledger.generation;
            Ledger::count_try(&mut self.ledger.starts, generation, at(self.now));
        }
        if let Some((_, landing)) = self.laws.cut.take_if(|(number, _)| *number == self.calls) {
            let until = at(self.now + ledger::INTENT_SECONDS);
            self.ledger.intent = Some(Intent {
                operation: operation.to_owned(),
                until,
            });
            match landing {
                Some(0) => drop(self.land(&call)),
                Some(delay) => self.late.push((self.now + delay, call)),
                None => {}
            }
            return Err(End::Cut);
        }
        self.story.push(format!("{} {operation}", self.now));
        assert!(
            self.land(&call),
            "AWS refuses {call:?}: {:?} {:?}, {:#?}",
            self.channel,
            self.input,
            self.story
        );
        self.ledger.intent = None;
        self.pass(1);
        Ok(())
    }

    /// The operator writes or deletes the record; whoever is at work learns of it.
    pub fn edit(&mut self, record: Option<Item>) {
        self.record = record;
        self.knocked = true;
        self.story.push(format!("{} edited", self.now));
    }
}
