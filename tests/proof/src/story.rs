//! A trace as a short story: one line per thing that matters, grouped by destination, times from the
//! beginning of the run. It names states, calls and faults, and never a key: of calls it knows only
//! operation and answer.

use std::collections::BTreeMap;

use simulator::core::book::Thing;

use crate::oracle::Violation;
use crate::setup::Act;
use crate::trace::{Event, What};
use crate::world::{BEGIN, Call};
use crate::{Place, World};

/// A destination's longest story: what stands before it is left out, for a story that breaks a
/// promise ends there.
const LINES_MAX: usize = 150;
/// What is nobody's in particular.
const HOUSE: &str = "the house";

/// Tells a run. The violations are told at the end.
#[must_use]
pub fn tell(world: &World, violations: &[Violation]) -> String {
    let mut teller = Teller {
        world,
        lines: BTreeMap::new(),
    };
    for event in world.trace().events() {
        teller.event(*event);
    }
    let mut text = String::new();
    for (whose, lines) in &teller.lines {
        text.push_str(&format!("\n{whose}\n"));
        let skipped = lines.len().saturating_sub(LINES_MAX);
        if skipped > 0 {
            text.push_str(&format!("  ... {skipped} lines before\n"));
        }
        for (at, line) in &lines[skipped..] {
            text.push_str(&format!("  {}  {line}\n", clock(*at)));
        }
    }
    for violation in violations {
        text.push_str(&format!("\n{}  BROKEN {violation}\n", clock(violation.at)));
    }
    text
}

/// Minutes and seconds since the run began.
fn clock(at: u64) -> String {
    let ms = at.saturating_sub(BEGIN);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{:03}", ms % 1000)
    } else {
        format!("{minutes:02}:{seconds:02}.{:03}", ms % 1000)
    }
}

struct Teller<'a> {
    world: &'a World,
    lines: BTreeMap<String, Vec<(u64, String)>>,
}

