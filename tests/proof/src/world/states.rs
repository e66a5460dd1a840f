//! Step Functions: its API over the runner, and executions that move on by themselves.

use super::{World, invoke::Caller, perform, perform::Told, queue::Happening, records::Run};
use crate::{
    Edge, Fault, What, chance::For, deployed::worker_of, functions, operations::Operation,
    trace::intern,
};
use jiff::Timestamp;
use runner::{Effect, Execution, Failure, Status, TokenProblem};
use serde_json::{Value, json};
use std::sync::Arc;

/// From one transition to the next, milliseconds.
const TRANSITION_MS: (u64, u64) = (1, 15);
/// A person strikes at an execution this long after it entered a state, milliseconds at most.
const STRIKE_MS: u64 = 400;
/// DescribeExecution may lag behind by so much, milliseconds (it is eventually consistent).
const LAG_MS: u64 = 60_000;

/// The world's clock as the runner takes it.
pub(super) fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from_millisecond(ms as i64).expect("a run does not last for millennia")
}

impl World {
    pub(super) fn states_call(&mut self, operation: Operation, body: &Value, stale: bool) -> Told {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        match operation.short() {
            "StartExecution" => {
                let arn = text("stateMachineArn");
                if arn == self.house.machine_arn {
                    return self.start_execution(text("name"), text("input"));
                }
                if arn == self.house.incident_arn {
                    let machine = Arc::clone(&self.house.incident);
                    return self.start_of(arn, &machine, text("name"), text("input"));
                }
                let words = "State Machine Does Not Exist";
                perform::error(400, "StateMachineDoesNotExist", words)
            }
            "DescribeExecution" => self.describe_execution(text("executionArn"), stale),
            "SendTaskSuccess" => self.send_task_success(text("taskToken"), text("output")),
            other => panic!("the world does not answer states:{other} yet"),
        }
    }

    /// StartExecution of `reconcile`.
    pub(super) fn start_execution(&mut self, name: &str, input: &str) -> Told {
        let machine = Arc::clone(&self.machine);
        let arn = &self.house.machine_arn;
        self.start_of(arn, &machine, name, input)
    }

    /// StartExecution of the same machine with the same input, as the console's button does.
    pub fn replay(&mut self, number: u32) {
        let known = &self.executions[number as usize];
        let input = known.input().to_string();
        let of_incidents = self
            .house
            .incident_arn
            .replacen(":stateMachine:", ":execution:", 1);
        let name = format!("replay-{}-{}", self.executions.len(), self.now);
        if known.arn().starts_with(&format!("{of_incidents}:")) {
            let machine = Arc::clone(&self.house.incident);
            let arn = &self.house.incident_arn;
            self.start_of(arn, &machine, &name, &input);
        } else {
            self.start_execution(&name, &input);
        }
    }

    /// StartExecution: idempotent by name while that execution runs with the same input.
    fn start_of(
        &mut self,
        machine_arn: &str,
        machine: &Arc<runner::Machine>,
        name: &str,
        input: &str,
    ) -> Told {
        let arn = machine_arn.replacen(":stateMachine:", ":execution:", 1);
        let arn = format!("{arn}:{name}");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 80 || !name.chars().all(fits) {
            return perform::error(400, "InvalidName", "Invalid Name");
        }
        let Ok(input) = serde_json::from_str::<Value>(input) else {
            return perform::error(400, "InvalidExecutionInput", "Invalid input");
        };
        if let Some(&known) = self.names.get(&arn) {
            let execution = &self.executions[known as usize];
            if execution.status() == Status::Running && *execution.input() == input {
                return started(execution);
            }
            let words = format!("Execution Already Exists: '{}'", execution.arn());
            return perform::error(400, "ExecutionAlreadyExists", &words);
        }
        let (nth, fault) = self.decide_edge(Edge::ExecutionStart);
        let mut machine = Arc::clone(machine);
        let mut not_before = self.now;
        match fault {
            Some(Fault::LimitExceeded) => {
                let words = "The maximum number of running executions has been reached.";
                return perform::error(400, "ExecutionLimitExceeded", words);
            }
            Some(Fault::Delayed(seconds)) => not_before += u64::from(seconds) * 1000,
            Some(Fault::TimedOut(seconds)) if machine_arn == self.house.machine_arn => {
                machine = self.house.machine_with_timeout(seconds);
            }
            _ => {}
        }
        let number = self.executions.len() as u32;
        let destination = input["destination_id"].as_str().unwrap_or_default();
        self.runs.push(Run {
            destination: destination.to_owned(),
            due: None,
            not_before,
            noted: 0,
            draws: u64::from(nth) << 32,
            moves: 0,
        });
        let execution = Execution::start(machine, &arn, name, input, timestamp(self.now));
        let told = started(&execution);
        self.executions.push(execution);
        self.names.insert(arn, number);
        self.trace.note(self.now, What::Began(number));
        self.running += 1;
        self.note_history(number);
        self.expect(number);
        told
    }

