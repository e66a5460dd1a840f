//! A house made by hand.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::core::book::{Book, fingerprint};
use simulator::core::{Core, Request, Settings};

use super::super::bounds::{Size, Token};
use super::super::{House, Key, Oracles, Rules, Table, Violation};
use crate::faults::Site;
use crate::setup::Act;
use crate::trace::{Event, What};
use crate::world::{BEGIN, Call, Invocation, Sink};

pub const KEY: &str = "canary-5f1d0a77c9e84b21";
pub const PARAMETER: &str = "/lunora-player/streaming/a";
pub const URL: &str = "rtmps://a.rtmps.youtube.com:443/live2";
pub const EXECUTION: &str = "arn:aws:states:us-west-2:123456789012:execution:reconcile:a-1";

pub struct Stage {
    pub now: u64,
    pub core: Core,
    pub items: BTreeMap<(Table, String), Value>,
    pub events: Vec<Event>,
    pub acts: Vec<Act>,
    pub calls: Vec<Call>,
    pub invocations: Vec<Invocation>,
    pub executions: Vec<(String, String)>,
    pub planned: BTreeMap<u32, u64>,
    pub sinks: Vec<(Sink, u64, String)>,
    pub size: Size,
    pub tokens: Vec<Token>,
    pub key: Option<Key>,
    pub rules: Rules,
    pub oracles: Option<Oracles>,
}

impl House for Stage {
    fn now(&self) -> u64 {
        self.now
    }
    fn book(&self) -> Book<'_> {
        self.core.book()
    }
    fn item(&self, table: Table, key: &str) -> Option<&Value> {
        self.items.get(&(table, key.to_owned()))
    }
    fn keys(&self, table: Table) -> Vec<String> {
        let rows = self.items.keys().filter(|(of, _)| *of == table);
        rows.map(|(_, key)| key.clone()).collect()
    }
    fn key(&self, parameter: &str) -> Option<Key> {
        self.key.filter(|_| parameter == PARAMETER)
    }
    fn events(&self) -> &[Event] {
        &self.events
    }
    fn act(&self, number: u32) -> &Act {
        &self.acts[number as usize]
    }
    fn call(&self, number: u32) -> &Call {
        &self.calls[number as usize]
    }
    fn invocation(&self, number: u32) -> &Invocation {
        &self.invocations[number as usize]
    }
    fn execution(&self, number: u32) -> (String, String) {
        self.executions[number as usize].clone()
    }
    fn planned_knock(&self, invocation: u32) -> Option<u64> {
        self.planned.get(&invocation).copied()
    }
    fn size(&self, _number: u32) -> Size {
        self.size
    }
    fn tokens(&self) -> Vec<Token> {
        self.tokens.clone()
    }
    fn planted(&self) -> Vec<&str> {
        vec![KEY]
    }
    fn sinks(&self) -> &[(Sink, u64, String)] {
        &self.sinks
    }
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value}"))
        .to_owned()
}

impl Stage {
    /// An account with a flow, a security group and exact times; the operator wants nothing yet.
    pub fn new() -> Stage {
        let mut stage = Stage {
            now: BEGIN,
            core: Core::new(Settings::default()),
            items: BTreeMap::new(),
            events: Vec::new(),
            acts: Vec::new(),
            calls: Vec::new(),
            invocations: Vec::new(),
            executions: Vec::new(),
            planned: BTreeMap::new(),
            sinks: Vec::new(),
            size: Size::default(),
            tokens: Vec::new(),
            key: Some(Key {
                version: 1,
                fingerprint: fingerprint(KEY),
                secure: true,
            }),
            rules: Rules::default(),
            oracles: None,
        };
        let times = json!({
            "law": "fixed", "channel_create": 4, "channel_start": 40, "channel_stop": 20, "channel_delete": 10,
            "channel_update": 3, "channel_recover": 30, "input_create": 0, "input_detach": 5, "input_delete": 2,
            "flow_start": 15, "flow_stop": 10, "flow_update": 0, "read_lag": 0, "deleted_lingers": 60,
        });
        stage.core.control(BEGIN, "POST", "times", &times);
        let group = stage.by(
            "house",
            "POST",
            "/prod/inputSecurityGroups",
            json!({"whitelistRules": [{"cidr": "192.0.2.0/24"}]}),
        );
        let source = json!({"name": "primary", "protocol": "srt-listener", "ingestPort": 9998, "whitelistCidr": "203.0.113.7/32", "minLatency": 2000});
        let flow = stage.by("house", "POST", "/v1/flows", json!({"name": "lunora-lunora", "sources": [source], "flowTags": {"lunora:stack": "lunora"}}));
        stage.rules = Rules {
            flow: text(&flow["flow"]["flowArn"]),
            group: text(&group["securityGroup"]["id"]),
            role: "arn:aws:iam::123456789012:role/MediaLiveAccessRole".into(),
            ..Rules::default()
        };
        stage
    }

