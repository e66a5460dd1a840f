//! What a deployment of `template.yaml` gives: each function's environment, the state machine, the
//! stream's mapping and the rule. Read from the template itself with its default parameters, so that
//! a function that lacks a variable lacks it here too.

use crate::connector::{ACCOUNT, REGION};
use crate::roles::Deployment;
use cloud::settings::Settings;
use runner::Machine;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

/// A deployment.
#[derive(Debug)]
pub struct Deployed {
    /// Settings by worker.
    settings: BTreeMap<String, Settings>,
    /// The state machine's ARN.
    pub machine_arn: String,
    /// The state machine.
    pub machine: Arc<Machine>,
    /// The ARN of the state machine of incidents.
    pub incident_arn: String,
    /// The state machine of incidents.
    pub incident: Arc<Machine>,
    /// Physical name of the table of incidents.
    pub incidents_table: String,
    /// Its definition, and the functions it invokes.
    story: (String, BTreeMap<String, String>),
    /// The same machine with other limits, made when first needed.
    limited: Mutex<BTreeMap<u32, Arc<Machine>>>,
    /// The mapping of the table's stream.
    pub mapping: Mapping,
    /// Each worker that events wake: sources and detail types that its rule lets through.
    rules: Vec<(&'static str, BTreeSet<String>, BTreeSet<String>)>,
    /// How long each worker's function may run, milliseconds.
    function_ms: BTreeMap<String, u64>,
    /// From tick to tick, milliseconds.
    pub every_ms: u64,
    /// How often, and for how long, Lambda tries an asynchronous event of `resume` again.
    pub resume: Async,
    /// The same for `sweep`.
    pub sweep: Async,
    /// Physical names of the operator's table and of ours.
    pub tables: (String, String),
    /// Physical name of the table of sessions.
    pub sessions: String,
}

/// An event source mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Records per batch.
    pub batch: usize,
    /// Tries after the first.
    pub retries: u32,
    /// What is older is given up, milliseconds.
    pub age_ms: u64,
    /// Whether a failed batch is cut in two.
    pub bisects: bool,
    /// Whether the function says which record failed.
    pub reports: bool,
}

/// An asynchronous invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Async {
    /// Tries after the first.
    pub retries: u32,
    /// What is older is given up, milliseconds.
    pub age_ms: u64,
}

/// The deployment with the template's defaults; read once.
#[must_use]
pub fn deployed() -> &'static Deployed {
    static READ: OnceLock<Deployed> = OnceLock::new();
    READ.get_or_init(|| {
        Deployed::read(
            &house::template::load(),
            &house::house::read(&story_of(&house::template::load())),
        )
        .expect("the template is what the world can deploy")
    })
}

