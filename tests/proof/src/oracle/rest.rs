//! Liveness, judged when a house has come to rest: everything is where its record wants it (L1), of
//! what is removed nothing is left (L2).

use simulator::core::book::Thing as Kind;

use super::mirror::on_air;
use super::restless::is_only_stuck;
use super::sight::House;
use super::watch::{Destination, Oracles};
use super::wish::{Desired, Wish};

/// Problems that are no obstacle: what streams goes on streaming.
const NOTICES: [&str; 3] = [
    "change_waits_for_next_start",
    "stream_key_in_record",
    "not_available_yet",
];

/// Problems that are told beside what is wanted, which is judged all the same.
const BESIDE: [&str; 9] = [
    "on_backup",
    "cap_warning",
    "schedule_missed",
    "rtmp_failed",
    "output_failed",
    "no_input",
    "black_or_silent",
    "source_unhealthy",
    "missing_url",
];

/// Problems that pass by themselves, and so are gone at rest unless it is stuck.
const PASSING: [&str; 6] = [
    "recovering",
    "waiting_for_outcome",
    "waiting_for_turn",
    "retries_exhausted",
    "missing_permission",
    "start_failed",
];

impl Oracles {
    /// L1: a house at rest is settled: each record's destination is where the record wants it, with
    /// exactly the configuration it asks for, and its mirror says so; or it is refused or stuck with
    /// a problem that has a cause. `strict`: without faults or operators' acts that excuse it,
    /// nothing is stuck.
    pub fn is_settled(&mut self, house: &dyn House, strict: bool) {
        let now = house.now();
        let ids: Vec<String> = self.destinations.keys().cloned().collect();
        for id in ids {
            // A record that came back under the same id may have been written by no act.
            let Some(known) = self.destinations.get(&id) else {
                continue;
            };
            let others = self.waits_for_others(&id, known, now);
            let sentence = match self.why_restless(&id, known, now) {
                Some(why) if !is_only_stuck(known) && !others => Some(why),
                _ => self.unsettled(house, &id, strict),
            };
            if let Some(sentence) = sentence {
                let removed = self
                    .destinations
                    .get(&id)
                    .is_some_and(|known| known.wish.is_none());
                let invariant = if removed {
                    "L2 nothing left"
                } else {
                    "L1 settled"
                };
                self.broken(invariant, now, Some(&id), sentence);
            }
        }
        self.tokens_are_fresh(house, true);
        self.flow_rests(house);
        self.flow_is_as_asked(house);
    }

    /// L1 for the flow's record: the source that the operator asked for has priority, and what is shown
    /// of each source is so.
    fn flow_is_as_asked(&mut self, house: &dyn House) {
        let Some(flow) = house.book().flow(&self.rules.flow) else {
            return;
        };
        let alone = self.flow_is_ours && !self.flow_by_hand && self.rules.sources > 1;
        let wanted = match self.preferred.as_ref().map(Option::as_deref) {
            Some(Some(name @ ("primary" | "backup"))) => Some(Some(name)),
            Some(Some("auto")) => Some(None),
            _ => None,
        };
        let mut sentences = Vec::new();
        if let Some(wanted) = wanted.filter(|wanted| alone && *wanted != flow.priority()) {
            let has = flow.priority();
            sentences.push(format!(
                "the operator prefers {wanted:?} and the flow has {has:?}"
            ));
        }
        // What has just moved is looked at within two passes of the sweep.
        sentences.extend(self.source_shown_wrongly(house, 3 * self.rules.sweep));
        for sentence in sentences {
            self.broken("L1 flow", house.now(), Some("flow"), sentence);
        }
    }