    fn describe_execution(&self, arn: &str, stale: bool) -> Told {
        let known = self.names.get(arn);
        let known = known.map(|number| &self.executions[*number as usize]);
        let recently =
            |time: Timestamp| self.now.saturating_sub(time.as_millisecond() as u64) < LAG_MS;
        let Some(execution) = known.filter(|known| !(stale && recently(known.started()))) else {
            let words = format!("Execution Does Not Exist: '{arn}'");
            return perform::error(400, "ExecutionDoesNotExist", &words);
        };
        let mut answer = json!({
            "executionArn": arn,
            "stateMachineArn": arn.rsplit_once(':').map(|(machine, _)| {
                machine.replacen(":execution:", ":stateMachine:", 1)
            }),
            "name": execution.name(),
            "status": execution.status().name(),
            "startDate": seconds(execution.started()),
            "input": execution.input().to_string(),
            "redriveCount": execution.redrive_count(),
        });
        match execution.stopped() {
            Some(stopped) if stale && recently(stopped) => answer["status"] = json!("RUNNING"),
            Some(stopped) => {
                answer["stopDate"] = json!(seconds(stopped));
                if let Some(output) = execution.output() {
                    answer["output"] = json!(output.to_string());
                }
            }
            None => {}
        }
        (200, None, answer.to_string())
    }

    fn send_task_success(&mut self, token: &str, output: &str) -> Told {
        let Ok(value) = serde_json::from_str::<Value>(output) else {
            return perform::error(400, "InvalidOutput", "Invalid output");
        };
        let Some(number) = self.of_token(token) else {
            return perform::error(400, "InvalidToken", "Invalid Token");
        };
        let (_, fault) = self.decide_edge(Edge::TokenAnswer);
        let again = (token.to_owned(), output.to_owned());
        match fault {
            Some(Fault::Delayed(seconds)) => {
                let at = self.now + u64::from(seconds) * 1000;
                self.later(at, Happening::LateToken(again.0, again.1));
                return (200, None, "{}".to_owned());
            }
            Some(Fault::Doubled) => {
                self.later(self.now + 1000, Happening::LateToken(again.0, again.1));
            }
            Some(Fault::DoubledLate) => {
                self.later(self.now + 3_600_000, Happening::LateToken(again.0, again.1));
            }
            _ => {}
        }
        let ended =
            self.executions[number as usize].end_wait(timestamp(self.now), token, Ok(value));
        self.note_history(number);
        self.expect(number);
        match ended {
            Ok(()) => (200, None, "{}".to_owned()),
            Err(TokenProblem::TaskTimedOut) => {
                perform::error(400, "TaskTimedOut", "Task Timed Out")
            }
            Err(TokenProblem::InvalidToken) => perform::error(400, "InvalidToken", "Invalid Token"),
        }
    }

    fn of_token(&self, token: &str) -> Option<u32> {
        self.names.get(runner::execution_of(token)?).copied()
    }

    pub(super) fn late_token(&mut self, token: &str, output: &str) {
        let Some(number) = self.of_token(token) else {
            return;
        };
        let value = serde_json::from_str(output).unwrap_or_default();
        // A problem goes to a caller who has long been answered.
        let _ = self.executions[number as usize].end_wait(timestamp(self.now), token, Ok(value));
        self.note_history(number);
        self.expect(number);
    }

    /// A task's function has answered or died.
    pub(super) fn task_done(&mut self, number: u32, attempt: u64, outcome: Result<Value, Failure>) {
        self.executions[number as usize].answer(timestamp(self.now), attempt, outcome);
        self.note_history(number);
        self.expect(number);
    }

    /// One transition, if it is due.
    pub(super) fn advance(&mut self, number: u32, at: u64) {
        let index = number as usize;
        if self.runs[index].due != Some(at) {
            return;
        }
        self.runs[index].due = None;
        let chance = self.chance;
        let draws = &mut self.runs[index].draws;
        let mut jitter = || {
            *draws += 1;
            chance.unit(For::Jitter, u64::from(number), *draws)
        };
        let effect = self.executions[index].advance(timestamp(self.now), &mut jitter);
        self.note_history(number);
        if let Some(Effect::Publish {
            topic,
            subject,
            message,
            attempt,
        }) = effect
        {
            self.publish(number, attempt, topic, subject, message);
        } else if let Some(Effect::Invoke {
            function,
            payload,
            attempt,
            ..
        }) = effect
        {
            let worker = worker_of(&function)
                .and_then(functions::find)
                .unwrap_or_else(|| panic!("there is no function {function}"))
                .0;
            let destination = Some(self.runs[index].destination.clone());
            self.invoke(worker, payload, Caller::Task(number, attempt), destination);
        }
        self.expect(number);
    }