/// Where the template says that the state machine's definition is.
fn story_of(template: &Value) -> String {
    let machine = &template["Resources"]["ReconcileStateMachine"]["Properties"];
    machine["DefinitionUri"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

impl Deployed {
    /// Reads a template and the state machine's text.
    pub fn read(template: &Value, story: &str) -> Result<Deployed, String> {
        let stack = Deployment::new(template.clone());
        let globals = &template["Globals"]["Function"];
        let mut settings = BTreeMap::new();
        let mut function_ms = BTreeMap::new();
        let mut substitutions = BTreeMap::new();
        for (id, function) in stack.resources("AWS::Serverless::Function") {
            let worker = function["CodeUri"]
                .as_str()
                .and_then(|uri| uri.rsplit('/').next())
                .ok_or_else(|| format!("{id} has no CodeUri"))?;
            let own = &function["Environment"]["Variables"];
            let all = &globals["Environment"]["Variables"];
            let read = Settings::from_variables(|name| {
                let value = stack.resolve(own.get(name).or_else(|| all.get(name))?)?;
                Some(
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                )
            });
            settings.insert(
                worker.to_owned(),
                read.map_err(|error| format!("{id}: {error}"))?,
            );
            let limit = function.get("Timeout").unwrap_or(&globals["Timeout"]);
            // Lambda's own default is three seconds.
            function_ms.insert(worker.to_owned(), limit.as_u64().unwrap_or(3) * 1000);
        }
        let machine = &template["Resources"]["ReconcileStateMachine"]["Properties"];
        let name = stack.text(&machine["Name"]);
        substitutions.extend(handed_over(template, &stack, machine));
        let machine =
            Machine::parse(&name, story, &substitutions).map_err(|refusal| refusal.to_string())?;
        let incident = &template["Resources"]["IncidentStateMachine"]["Properties"];
        let incident_name = stack.text(&incident["Name"]);
        let incident_story =
            house::house::read(incident["DefinitionUri"].as_str().unwrap_or_default());
        let incident = Machine::parse(
            &incident_name,
            &incident_story,
            &handed_over(template, &stack, incident),
        )
        .map_err(|refusal| refusal.to_string())?;
        let function = |id: &str| &template["Resources"][id]["Properties"];
        let edit = &function("DispatchFunction")["Events"]["Edit"]["Properties"];
        let whole = |value: &Value| value.as_u64().unwrap_or_default();
        let again = |id: &str| {
            let config = &function(id)["EventInvokeConfig"];
            Async {
                // Lambda's own defaults: two more tries within six hours.
                retries: config["MaximumRetryAttempts"].as_u64().unwrap_or(2) as u32,
                age_ms: config["MaximumEventAgeInSeconds"]
                    .as_u64()
                    .unwrap_or(21_600)
                    * 1000,
            }
        };
        let texts = |value: &Value| -> BTreeSet<String> {
            let value = stack.resolve(value).unwrap_or_default();
            let texts = value.as_array().into_iter().flatten();
            texts
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        let rules = [
            ("resume", "ResumeFunction", "Media"),
            ("watch", "WatchFunction", "Complaint"),
            ("watch-flow", "WatchFlowFunction", "Feed"),
        ]
        .map(|(worker, id, event)| {
            let pattern = &function(id)["Events"][event]["Properties"]["Pattern"];
            (
                worker,
                texts(&pattern["source"]),
                texts(&pattern["detail-type"]),
            )
        })
        .to_vec();
        let tick = &function("SweepFunction")["Events"]["Tick"]["Properties"]["Schedule"];
        let tables = ["DestinationsTable", "LedgerTable", "SessionsTable"].map(|id| {
            let name = &template["Resources"][id]["Properties"]["TableName"];
            stack.text(name)
        });
        let [destinations, ledger, sessions] = tables;
        Ok(Deployed {
            settings,
            machine_arn: format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"),
            machine,
            incident_arn: format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{incident_name}"),
            incident,
            incidents_table: stack
                .text(&template["Resources"]["IncidentsTable"]["Properties"]["TableName"]),
            story: (story.to_owned(), substitutions),
            limited: Mutex::default(),
            mapping: Mapping {
                batch: whole(&edit["BatchSize"]) as usize,
                retries: whole(&edit["MaximumRetryAttempts"]) as u32,
                age_ms: whole(&edit["MaximumRecordAgeInSeconds"]) * 1000,
                bisects: edit["BisectBatchOnFunctionError"] == true,
                reports: edit["FunctionResponseTypes"][0] == "ReportBatchItemFailures",
            },
            rules,
            function_ms,
            every_ms: rate(&stack.text(tick))?,
            resume: again("ResumeFunction"),
            sweep: again("SweepFunction"),
            tables: (destinations, ledger),
            sessions,
        })
    }

    /// The same state machine with another limit for the whole of it.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it made one.
    #[must_use]
    pub fn machine_with_timeout(&self, seconds: u32) -> Arc<Machine> {
        let mut limited = self.limited.lock().expect("no thread panics in between");
        let machine = limited.entry(seconds).or_insert_with(|| {
            let mut story: Value = serde_json::from_str(&self.story.0).expect("it was read before");
            story["TimeoutSeconds"] = seconds.into();
            Machine::parse(self.machine.name(), &story.to_string(), &self.story.1)
                .expect("only the limit is another")
        });
        Arc::clone(machine)
    }

    /// The workers whose rules let an event through.
    #[must_use]
    pub fn woken_by(&self, event: &Value) -> Vec<&'static str> {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        self.rules
            .iter()
            .filter(|(_, sources, kinds)| {
                sources.contains(text("source")) && kinds.contains(text("detail-type"))
            })
            .map(|(worker, ..)| *worker)
            .collect()
    }

    /// How long a worker's function may run, milliseconds.
    #[must_use]
    pub fn function_ms(&self, worker: &str) -> u64 {
        self.function_ms[worker]
    }

    /// The settings of a worker.
    #[must_use]
    pub fn settings(&self, worker: &str) -> &Settings {
        &self.settings[worker]
    }
}

/// What the template hands to a state machine: functions by their ARN, whatever else by its own.
fn handed_over(template: &Value, stack: &Deployment, machine: &Value) -> BTreeMap<String, String> {
    let names = machine["DefinitionSubstitutions"].as_object();
    names
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let id = value["Fn::GetAtt"][0].as_str().unwrap_or_default();
            let uri = template["Resources"][id]["Properties"]["CodeUri"].as_str();
            let arn = match uri.and_then(|uri| uri.rsplit('/').next()) {
                Some(worker) => function_arn(worker),
                None => stack.text(value),
            };
            (key.clone(), arn)
        })
        .collect()
}

/// `rate(1 minute)` in milliseconds.
fn rate(text: &str) -> Result<u64, String> {
    let inner = text
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'));
    let (number, unit) = inner
        .and_then(|inner| inner.split_once(' '))
        .ok_or_else(|| format!("{text} is no rate"))?;
    let number: u64 = number.parse().map_err(|_| format!("{text} is no rate"))?;
    let minutes = match unit.trim_end_matches('s') {
        "minute" => 1,
        "hour" => 60,
        _ => return Err(format!("{text} is no rate")),
    };
    Ok(number * minutes * 60_000)
}

/// The ARN of a worker's function.
#[must_use]
pub fn function_arn(worker: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:lunora-lunora-{worker}")
}

/// The worker whose function an ARN names.
#[must_use]
pub fn worker_of(arn: &str) -> Option<&str> {
    arn.rsplit_once(":lunora-lunora-").map(|pair| pair.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_who_knows_the_machine() {
        let house = deployed();
        let sweep = house.settings("sweep");
        assert_eq!(sweep.state_machine_arn, house.machine_arn);
        assert_eq!(house.settings("create-channel").state_machine_arn, "");
        assert_eq!((sweep.stack.as_str(), sweep.grace_seconds), ("lunora", 900));
        assert_eq!(house.tables.0, "lunora-lunora-destinations");
        assert_eq!(
            (house.function_ms("plan"), house.every_ms),
            (15_000, 60_000)
        );
        assert!(house.mapping.batch == 10 && house.mapping.bisects && house.mapping.reports);
        let event = |source: &str| {
            let kind = "MediaLive Channel State Change";
            serde_json::json!({"source": source, "detail-type": kind})
        };
        assert_eq!(house.woken_by(&event("aws.medialive")), ["resume"]);
        assert!(house.woken_by(&event("somebody.else")).is_empty());
        assert_eq!(
            house.settings("watch").incident_machine_arn,
            house.incident_arn
        );
        for arn in house.machine.functions().union(&house.incident.functions()) {
            assert!(
                crate::functions::find(worker_of(arn).unwrap()).is_some(),
                "{arn}"
            );
        }
    }
}
