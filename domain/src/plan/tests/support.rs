//! One situation of one destination, built from its parts.

use super::super::{Decision, Rules, decide};
use crate::{
    failover::UrlType,
    ledger::{Ledger, Made, OnAir, Seen, Settled, Sought, Verdict},
    look::{
        AddressLook, ChannelLook, ChannelState, FlowLook, FlowOutputLook, InputLook, KeyLook, Look,
        Sight,
    },
    problem::{Code, Problem},
    record::{self, Configuration, Item, Wish},
};
use jiff::Timestamp;
use serde_json::{Value, json};

pub const PREFIX: &str = "/lunora-player/streaming";
pub const ADDRESS: &str = "198.51.100.7";
pub const NOON: i64 = 1_800_000_000;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOON + seconds).unwrap()
}

pub fn rules() -> Rules {
    Rules::new(900, PREFIX)
}

/// A valid record that wants nothing, with changes. A null removes an attribute.
pub fn item(changes: Value) -> Item {
    let mut item: Item = serde_json::from_value(json!({
        "destination_id": "youtube-main",
        "platform": "youtube",
        "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2",
        "stream_key_param": "/lunora-player/streaming/youtube-main",
        "preset_id": "1080p30",
    }))
    .unwrap();
    let changes: Item = serde_json::from_value(changes).unwrap();
    for (name, value) in changes {
        if value.is_null() {
            item.remove(&name);
        } else {
            item.insert(name, value);
        }
    }
    item
}

pub fn configuration(changes: Value) -> Configuration {
    record::read(&item(changes), PREFIX).configuration.unwrap()
}

pub fn verdict(generation: u64, again_at: Option<i64>) -> Verdict {
    Verdict {
        generation,
        problem: Problem::new(Code::RefusedByAws, "AWS refused it."),
        again_at: again_at.map(at),
        heeded: false,
        keeps: false,
    }
}

/// A situation: what the record says, what the ledger remembers and what a look shows, at second 0.
#[derive(Clone)]
pub struct Scene {
    pub record: Option<(Item, Wish)>,
    pub ledger: Ledger,
    pub look: Look,
}

impl Scene {
    /// A record that the ledger has seen in generation 5, nothing made, the flow ours and up.
    pub fn new(changes: Value) -> Scene {
        let item = item(changes);
        let wish = record::read(&item, PREFIX);
        let mut ledger = Ledger::new("youtube-main");
        ledger.generation = 5;
        let key = if wish.configuration.is_ok() {
            KeyLook::Version(1)
        } else {
            KeyLook::NotAsked
        };
        let address = if let Ok(configuration) = &wish.configuration {
            ledger.addresses = vec![configuration.address_hash()];
            AddressLook::Held
        } else {
            AddressLook::NotAsked
        };
        let (backup_key, backup_address) = match &wish.backup {
            Ok(Some(backup)) => {
                ledger.addresses.push(backup.address_hash());
                (KeyLook::Version(1), AddressLook::Held)
            }
            _ => (KeyLook::NotAsked, AddressLook::NotAsked),
        };
        let look = Look {
            channel: Sight::Never,
            input: Sight::Never,
            flow_output: None,
            flow: None,
            key,
            address,
            backup_key,
            backup_address,
            ..Look::unseen()
        };
        let record = Some((item, wish));
        Scene {
            record,
            ledger,
            look,
        }
        .flow("ACTIVE")
        .seen()
    }

    /// No record, after there was one.
    pub fn deleted() -> Scene {
        let mut scene = Scene::new(json!({"desired_state": "streaming"}));
        scene.record = None;
        scene.look.key = KeyLook::NotAsked;
        scene.look.address = AddressLook::NotAsked;
        (scene.look.backup_key, scene.look.backup_address) =
            (KeyLook::NotAsked, AddressLook::NotAsked);
        scene
    }

    /// The ledger has seen the wish as it is now.
    pub fn seen(mut self) -> Scene {
        self.ledger.seen = self.record.as_ref().map(|(item, _)| Seen {
            attributes: record::operator_fingerprint(item),
            asked: record::asked_fingerprint(item),
            key_version: match self.look.key {
                KeyLook::Version(version) => Some(version),
                _ => None,
            },
        });
        self
    }

    /// Everything is made as the record says; the channel is in this state.
    pub fn made(self, state: &str) -> Scene {
        self.input("ATTACHED")
            .fed(true)
            .channel(state)
            .on_air(json!({}))
    }

    pub fn flow(mut self, status: &str) -> Scene {
        let (status, ours) = match status {
            "FOREIGN" => ("STANDBY", Some(false)),
            "ACTIVE" | "UPDATING" => (status, None),
            _ => (status, Some(true)),
        };
        self.look.flow = Some(FlowLook {
            status: status.to_owned(),
            egress_ip: Some("203.0.113.5".to_owned()),
            outputs: 1,
            ours,
        });
        self
    }

    pub fn no_flow(mut self) -> Scene {
        self.look.flow = None;
        self.look.flow_output = None;
        self
    }

    pub fn channel(mut self, state: &str) -> Scene {
        self.look.channel = Sight::There(ChannelLook {
            id: "1".to_owned(),
            state: ChannelState::from(state.to_owned()),
        });
        self.ledger.channel = Some(made("1", ""));
        self
    }

    pub fn input(mut self, state: &str) -> Scene {
        self.look.input = Sight::There(InputLook {
            id: "11".to_owned(),
            state: state.to_owned(),
            address: Some(ADDRESS.to_owned()),
        });
        self.ledger.input = Some(made("11", ADDRESS));
        self
    }

    pub fn fed(mut self, enabled: bool) -> Scene {
        self.look.flow_output = Some(FlowOutputLook {
            arn: "arn:output".to_owned(),
            enabled,
            destination: Some(ADDRESS.to_owned()),
            port: Some(crate::INPUT_PORT),
        });
        self.ledger.flow_output_arn = Some("arn:output".to_owned());
        self
    }

    /// The channel was made from the good record with these changes, key version 1.
    pub fn on_air(mut self, changes: Value) -> Scene {
        self.ledger.on_air = Some(on_air(changes));
        self
    }

    pub fn settled(mut self, changes: Value, streaming: bool) -> Scene {
        self.ledger.settled = Some(Settled {
            configuration: configuration(changes),
            streaming,
        });
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Ledger, &mut Look)) -> Scene {
        change(&mut self.ledger, &mut self.look);
        self
    }

    pub fn decide(&self) -> Decision {
        self.decide_at(0)
    }

    pub fn decide_at(&self, seconds: i64) -> Decision {
        let record = self.record.as_ref().map(|(item, wish)| (item, wish));
        decide(at(seconds), 0, record, &self.ledger, &self.look, &rules())
    }
}

pub fn made(id: &str, address: &str) -> Made {
    Made {
        id: id.to_owned(),
        at: at(-3600),
        address: address.to_owned(),
    }
}

pub fn sought(seconds: i64) -> Sought {
    Sought {
        incarnation: 1,
        at: at(seconds),
    }
}

pub fn on_air(changes: Value) -> OnAir {
    let configuration = configuration(changes);
    OnAir {
        settings: configuration.settings_fingerprint(),
        configuration,
        key_version: 1,
        input_id: "11".to_owned(),
        retry: None,
        url_type: UrlType::Primary,
        restarts: 0,
    }
}