    /// Any call to the account.
    pub fn by(&mut self, caller: &str, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = Request {
            method: method.into(),
            path: path.into(),
            body,
            caller: Some(caller.into()),
            ..Request::default()
        };
        self.core.handle(self.now, &request).body
    }

    /// A worker's call that only the book sees.
    pub fn call(&mut self, method: &str, path: &str, body: Value) -> Value {
        self.by("worker", method, path, body)
    }

    pub fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1000;
            self.core.advance(self.now);
            self.look();
        }
    }

    pub fn look(&mut self) {
        let mut oracles = match self.oracles.take() {
            Some(oracles) => oracles,
            None => Oracles::new(self.rules.clone(), self),
        };
        oracles.look(self);
        self.oracles = Some(oracles);
    }

    /// What the oracles say of the house, after one more look.
    pub fn found(&mut self) -> Vec<Violation> {
        self.look();
        self.oracles
            .as_ref()
            .map(|oracles| oracles.violations.clone())
            .unwrap_or_default()
    }

    /// The sentences, for a test that expects one kind.
    pub fn expect(&mut self, invariant: &str, words: &str) {
        let found = self.found();
        let hit = found
            .iter()
            .any(|row| row.invariant == invariant && row.sentence.contains(words));
        assert!(hit, "no {invariant} with {words:?} in {found:#?}");
    }

    pub fn expect_nothing(&mut self) {
        let found = self.found();
        assert!(found.is_empty(), "{found:#?}");
    }

    pub fn happens(&mut self, what: What) {
        self.events.push(Event { at: self.now, what });
        self.look();
    }

    /// The operator writes a record.
    pub fn wish(&mut self, changes: Value) {
        let mut item = json!({
            "destination_id": "a", "platform": "youtube", "rtmp_url": URL, "stream_key_param": PARAMETER,
            "preset_id": "1080p30", "desired_state": "streaming",
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            item[name] = value.clone();
        }
        self.items
            .insert((Table::Destinations, "a".into()), dynamo(&item));
        self.acts.push(Act::Put(item));
        self.happens(What::Acted(u32::try_from(self.acts.len() - 1).unwrap()));
    }

    pub fn delete_record(&mut self) {
        self.items.remove(&(Table::Destinations, "a".into()));
        self.acts.push(Act::Delete("a".into()));
        self.happens(What::Acted(u32::try_from(self.acts.len() - 1).unwrap()));
    }

    /// An execution of the destination begins: its number.
    pub fn begin(&mut self) -> u32 {
        let number = u32::try_from(self.executions.len()).unwrap();
        let arn = EXECUTION.replace("a-1", &format!("a-{}", number + 1));
        self.executions.push((arn, "a".into()));
        self.happens(What::Began(number));
        number
    }

    /// A function is invoked for an execution: its number.
    pub fn invoke(&mut self, worker: &'static str, execution: u32, planned: u64) -> u32 {
        let number = u32::try_from(self.invocations.len()).unwrap();
        self.invocations.push(Invocation {
            worker,
            execution: Some(execution),
            destination: Some("a".into()),
            began: self.now,
            ended: None,
            outcome: None,
            spoilt: None,
        });
        self.planned.insert(number, planned);
        self.happens(What::Invoked(number));
        number
    }

    /// A call is sent: its number.
    pub fn send(&mut self, run: u32, operation: &'static str, resource: &str) -> u32 {
        let number = u32::try_from(self.calls.len()).unwrap();
        let worker = self.invocations[run as usize].worker;
        self.calls.push(Call {
            site: Site {
                worker,
                operation,
                nth: number + 1,
            },
            invocation: run,
            resource: resource.into(),
            sent: self.now,
            effect: None,
            answered: None,
            status: 200,
            error: None,
        });
        self.happens(What::Sent(number));
        number
    }

    /// A worker writes the ledger row.
    pub fn write_row(&mut self, run: u32, row: &Value) {
        let number = self.send(run, "dynamodb:UpdateItem", "table/a");
        self.items.insert((Table::Ledger, "a".into()), dynamo(row));
        self.happens(What::Effect(number, 200));
    }

    /// A worker writes the mirror.
    pub fn write_mirror(&mut self, run: u32, changes: &Value) {
        let number = self.send(run, "dynamodb:UpdateItem", "table/a");
        let key = (Table::Destinations, "a".into());
        let mut item = self
            .items
            .get(&key)
            .cloned()
            .unwrap_or_else(|| json!({"destination_id": {"S": "a"}}));
        for (name, value) in dynamo(changes).as_object().into_iter().flatten() {
            item[name] = value.clone();
        }
        self.items.insert(key, item);
        self.happens(What::Effect(number, 200));
    }

    /// A row that answers for everything, and for the step that is about to act.
    pub fn row(&self, changes: Value) -> Value {
        let mut row = json!({
            "destination_id": "a", "generation": 1, "incarnation": 1, "knock": 0, "desired": "streaming",
            "holder": EXECUTION, "input_sought": {"incarnation": 1}, "channel_sought": {"incarnation": 1},
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            row[name] = value.clone();
        }
        row
    }

    /// Makes the input as documented: its id.
    pub fn make_input(&mut self) -> String {
        let body = json!({
            "type": "RTP_PUSH", "name": "lunora-lunora-a", "inputSecurityGroups": [self.rules.group],
            "requestId": "lunora-lunora-a-1-input", "tags": tags(1),
        });
        text(&self.call("POST", "/prod/inputs", body)["input"]["id"])
    }

    /// A CreateChannel body as documented.
    pub fn channel_body(&self, input: &str) -> Value {
        let preset = super::super::encoding::preset("1080p30").unwrap();
        json!({
            "name": "lunora-lunora-a", "channelClass": "SINGLE_PIPELINE", "logLevel": "WARNING",
            "roleArn": self.rules.role, "requestId": "lunora-lunora-a-1-channel",
            "inputSpecification": {"codec": "AVC", "resolution": "HD", "maximumBitrate": "MAX_10_MBPS"},
            "inputAttachments": [{"inputAttachmentName": "flow", "inputId": input, "inputSettings": {
                "sourceEndBehavior": "CONTINUE",
                "audioSelectors": [{"name": "default", "selectorSettings": {"audioTrackSelection": {"tracks": [{"track": 1}]}}}],
            }}],
            "destinations": [{"id": "rtmp1", "settings": [{"url": URL, "streamName": KEY}]}],
            "encoderSettings": super::super::encoding::settings(preset),
            "tags": tags(1),
        })
    }

    pub fn make_channel(&mut self, body: Value) -> String {
        let answer = self.call("POST", "/prod/channels", body);
        assert!(answer["channel"]["id"].is_string(), "{answer}");
        text(&answer["channel"]["id"])
    }

    /// Adds the flow output as documented, to where the input listens.
    pub fn add_output(&mut self, input: &str, changes: Value) {
        let address = self.core.book().input(input).unwrap().addresses()[0].clone();
        let mut output = json!({
            "name": "lunora-lunora-a", "protocol": "rtp-fec", "destination": address, "port": 5000,
            "smoothingLatency": 0, "outputTags": tags(1),
        });
        for (name, value) in changes.as_object().into_iter().flatten() {
            output[name] = value.clone();
        }
        let path = format!("/v1/flows/{}/outputs", self.rules.flow.replace(':', "%3A"));
        self.call("POST", &path, json!({"outputs": [output]}));
    }

    /// A destination with everything made as documented and a row that knows it: input and channel.
    pub fn made(&mut self) -> (String, String) {
        self.wish(json!({}));
        let execution = self.begin();
        let run = self.invoke("create-channel", execution, 0);
        let row = self.row(json!({}));
        self.write_row(run, &row);
        let input = self.make_input();
        self.add_output(&input, json!({}));
        let body = self.channel_body(&input);
        let channel = self.make_channel(body);
        let row = self.row(json!({"input": {"id": input}, "channel": {"id": channel}}));
        self.write_row(run, &row);
        self.happens(What::Returned(run));
        self.pass(5);
        (input, channel)
    }
}

pub fn tags(incarnation: u64) -> Value {
    json!({"lunora:stack": "lunora", "lunora:destination": "a", "lunora:incarnation": incarnation.to_string()})
}

/// Plain JSON as DynamoDB's.
pub fn dynamo(value: &Value) -> Value {
    fn one(value: &Value) -> Value {
        match value {
            Value::String(text) => json!({"S": text}),
            Value::Number(number) => json!({"N": number.to_string()}),
            Value::Bool(flag) => json!({"BOOL": flag}),
            Value::Null => json!({"NULL": true}),
            Value::Array(list) => json!({"L": list.iter().map(one).collect::<Vec<_>>()}),
            Value::Object(_) => json!({"M": dynamo(value)}),
        }
    }
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| (name.clone(), one(value)))
        .collect()
}
