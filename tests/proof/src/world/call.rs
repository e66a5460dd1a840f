//! Calls: sent, taking effect, answered. Each of the three is a happening of its own, and a fault
//! stands between them.

use super::{World, queue::Happening, records::Call};
use crate::{
    Fault, Place, Sink, What,
    chance::For,
    connector::{Reply, Request},
    operations::{self, Operation, Service},
};
use serde_json::Value;

/// From sending to effect, and from effect to answer, milliseconds.
const WAY_MS: (u64, u64) = (2, 40);
/// The SDK's limit of one call, as `cloud::clients` sets it.
const CALL_MS: u64 = 10_000;

/// A call under way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub request: Request,
    pub body: Value,
    pub fault: Option<Fault>,
    reply: Option<Reply>,
}

/// A call as a role sees it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The worker that asks.
    pub worker: &'static str,
    /// What for.
    pub operation: Operation,
    /// What about, as `Call::resource` has it.
    pub resource: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The body as sent.
    pub body: &'a [u8],
    /// The world as it is.
    pub world: &'a World,
}

impl World {
    /// Takes a request down and decides when it takes effect.
    pub(super) fn send(&mut self, invocation: u32, request: Request) {
        let worker = self.invocations[invocation as usize].worker;
        let operation = request.operation;
        let (site, fault) = self.decide_call(worker, operation.name);
        let json = match operation.service {
            Service::MediaLive | Service::MediaConnect => {
                matches!(
                    operation.name,
                    "medialive:CreateInput" | "medialive:CreateChannel"
                )
            }
            _ => true,
        };
        let body = if json {
            serde_json::from_slice(&request.body).unwrap_or_default()
        } else {
            Value::Null
        };
        let number = self.calls.len() as u32;
        self.calls.push(Call {
            site,
            invocation,
            resource: operations::resource(operation, &request.path, &body),
            sent: self.now,
            effect: None,
            answered: None,
            status: 0,
            error: None,
        });
        self.trace.note(self.now, What::Sent(number));
        if fault == Some(Fault::CrashBefore) {
            self.die(invocation, "Runtime.ExitError");
            return;
        }
        let which = super::decide::number(Place::Call(site));
        let way = self.chance.way(For::Effect, which, 0, WAY_MS);
        let effect = match fault {
            Some(Fault::Slow(seconds)) => self.now + u64::from(seconds) * 1000,
            _ => self.now + way,
        };
        if matches!(fault, Some(Fault::Slow(_) | Fault::AnswerTimedOut)) {
            let gives_up = Happening::CallTimeout(number, request.wire);
            self.later(self.now + CALL_MS, gives_up);
        }
        self.pending.insert(
            number,
            Pending {
                request,
                body,
                fault,
                reply: None,
            },
        );
        self.later(effect, Happening::Effect(number));
    }

    /// The request reaches its service.
    pub(super) fn effect(&mut self, number: u32) {
        let Some(mut pending) = self.pending.remove(&number) else {
            return;
        };
        let (status, error, text) = self.perform(number, &pending);
        let call = &mut self.calls[number as usize];
        call.effect = Some(self.now);
        call.status = status;
        call.error.clone_from(&error);
        let (sent, invocation, site) = (call.sent, call.invocation, call.site);
        self.trace.note(self.now, What::Effect(number, status));
        self.hear(&pending, &text);
        let which = super::decide::number(Place::Call(site));
        let way = self.chance.way(For::Answer, which, 0, WAY_MS);
        let reply = match pending.fault {
            Some(Fault::CrashAfter) => {
                // Lambda does not always learn what killed a function.
                let known = self.chance.draw(For::Fault, which, 1).is_multiple_of(2);
                self.die(
                    invocation,
                    if known {
                        "Runtime.ExitError"
                    } else {
                        "Lambda.Unknown"
                    },
                );
                None
            }
            Some(Fault::AnswerLost) => Some(Reply::Closed),
            Some(Fault::AnswerSpoilt) => Some(Reply::Answer(
                504,
                Some("GatewayTimeoutException".to_owned()),
                "{}".to_owned(),
                self.now,
            )),
            Some(Fault::AnswerTimedOut) => None,
            Some(Fault::Slow(_)) if self.now + way >= sent + CALL_MS => None,
            _ => Some(Reply::Answer(status, error, text, self.now)),
        };
        if reply.is_some() {
            pending.reply = reply;
            self.pending.insert(number, pending);
            self.later(self.now + way, Happening::Answer(number));
        }
    }

    /// The answer reaches the handler, if it still lives.
    pub(super) fn answer(&mut self, number: u32) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        let call = &mut self.calls[number as usize];
        if !self.live.contains_key(&call.invocation) || call.answered.is_some() {
            return;
        }
        call.answered = Some(self.now);
        let invocation = call.invocation;
        let reply = pending.reply.unwrap_or(Reply::Closed);
        let status = match &reply {
            Reply::Answer(status, ..) => *status,
            _ => 0,
        };
        self.trace.note(self.now, What::Answered(number, status));
        self.poll(invocation, Some((pending.request.wire, reply)));
    }

    /// The SDK gives up waiting.
    pub(super) fn call_timeout(&mut self, number: u32, wire: u64) {
        let call = &mut self.calls[number as usize];
        if call.answered.is_some() || !self.live.contains_key(&call.invocation) {
            return;
        }
        call.answered = Some(self.now);
        let invocation = call.invocation;
        self.trace.note(self.now, What::Answered(number, 0));
        self.poll(invocation, Some((wire, Reply::TimedOut)));
    }

    /// Keeps what went over the wire for whoever looks for a key. Left out is only where a key must be:
    /// the bodies that make or change a channel, MediaLive's answers with a channel in them, and the
    /// answer with a parameter's value.
    fn hear(&mut self, pending: &Pending, answer: &str) {
        if !self.setup.keep_sinks {
            return;
        }
        let name = pending.request.operation.name;
        let address = format!("{}?{}", pending.request.path, pending.request.query);
        self.sink(Sink::Address(name), address);
        if !matches!(name, "medialive:CreateChannel" | "medialive:UpdateChannel") {
            let body = String::from_utf8_lossy(&pending.request.body).into_owned();
            self.sink(Sink::Request(name), body);
        }
        let shows_channel = name.starts_with("medialive:") && name.contains("Channel");
        if !shows_channel && name != "ssm:GetParameter" {
            self.sink(Sink::Answer(name), answer.to_owned());
        }
    }
}