    /// SNS takes a message.
    fn publish(&mut self, number: u32, attempt: u64, topic: String, subject: String, text: String) {
        self.sink(super::Sink::Message, format!("{subject}\n{text}"));
        let sent = self.published.len();
        self.published.push(super::Published {
            at: self.now,
            execution: number,
            topic,
            subject,
            message: text,
        });
        let answer = json!({ "MessageId": format!("00000000-0000-4000-8000-{sent:012x}") });
        self.task_done(number, attempt, Ok(answer));
    }

    /// Puts an execution's next transition into the queue.
    pub(super) fn expect(&mut self, number: u32) {
        let run = &self.runs[number as usize];
        let Some(due) = self.executions[number as usize].next_due() else {
            return;
        };
        // What is due between two milliseconds is due at the later one.
        let due = due.as_nanosecond().div_euclid(1_000_000) as u64
            + u64::from(due.as_nanosecond() % 1_000_000 != 0);
        let at = if due <= self.now.max(run.not_before) {
            let which = u64::from(number);
            let way = self
                .chance
                .way(For::Transition, which, run.moves, TRANSITION_MS);
            self.now.max(run.not_before) + way
        } else {
            due
        };
        if run.due.is_none_or(|known| at < known || known < self.now) {
            let run = &mut self.runs[number as usize];
            run.due = Some(at);
            run.moves += 1;
            self.later(at, Happening::Advance(number));
        }
    }

    /// Tells the trace what the history says, and lets faults strike at states that were entered.
    pub(super) fn note_history(&mut self, number: u32) {
        let index = number as usize;
        let from = self.runs[index].noted;
        let history = self.executions[index].history();
        let mut entered = Vec::new();
        let mut ended = false;
        for event in &history[from..] {
            match &event.what {
                runner::What::Entered { state, .. } => entered.push(intern(state)),
                runner::What::Succeeded { .. }
                | runner::What::Failed { .. }
                | runner::What::TimedOut
                | runner::What::Aborted { .. } => ended = true,
                _ => {}
            }
        }
        self.runs[index].noted = history.len();
        if !self.setup.keep_histories {
            self.executions[index].forget_values(from);
        }
        for state in entered {
            self.trace.note(self.now, What::Entered(number, state));
            self.cue_entered(number, state);
            let (nth, fault) = self.decide_edge(Edge::Entered(state));
            if let Some(fault) = fault {
                let which = crate::chance::of_text(state);
                let lag = self
                    .chance
                    .between(For::Fault, which, u64::from(nth), 0, STRIKE_MS);
                self.later(self.now + lag, Happening::Strike(number, fault));
            }
        }
        if ended {
            let status = self.executions[index].status().name();
            self.trace.note(self.now, What::Ended(number, status));
            self.running -= 1;
        }
    }

    /// Somebody strikes at an execution.
    pub(super) fn strike(&mut self, number: u32, fault: Fault) {
        match fault {
            Fault::Aborted => self.stop_execution(number),
            Fault::Redriven(seconds) => {
                self.stop_execution(number);
                let at = self.now + u64::from(seconds) * 1000;
                self.later(at, Happening::Redrive(number));
            }
            Fault::Redeployed => self.redeploy(),
            _ => {}
        }
    }

    /// StopExecution.
    pub(super) fn stop_execution(&mut self, number: u32) {
        let words = "A person stopped it.";
        self.executions[number as usize].stop(timestamp(self.now), "Stopped", words);
        self.note_history(number);
    }

    /// RedriveExecution; what cannot be redriven stays as it is.
    pub(super) fn redrive(&mut self, number: u32) {
        if self.executions[number as usize]
            .redrive(timestamp(self.now))
            .is_ok()
        {
            self.running += 1;
            self.note_history(number);
            self.expect(number);
        }
    }

    /// The state machine is deployed anew: what runs keeps its definition, what begins has the new one.
    pub(super) fn redeploy(&mut self) {
        let next = self.setup.redeployed.unwrap_or(self.house);
        self.machine = Arc::clone(&next.machine);
    }
}

fn started(execution: &Execution) -> Told {
    let body = json!({
        "executionArn": execution.arn(),
        "startDate": seconds(execution.started()),
    });
    (200, None, body.to_string())
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
