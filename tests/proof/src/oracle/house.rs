//! The world as the oracles look at it.

use serde_json::Value;
use simulator::core::book::{Book, fingerprint};

use super::Rules;
use super::bounds::{Size, Token};
use super::sight::{House, Key, Table};
use crate::setup::Act;
use crate::trace::Event;
use crate::world::{Call, Invocation, Sink};
use crate::{Fault, World};

impl House for World {
    fn now(&self) -> u64 {
        World::now(self)
    }

    fn book(&self) -> Book<'_> {
        self.core().book()
    }

    fn item(&self, table: Table, key: &str) -> Option<&Value> {
        self.database().item(name(self, table), key)
    }

    fn keys(&self, table: Table) -> Vec<String> {
        let items = self.database().items(name(self, table));
        items.map(|(key, _)| key.to_owned()).collect()
    }

    fn key(&self, parameter: &str) -> Option<Key> {
        let (version, value, secure) = self.parameters().newest(parameter)?;
        Some(Key {
            version: version as u64,
            fingerprint: fingerprint(value),
            secure,
        })
    }

    fn events(&self) -> &[Event] {
        self.trace().events()
    }

    fn act(&self, number: u32) -> &Act {
        &self.setup().script[number as usize].act
    }

    fn call(&self, number: u32) -> &Call {
        &self.calls()[number as usize]
    }

    fn invocation(&self, number: u32) -> &Invocation {
        &self.invocations()[number as usize]
    }

    fn execution(&self, number: u32) -> (String, String) {
        let arn = self.executions()[number as usize].arn().to_owned();
        (arn, self.run(number).destination.clone())
    }

    fn planned_knock(&self, invocation: u32) -> Option<u64> {
        let number = self.invocations()[invocation as usize].execution?;
        let history = self.executions()[number as usize].history();
        let scheduled = history.iter().rev().find_map(|event| match &event.what {
            runner::What::Scheduled { parameters, .. } => Some(parameters),
            _ => None,
        })?;
        scheduled["Payload"]["plan"]["knock"].as_u64()
    }

    fn size(&self, number: u32) -> Size {
        let history = self.executions()[number as usize].history();
        let mut size = Size {
            events: history.len(),
            ..Size::default()
        };
        let mut tries = 0;
        for event in history {
            match &event.what {
                runner::What::Entered { input, .. } => {
                    tries = 0;
                    size.bytes = size.bytes.max(weight(input));
                }
                // A person has it tried anew, with a retry's full budget.
                runner::What::Redriven { .. } => tries = 0,
                runner::What::Scheduled { .. } => {
                    tries += 1;
                    size.tries = size.tries.max(tries);
                }
                _ => {}
            }
        }
        size
    }

    fn tokens(&self) -> Vec<Token> {
        let executions = self.executions().iter().enumerate();
        let running = executions.filter(|(_, one)| one.status() == runner::Status::Running);
        running
            .flat_map(|(number, one)| {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                one.open_tokens().map(move |token| Token {
                    destination: self.run(number).destination.clone(),
                    state: token.state.to_owned(),
                    due: u64::try_from(token.due.as_millisecond()).unwrap_or_default(),
                })
            })
            .collect()
    }

    fn planted(&self) -> Vec<&str> {
        World::keys(self)
            .iter()
            .map(|(_, value)| value.as_str())
            .collect()
    }

    fn sinks(&self) -> &[(Sink, u64, String)] {
        World::sinks(self)
    }
}

fn name(world: &World, table: Table) -> &str {
    let (destinations, ledger) = world.tables();
    match table {
        Table::Destinations => destinations,
        Table::Ledger => ledger,
    }
}

/// About how many bytes a value takes as JSON, never too few.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 20,
        Value::String(text) => text.len() + 4,
        Value::Array(list) => 2 + list.iter().map(|one| weight(one) + 1).sum::<usize>(),
        Value::Object(members) => {
            let members = members.iter();
            2 + members
                .map(|(name, one)| name.len() + 4 + weight(one))
                .sum::<usize>()
        }
    }
}

impl Rules {
    /// The rules of a world: its own settings, and what its plan may bring.
    #[must_use]
    pub fn of(world: &World) -> Rules {
        let settings = world.settings("plan");
        let incidents = &world.house().incident_arn;
        let plan = world.plan();
        let weather = plan.climate.iter().flat_map(|climate| &climate.rates);
        let may: Vec<Fault> = weather
            .map(|(fault, _)| *fault)
            .chain(plan.decisions.iter().map(|decision| decision.fault))
            .collect();
        let clock_off = may.iter().filter_map(|fault| match fault {
            Fault::ClockJump(seconds) => Some(u64::from(seconds.unsigned_abs()) * 1000),
            _ => None,
        });
        let seconds = |seconds: i64| u64::try_from(seconds).unwrap_or_default() * 1000;
        Rules {
            stack: settings.stack.clone(),
            prefix: settings.parameter_store_prefix.clone(),
            flow: settings.flow_arn.clone(),
            role: settings.media_live_role_arn.clone(),
            group: settings.input_security_group_id.clone(),
            grace: seconds(settings.grace_seconds),
            flow_grace: seconds(settings.flow_grace_seconds),
            incidents: incidents.replacen(":stateMachine:", ":execution:", 1) + ":",
            no_input: settings.limits.no_input_seconds.map(seconds),
            session: settings.limits.session_seconds.map(seconds),
            sweep: 60_000,
            sources: if world.setup().backup_source { 2 } else { 1 },
            hints: world.setup().events && world.setup().stream,
            calm: may.is_empty(),
            well_told: may.iter().all(|fault| *fault == Fault::Forged),
            stale: may.contains(&Fault::Stale),
            clock_off: clock_off.max().unwrap_or_default(),
        }
    }
}