impl Teller<'_> {
    fn line(&mut self, at: u64, whose: Option<&str>, line: String) {
        let whose = whose.filter(|whose| !whose.is_empty()).unwrap_or(HOUSE);
        let lines = self.lines.entry(whose.to_owned()).or_default();
        lines.push((at, line));
    }

    fn event(&mut self, event: Event) {
        let (world, at) = (self.world, event.at);
        match event.what {
            What::Acted(number) => {
                let act = &world.setup().script[number as usize].act;
                let (whose, line) = act_line(act);
                self.line(at, whose, format!("operator: {line}"));
            }
            What::Began(number) => {
                let name = world.executions()[number as usize].name().to_owned();
                let whose = world.run(number).destination.clone();
                self.line(
                    at,
                    Some(&whose),
                    format!("execution {number} begins ({name})"),
                );
            }
            What::Entered(number, state) => {
                let whose = world.run(number).destination.clone();
                self.line(at, Some(&whose), format!("  [{number}] {state}"));
            }
            What::Ended(number, status) => {
                let whose = world.run(number).destination.clone();
                self.line(at, Some(&whose), format!("execution {number} {status}"));
            }
            What::Died(number, error) => {
                let invocation = &world.invocations()[number as usize];
                let line = format!("    {} died: {error}", invocation.worker);
                self.line(at, invocation.destination.as_deref(), line);
            }
            What::Returned(number) => self.returned(at, number),
            What::Effect(number, status) => self.effect(at, number, status),
            What::Answered(number, 0) => {
                let call = &world.calls()[number as usize];
                let line = format!(
                    "    {} got no answer to {}",
                    call.site.worker, call.site.operation
                );
                self.line(at, self.whose(call).as_deref(), line);
            }
            What::Passed(number) => {
                let passage = &world.passages()[number as usize];
                let whose = self.owner(passage.thing, &passage.id);
                let word = match passage.thing {
                    Thing::Channel => "channel",
                    Thing::Input => "input",
                    Thing::Flow => "flow",
                    Thing::Output => "flow output",
                };
                let id = passage.id.rsplit(':').next().unwrap_or_default();
                let line = format!("                        {word} {id} is {}", passage.state);
                self.line(at, whose.as_deref(), line);
            }
            What::GaveUp(number) => {
                self.line(at, None, format!("the stream gave record {number} up"));
            }
            What::Fired(number) => {
                let decision = world.taken()[number as usize];
                let whose = self.struck(decision.place, at);
                self.line(at, whose.as_deref(), format!("  ✗ {decision}"));
            }
            What::Invoked(_)
            | What::Sent(_)
            | What::Answered(..)
            | What::Record(_)
            | What::Delivered(_)
            | What::Ticked(_) => {}
        }
    }

    /// A worker's error, or what the scheduled pass found to do.
    fn returned(&mut self, at: u64, number: u32) {
        let invocation = &self.world.invocations()[number as usize];
        let line = match &invocation.outcome {
            Some(Err(failure)) => {
                let words = serde_json::from_str::<serde_json::Value>(&failure.cause).ok();
                let words =
                    words.and_then(|cause| Some(cause["errorMessage"].as_str()?.to_owned()));
                format!(
                    "    {}: {} ({})",
                    invocation.worker,
                    failure.error,
                    words.unwrap_or_default()
                )
            }
            Some(Ok(answer)) => match (
                invocation.worker,
                answer["lane"].as_str(),
                answer["did"].as_str(),
            ) {
                ("plan", Some(lane), _) => {
                    let level = answer["level"].as_str().unwrap_or_default();
                    format!("    plan: {lane} towards {level}, lap {}", answer["lap"])
                }
                ("sweep", ..)
                    if answer["woken"]
                        .as_object()
                        .is_some_and(|woken| !woken.is_empty()) =>
                {
                    format!("sweep: {answer}")
                }
                ("resume" | "dispatch" | "sweep", ..) => return,
                (worker, _, Some(did)) => format!("    {worker}: {did}"),
                _ => return,
            },
            None => return,
        };
        self.line(at, invocation.destination.as_deref(), line);
    }

    /// Writes to the media services, and whatever was refused.
    fn effect(&mut self, at: u64, number: u32, status: u16) {
        let call = &self.world.calls()[number as usize];
        let operation = call.site.operation;
        let (service, verb) = operation.split_once(':').unwrap_or_default();
        let reads = ["Describe", "List", "Get"]
            .iter()
            .any(|read| verb.starts_with(read));
        let media = matches!(service, "medialive" | "mediaconnect");
        if status < 300 && (reads || !media) {
            return;
        }
        let id = call.resource.rsplit(':').next().unwrap_or_default();
        let error = call.error.as_deref().unwrap_or_default();
        let line = format!("    {} {verb} {id}: {status} {error}", call.site.worker);
        self.line(at, self.whose(call).as_deref(), line.trim_end().to_owned());
    }

    fn whose(&self, call: &Call) -> Option<String> {
        let invocation = self.world.invocations().get(call.invocation as usize)?;
        invocation.destination.clone()
    }

    fn owner(&self, thing: Thing, id: &str) -> Option<String> {
        let book = self.world.core().book();
        let name = match thing {
            Thing::Channel => book.channel(id)?.name(),
            Thing::Input => book.input(id)?.name(),
            Thing::Output => id.rsplit(':').next()?,
            Thing::Flow => return None,
        };
        let stack = &self.world.settings("plan").stack;
        let destination = name.strip_prefix(&format!("lunora-{stack}-"))?;
        Some(destination.to_owned())
    }

    /// Whose call a fault struck: the one sent in the same moment.
    fn struck(&self, place: Place, at: u64) -> Option<String> {
        let Place::Call(site) = place else {
            return None;
        };
        let mut calls = self.world.calls().iter();
        let call = calls.find(|call| call.site == site && call.sent == at)?;
        self.whose(call)
    }
}

fn act_line(act: &Act) -> (Option<&str>, String) {
    let short = |value: &serde_json::Value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !name.contains("key"));
        }
        value.to_string()
    };
    match act {
        Act::Put(item) => (
            item["destination_id"].as_str(),
            format!("puts {}", short(item)),
        ),
        Act::Edit(id, changes) => (Some(id), format!("sets {}", short(changes))),
        Act::Delete(id) => (Some(id), "deletes the record".into()),
        Act::Key(name) => (name.rsplit('/').next(), "puts a key".into()),
        Act::DropKey(name) => (
            name.rsplit('/').next(),
            "deletes the key's parameter".into(),
        ),
        Act::ByHand(action, id) => (Some(id), format!("in the console: {action}")),
        Act::Quotas(quotas) => (None, format!("quotas become {quotas}")),
        Act::Abort(id) => (Some(id), "stops the execution".into()),
        Act::Redrive(id) => (Some(id), "redrives the execution".into()),
        Act::Replay(id) => (Some(id), "replays the execution".into()),
        Act::Redeploy => (None, "deploys the state machine anew".into()),
        Act::Down(service) => (None, format!("from now on {service} answers nothing")),
        Act::Up(service) => (None, format!("{service} is back")),
        Act::Alert(id, kind, set) => (
            Some(id),
            format!("{}: {kind}", if *set { "alert" } else { "alert over" }),
        ),
        Act::Cut(name, cut) => (
            None,
            format!(
                "the line of {name} is {}",
                if *cut { "cut" } else { "mended" }
            ),
        ),
        Act::Platform(host, word) => (None, format!("{host}: {word}")),
        Act::ForeignAlert(kind) => (None, format!("alert on a channel that is not ours: {kind}")),
        Act::Nothing => (None, "does nothing".into()),
    }
}