    fn unsettled(&self, house: &dyn House, id: &str, strict: bool) -> Option<String> {
        let known = self.destinations.get(id)?;
        let channel = self.living_of(id, Kind::Channel).next();
        let living = self
            .living
            .get(id)
            .map_or(0, std::collections::BTreeSet::len);
        let Some(wish) = &known.wish else {
            return (living > 0).then(|| format!("its record is gone and {}", self.things_of(id)));
        };
        let Some(status) = known.shown.status.as_deref() else {
            return Some("its record shows no status".into());
        };
        if let Some(sentence) = self.mirror_differs(id, known) {
            return Some(sentence);
        }
        let problem = known.shown.problem.as_deref();
        // A change of a parameter wakes nobody: what is shown of it was true when Plan last looked.
        if problem.is_some_and(|code| code.starts_with("parameter_")) {
            return None;
        }
        let (desired, _) = known.wanted_at(house.now());
        if let Some((_, code)) = known.capped
            && desired == Some(Desired::Streaming)
            && wish.configuration.is_ok()
        {
            let fine = living == 0 && status == "error" && problem == Some(code);
            return (!fine).then(|| {
                format!(
                    "{code} was reached, and it shows {status} with {}, and {}",
                    problem.unwrap_or("no problem"),
                    self.things_of(id)
                )
            });
        }
        let held_off = matches!(problem, Some("rtmp_failed" | "output_failed"));
        let tried_again = known.row.as_ref().is_some_and(|row| row.wake_at.is_some());
        if status == "error" && held_off && tried_again && self.ailed(id, 0).is_some() {
            // The platform took nothing until MediaLive gave up: the next try has its time.
            return None;
        }
        if matches!(status, "stuck" | "error") || problem == Some("waiting_for_quota") {
            // A limit counts what a person started in the console, too.
            let limit = problem.is_some_and(|code| code.starts_with("cap_"));
            if strict && !limit && self.is_healthy(house, id, wish) {
                return Some(format!(
                    "its record shows {status} with {} in a run in which nothing calls for it",
                    problem.unwrap_or("no problem")
                ));
            }
            let window = (house.now().saturating_sub(60_000), house.now());
            return problem.and_then(|code| self.dishonest(house, window, id, code));
        }
        if let Some(code) = problem.filter(|code| !NOTICES.contains(code)) {
            let window = (house.now().saturating_sub(60_000), house.now());
            if let Some(sentence) = self.dishonest(house, window, id, code) {
                return Some(sentence);
            }
            if PASSING.contains(&code) || self.course_is_over(id, house.now(), code) {
                return Some(format!(
                    "it is at rest with {status} and still shows {code}"
                ));
            }
            // What cannot be read leaves what runs as it is.
            if !BESIDE.contains(&code) || wish.configuration.is_err() {
                return None;
            }
        }
        match desired {
            Some(Desired::Streaming) => match channel {
                Some((_, thing)) if on_air(thing.state()) && status == "streaming" => {
                    // A key that came after the last edit is taken at the next start.
                    let pinned = problem == Some("change_waits_for_next_start")
                        || self.key_came_after(known, wish);
                    self.content_difference(house, id, wish, pinned)
                        .or_else(|| self.is_unfed(house, id))
                        .or_else(|| self.sends_in_vain(house, id, wish))
                }
                _ => Some(format!(
                    "its record asks for streaming, shows {status}, and {}",
                    self.things_of(id)
                )),
            },
            Some(Desired::Ready) if wish.keep_warm => match channel {
                Some((_, thing)) if thing.state() == "IDLE" && status == "ready" => {
                    let pinned = self.key_came_after(known, wish);
                    self.content_difference(house, id, wish, pinned)
                }
                _ => Some(format!(
                    "its record says keep_warm, shows {status}, and {}",
                    self.things_of(id)
                )),
            },
            Some(Desired::Ready | Desired::Removed) => {
                (living > 0 || status != "ready").then(|| {
                    format!(
                        "its record asks for nothing, shows {status}, and {}",
                        self.things_of(id)
                    )
                })
            }
            None => Some(format!(
                "its record's desired_state is none and it shows {status}"
            )),
        }
    }

