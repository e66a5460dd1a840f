//! A destination whose books are kept look by look.

use super::super::*;
use crate::{
    cost::{self, Encode, Kind, Period, bill},
    failover::UrlType,
    heard::Heard,
    ledger::{Attempt, Ledger, Made, OnAir, Sought, Until, Wait},
    look::{ChannelLook, ChannelState, Look, Sight},
};

/// Noon of a day, so that no month ends in between.
pub const NOON: i64 = 1_795_262_400;
pub const ID: &str = "youtube-main";
pub const CHANNEL: &str = "1234567";

fn configuration() -> crate::record::Configuration {
    let item = Item::from_iter(
        [
            ("platform", "youtube"),
            ("rtmp_url", "rtmps://a.rtmps.youtube.com:443/live2"),
            ("stream_key_param", "/lunora-player/streaming/youtube-main"),
            ("preset_id", "1080p30"),
        ]
        .map(|(name, value)| (name.to_owned(), json!(value))),
    );
    let wish = crate::record::read(&item, "/lunora-player/streaming");
    wish.configuration.unwrap()
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOON + seconds).unwrap()
}

/// A destination whose books are kept look by look.
pub struct Desk {
    pub row: Ledger,
    pub written: Vec<Session>,
}

impl Desk {
    /// Input asked for at second 0, channel at second 20; both known at second 40.
    pub fn provisioned() -> Desk {
        let mut row = Ledger::new(ID);
        let sought = |seconds| {
            Some(Sought {
                incarnation: 1,
                at: at(seconds),
            })
        };
        let made = |id: &str, seconds| {
            Some(Made {
                id: id.to_owned(),
                at: at(seconds),
                address: String::new(),
            })
        };
        (row.input_sought, row.channel_sought) = (sought(0), sought(20));
        (row.input, row.channel) = (made("7654321", 2), made(CHANNEL, 22));
        row.on_air = Some(OnAir {
            configuration: configuration(),
            settings: String::new(),
            key_version: 1,
            input_id: "7654321".to_owned(),
            retry: None,
            url_type: UrlType::Primary,
            restarts: 0,
        });
        let mut desk = Desk {
            row,
            written: Vec::new(),
        };
        desk.sees(40, "IDLE", None);
        desk
    }

    pub fn starts(&mut self, seconds: i64) -> &mut Desk {
        let generation = self.row.generation;
        self.row.starts.push(Attempt::new(generation, at(seconds)));
        self
    }

    /// A wait whose call was taken at this second, by AWS's own clock.
    pub fn waits_after_answer(&mut self, until: Until, seconds: i64) -> &mut Desk {
        self.row.wait = Some(Wait {
            token: "token".to_owned(),
            until,
            since: at(seconds + 1),
            taken_at: Some(at(seconds)),
        });
        self
    }

    pub fn hears(&mut self, seconds: i64, state: &str) -> &mut Desk {
        let state = ChannelState::from(state.to_owned());
        self.row.heard = Some(Heard::new(CHANNEL, state, at(seconds).as_second()));
        self
    }

    pub fn waits_for_running(&mut self, seconds: i64) -> &mut Desk {
        self.row.wait = Some(Wait {
            token: "token".to_owned(),
            until: Until::Running,
            since: at(seconds),
            taken_at: None,
        });
        self
    }

    /// A Plan at this second that sees the channel so.
    pub fn sees(&mut self, seconds: i64, state: &str, stops: Option<Cause>) -> &mut Desk {
        let state = ChannelState::from(state.to_owned());
        if state.is_on_air() {
            self.row.streaming_started_at.get_or_insert(at(seconds));
        } else if state != ChannelState::Stopping {
            self.row.streaming_started_at = None;
        }
        let mut look = Look::unseen();
        look.channel = Sight::There(ChannelLook {
            id: CHANNEL.to_owned(),
            state,
        });
        self.plans(seconds, &look, stops, |_| {})
    }

    pub fn plans(
        &mut self,
        seconds: i64,
        look: &Look,
        stops: Option<Cause>,
        note: impl Fn(&mut Ledger),
    ) -> &mut Desk {
        note_answer(&mut self.row);
        let before = self.row.clone();
        let facts = Facts {
            now: at(seconds),
            look,
            stops,
            url_type: "primary",
            feed_bitrate: 10_000_000,
        };
        let plan = || {
            let mut after = before.clone();
            note(&mut after);
            let session = account(&before, &mut after, &facts);
            (after, session)
        };
        let (after, session) = plan();
        assert_eq!((&after, &session), (&plan().0, &plan().1));
        self.row = after;
        self.row.wait = None;
        if let Some(session) = session {
            let known = |one: &&mut Session| one.started_at == session.started_at;
            match self.written.iter_mut().find(known) {
                Some(one) => *one = session,
                None => self.written.push(session),
            }
        }
        self
    }

    /// Channel gone as heard, input gone at this second.
    pub fn tears_down(&mut self, channel: i64, all: i64) -> &mut Desk {
        self.hears(channel, "DELETED");
        let mut look = Look::unseen();
        look.channel = Sight::There(ChannelLook {
            id: CHANNEL.to_owned(),
            state: ChannelState::Deleted,
        });
        self.plans(channel + 3, &look, None, Ledger::forget_channel);
        self.plans(all, &Look::unseen(), None, Ledger::forget_input)
    }

    pub fn cost(&self) -> cost::Money {
        let each = self.written.iter();
        each.map(|one| one.running_usd + one.idle.usd).sum()
    }
}

/// What the periods cost: `r` a run, `c` an idle channel, `i` an idle input.
pub fn billed(periods: &[(char, i64, i64)]) -> cost::Money {
    let periods: Vec<Period> = periods
        .iter()
        .map(|(kind, from, to)| Period {
            resource: String::new(),
            destination: None,
            kind: match kind {
                'r' => Kind::Running {
                    encode: Encode::Preset {
                        preset: "1080p30".to_owned(),
                    },
                    feed_bitrate: 10_000_000,
                },
                'c' => Kind::IdleChannel,
                _ => Kind::IdleInput,
            },
            from: at(*from),
            to: at(*to),
        })
        .collect();
    bill(&periods).unwrap().total_usd
}
