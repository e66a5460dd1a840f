//! What the operator, and people in the console, do; and what the deployment made.

use super::{BEGIN, World, queue::Happening};
use crate::{Act, Cue, Setup, What, When, chance};
use runner::Status;
use serde_json::{Value, json};
use simulator::core::{Core, Request, book::Thing};

/// The script, and how far it has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    cues: Vec<Cue>,
    /// The first cue that is neither done nor in the queue.
    next: usize,
    /// Acts that have been done.
    done: usize,
    /// When the last act was done.
    last: u64,
}

impl Script {
    pub fn new(cues: &[Cue]) -> Script {
        Script {
            cues: cues.to_vec(),
            last: BEGIN,
            ..Script::default()
        }
    }
}

/// When the deployment begins: MediaConnect makes five flows a second.
pub(super) fn deployed_at(setup: &Setup) -> u64 {
    BEGIN - 250 * setup.flows.saturating_sub(1) as u64
}

/// Makes what CloudFormation makes: the flow with our tag, perhaps more of them, and the security
/// group.
pub(super) fn deploy(core: &mut Core, setup: &Setup) -> (String, Vec<String>, String) {
    let mut ask = |at: u64, path: &str, body: Value| {
        let response = core.handle(
            at,
            &Request {
                method: "POST".into(),
                path: path.into(),
                body: body.to_string().into_bytes(),
                caller: Some("cloudformation".into()),
                ..Request::default()
            },
        );
        assert!(response.status < 300, "{path}: {}", response.body);
        response.body
    };
    let source = |name: &str, port: u16| {
        json!({
            "name": name, "protocol": "srt-listener", "ingestPort": port,
            "whitelistCidr": "203.0.113.7/32", "minLatency": 2000,
        })
    };
    let mut flow = json!({"name": "lunora-lunora", "sources": [source("primary", 9998)]});
    if setup.backup_source {
        flow["sources"] = json!([source("primary", 9998), source("backup", 9999)]);
        flow["sourceFailoverConfig"] = json!({
            "state": "ENABLED", "failoverMode": "FAILOVER",
            "sourcePriority": {"primarySource": "primary"},
        });
    }
    if setup.owns_flow {
        flow["flowTags"] = json!({"lunora:stack": "lunora"});
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let more: Vec<String> = (1..setup.flows)
        .map(|number| {
            let mut flow = flow.clone();
            flow["name"] = json!(format!("lunora-lunora-{number}"));
            let at = deployed_at(setup) + 250 * (number as u64 - 1);
            text(&ask(at, "/v1/flows", flow)["flow"]["flowArn"])
        })
        .collect();
    let flow = ask(BEGIN, "/v1/flows", flow);
    let group = ask(
        BEGIN,
        "/prod/inputSecurityGroups",
        json!({
            "whitelistRules": [{"cidr": format!("{}/32", text(&flow["flow"]["egressIp"]))}],
            "tags": {"lunora:stack": "lunora"},
        }),
    );
    (
        text(&flow["flow"]["flowArn"]),
        more,
        text(&group["securityGroup"]["id"]),
    )
}

impl World {
    /// How many acts of the script have been done.
    #[must_use]
    pub fn acts_done(&self) -> usize {
        self.script.done
    }

    /// Whether the whole script has been played.
    #[must_use]
    pub fn script_is_over(&self) -> bool {
        self.script.done == self.script.cues.len()
    }

    /// Puts the next act into the queue, if its moment is known.
    pub(super) fn cue(&mut self) {
        while let Some(cue) = self.script.cues.get(self.script.next) {
            let at = match cue.when {
                When::At(ms) => BEGIN + ms,
                // The act before it must be done, or its time is not known.
                _ if self.script.done < self.script.next => return,
                When::After(ms) => self.script.last + ms,
                When::Quiet if self.is_quiet() => self.now,
                _ => return,
            };
            self.act_at(at);
        }
    }

    fn act_at(&mut self, at: u64) {
        let index = self.script.next;
        self.script.next += 1;
        self.later(at.max(self.now), Happening::Act(index));
    }

    fn awaited(&self) -> Option<&When> {
        let ready = self.script.done == self.script.next;
        self.script
            .cues
            .get(self.script.next)
            .filter(|_| ready)
            .map(|cue| &cue.when)
    }

    /// A thing entered a state: perhaps an act waits for it.
    pub(super) fn cue_passage(&mut self, index: usize) {
        let Some(When::Channel(id, state, ms)) = self.awaited() else {
            return;
        };
        let passage = &self.passages[index];
        if passage.thing != Thing::Channel || passage.state != *state {
            return;
        }
        let ours = self
            .core
            .book()
            .channel(&passage.id)
            .is_some_and(|channel| channel.name() == format!("lunora-lunora-{id}"));
        if ours {
            let at = passage.at + ms;
            self.act_at(at);
        }
    }

    /// An execution entered a state: perhaps an act waits for it.
    pub(super) fn cue_entered(&mut self, number: u32, entered: &'static str) {
        let Some(When::Enters(id, state, ms)) = self.awaited() else {
            return;
        };
        if *state == entered && self.runs[number as usize].destination == *id {
            let at = self.now + ms;
            self.act_at(at);
        }
    }

    /// Does an act of the script.
    pub(super) fn act(&mut self, index: usize) {
        self.script.done += 1;
        self.script.last = self.now;
        self.trace.note(self.now, What::Acted(index as u32));
        let act = self.script.cues[index].act.clone();
        self.perform_act(act);
    }

    /// Does an act at once, beside the script.
    pub fn perform_act(&mut self, act: Act) {
        match act {
            Act::Put(item) => {
                let body = json!({"TableName": self.house.tables.0, "Item": attributes(&item)});
                self.table("PutItem", &body);
            }
            Act::Edit(id, changes) => self.edit(&id, &changes),
            Act::Delete(id) => {
                let body =
                    json!({"TableName": self.house.tables.0, "Key": {"destination_id": {"S": id}}});
                self.table("DeleteItem", &body);
            }
            Act::Key(name) => {
                let number = chance::mix(self.plan.seed ^ chance::of_text(&name));
                let value = format!("canary-{:016x}-{}", number, self.keys.len());
                self.parameters.put(&name, &value, true, self.now);
                self.keys.push((name, value));
            }
            Act::DropKey(name) => {
                self.parameters.delete(&name);
            }
            Act::ByHand(action, id) => self.by_hand(action, &id),
            Act::Alert(id, kind, set) => {
                let action = if set { "set_alert" } else { "clear_alert" };
                if let Some(channel) = self.channel_of(&id) {
                    let body = json!({"action": action, "id": channel, "alert_type": kind});
                    self.core.control(self.now, "POST", "by-hand", &body);
                }
            }
            Act::Cut(name, cut) => {
                let action = if cut { "cut_source" } else { "restore_source" };
                let (_, state) = self.core.control(self.now, "GET", "state", &Value::Null);
                let mut sources = state["flows"][0]["sources"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let arn = sources.find(|source| source["name"] == name);
                if let Some(arn) = arn.and_then(|source| source["arn"].as_str()) {
                    let body = json!({"action": action, "id": arn});
                    self.core.control(self.now, "POST", "by-hand", &body);
                }
            }
            Act::Platform(host, word) => {
                let body = json!({host: word});
                let (status, answer) = self.core.control(self.now, "POST", "platforms", &body);
                assert_eq!(status, 200, "the simulator knows no such word: {answer}");
            }
            Act::ForeignAlert(kind) => self.foreign_alert(kind),
            Act::Quotas(body) => {
                let (status, answer) = self.core.control(self.now, "POST", "quotas", &body);
                assert_eq!(status, 200, "the simulator refuses the quotas: {answer}");
            }
            Act::Abort(id) => {
                if let Some(number) = self.last_execution(&id, |status| status == Status::Running) {
                    self.stop_execution(number);
                }
            }
            Act::Redrive(id) => {
                let over = |status| !matches!(status, Status::Running | Status::Succeeded);
                if let Some(number) = self.last_execution(&id, over) {
                    self.redrive(number);
                }
            }
            Act::Replay(id) => {
                if let Some(number) = self.last_execution(&id, |_| true) {
                    self.replay(number);
                }
            }
            Act::Redeploy => self.redeploy(),
            Act::Down(service) => {
                self.down.insert(service);
            }
            Act::Up(service) => {
                self.down.remove(service);
            }
            Act::Nothing => {}
        }
        self.after_tables();
        self.after_media();
    }

    fn last_execution(&self, id: &str, fits: impl Fn(Status) -> bool) -> Option<u32> {
        let found = self
            .runs
            .iter()
            .zip(&self.executions)
            .rposition(|(run, execution)| run.destination == id && fits(execution.status()));
        found.map(|index| index as u32)
    }

    fn table(&mut self, operation: &str, body: &Value) {
        let answer = self.database.handle(self.now, operation, body);
        assert_eq!(
            answer.status, 200,
            "{operation} of the operator: {}",
            answer.body
        );
    }

    fn edit(&mut self, id: &str, changes: &Value) {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let (mut names, mut values) = (json!({}), json!({}));
        for (index, (name, value)) in changes.as_object().into_iter().flatten().enumerate() {
            names[format!("#n{index}")] = json!(name);
            if value.is_null() {
                remove.push(format!("#n{index}"));
            } else {
                set.push(format!("#n{index} = :v{index}"));
                values[format!(":v{index}")] = attribute(value);
            }
        }
        let mut expression = String::new();
        if !set.is_empty() {
            expression = format!("SET {}", set.join(", "));
        }
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let mut body = json!({
            "TableName": self.house.tables.0,
            "Key": {"destination_id": {"S": id}},
            "UpdateExpression": expression.trim(),
            "ExpressionAttributeNames": names,
        });
        if !set.is_empty() {
            body["ExpressionAttributeValues"] = values;
        }
        self.table("UpdateItem", &body);
    }

    /// The channel of a destination that exists.
    fn channel_of(&self, id: &str) -> Option<String> {
        let name = format!("lunora-lunora-{id}");
        let book = self.core.book();
        let mut rows = book.channels().filter(|row| row.state() != "DELETED");
        rows.find(|row| row.name() == name)
            .map(|row| row.id().to_owned())
    }

    /// What a person does in the console. If the thing is not there or not in a state for it, the
    /// console says so and nothing happens.
    fn by_hand(&mut self, action: &str, id: &str) {
        if action.ends_with("_flow") {
            for arn in self.flow_arns() {
                let body = json!({"action": action, "id": arn});
                self.core.control(self.now, "POST", "by-hand", &body);
            }
            return;
        }
        let name = format!("lunora-lunora-{id}");
        let thing = if action.ends_with("_channel") {
            self.channel_of(id)
        } else if action.ends_with("_input") {
            let book = self.core.book();
            let mut rows = book.inputs().filter(|row| row.state() != "DELETED");
            rows.find(|row| row.name() == name)
                .map(|row| row.id().to_owned())
        } else if action.ends_with("_flow_output") {
            let flow = self.core.book().flow(&self.flow_arn);
            flow.and_then(|flow| {
                let mut rows = flow.outputs();
                rows.find(|row| row.name() == name)
                    .map(|row| row.arn().to_owned())
            })
        } else {
            Some(self.flow_arn.clone())
        };
        if let Some(thing) = thing {
            let body = json!({"action": action, "id": thing});
            self.core.control(self.now, "POST", "by-hand", &body);
        }
    }
}

/// Plain JSON as a table item.
fn attributes(item: &Value) -> Value {
    let rows = item.as_object().into_iter().flatten();
    rows.map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

/// Plain JSON as one attribute.
fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "S": text }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::Bool(flag) => json!({ "BOOL": flag }),
        Value::Null => json!({ "NULL": true }),
        Value::Array(all) => json!({ "L": all.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(_) => json!({ "M": attributes(value) }),
    }
}