    /// Nothing is known that could keep this wish from being carried out.
    fn is_healthy(&self, house: &dyn House, id: &str, wish: &Wish) -> bool {
        let key = wish.configuration.as_ref().ok();
        let key = key.and_then(|wanted| house.key(&wanted.parameter));
        let (channels, inputs, _) = house.book().quotas();
        let room = self.destinations.len() <= channels.min(inputs);
        let shared = self.shares_its_address(id, wish);
        wish.desired.is_some() && key.is_some_and(|key| key.secure) && room && !shared
    }

    /// Whether another record asks for the same address with the same key.
    pub(super) fn shares_its_address(&self, id: &str, wish: &Wish) -> bool {
        let Ok(ours) = &wish.configuration else {
            return false;
        };
        let same = |theirs: &Wish| {
            let theirs = theirs.configuration.as_ref();
            theirs.is_ok_and(|theirs| {
                (&theirs.url, &theirs.parameter) == (&ours.url, &ours.parameter)
            })
        };
        let mut others = self.destinations.iter().filter(|(other, _)| *other != id);
        others.any(|(_, known)| known.wish.as_ref().is_some_and(same))
    }

    /// The key was put after the operator's last act on the record: nobody has been told of it.
    fn key_came_after(&self, known: &Destination, wish: &Wish) -> bool {
        let wanted = wish.configuration.as_ref().ok();
        let keys = wanted.and_then(|wanted| self.keys.get(&wanted.parameter));
        keys.and_then(|keys| keys.last())
            .is_some_and(|(at, _)| *at >= known.wished_at)
    }

    fn things_of(&self, id: &str) -> String {
        let living = self.living.get(id).into_iter().flatten();
        let words: Vec<String> = living
            .filter_map(|id| self.things.get(id))
            .map(|thing| format!("{:?} {}", thing.kind, thing.state()))
            .collect();
        if words.is_empty() {
            "nothing of it exists".into()
        } else {
            format!("there are {}", words.join(", "))
        }
    }

    /// At rest the mirror's ids are the cloud's ids.
    fn mirror_differs(&self, id: &str, known: &Destination) -> Option<String> {
        let one = |kind| self.living_of(id, kind).next().map(|(id, _)| id.clone());
        let rows = [
            ("channel_id", &known.shown.channel, one(Kind::Channel)),
            ("input_id", &known.shown.input, one(Kind::Input)),
            (
                "mediaconnect_output_arn",
                &known.shown.output,
                one(Kind::Output),
            ),
        ];
        rows.into_iter()
            .find(|(_, shown, there)| *shown != there)
            .map(|(word, shown, there)| {
                format!("its record shows {word} {shown:?} and the cloud has {there:?}")
            })
    }

    /// A channel on the air whose feed is switched off or whose flow is down.
    fn is_unfed(&self, house: &dyn House, id: &str) -> Option<String> {
        let output = self.living_of(id, Kind::Output).next();
        let up = house
            .book()
            .flow(&self.rules.flow)
            .is_some_and(|flow| flow.is_up());
        let enabled = output.is_some_and(|(_, thing)| thing.state() == "ENABLED");
        (!up || !enabled)
            .then(|| format!("it streams and is not fed: flow up {up}, output enabled {enabled}"))
    }

    /// A flow of ours that nobody needs comes down a grace time later: it bills while it is up. The
    /// bound is the grace and two passes of the sweep.
    fn flow_rests(&mut self, house: &dyn House) {
        let now = house.now();
        let Some(flow) = house.book().flow(&self.rules.flow) else {
            return;
        };
        let needed = self.flow_is_needed(now);
        let since = self.flow_needed_at.max(flow.since());
        let most = self.rules.flow_grace + 3 * self.rules.sweep;
        let alone = self.flow_is_ours && !self.flow_by_hand;
        if alone && flow.status() == "ACTIVE" && !needed && now > since + most {
            let sentence = format!(
                "nobody has needed the flow for {} s and it is up",
                (now - since) / 1000
            );
            self.broken("L1 settled", now, None, sentence);
        }
    }
}
