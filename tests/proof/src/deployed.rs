//! What a deployment of `template.yaml` gives: each function's environment, the state machine, the
//! stream's mapping and the rule. Read from the template itself with its default parameters, so that
//! a function that lacks a variable lacks it here too.

use crate::connector::{ACCOUNT, REGION};
use cloud::settings::Settings;
use runner::Machine;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
};

/// Physical ids that CloudFormation would give, for what the defaults make it create.
const FLOW: &str =
    "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-canaryFlow0001-canary000001:lunora-lunora";

/// A deployment.
#[derive(Debug)]
pub struct Deployed {
    /// Settings by worker.
    settings: BTreeMap<String, Settings>,
    /// The state machine's ARN.
    pub machine_arn: String,
    /// The state machine.
    pub machine: Arc<Machine>,
    /// Its definition, and the functions it invokes.
    story: (String, BTreeMap<String, String>),
    /// The same machine with other limits, made when first needed.
    limited: Mutex<BTreeMap<u32, Arc<Machine>>>,
    /// The mapping of the table's stream.
    pub mapping: Mapping,
    /// Detail types that the rule lets through.
    pub rule: BTreeSet<String>,
    /// How long a function may run, milliseconds.
    pub function_ms: u64,
    /// How often, and for how long, Lambda tries an asynchronous event of `resume` again.
    pub resume: Async,
    /// The same for `sweep`.
    pub sweep: Async,
    /// Physical names of the two tables.
    pub tables: (String, String),
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
            &house::house::read("statemachines/reconcile.asl.json"),
        )
        .expect("the template is what the world can deploy")
    })
}

impl Deployed {
    /// Reads a template and the state machine's text.
    pub fn read(template: &Value, story: &str) -> Result<Deployed, String> {
        let stack = Stack { template };
        let globals = &template["Globals"]["Function"];
        let mut settings = BTreeMap::new();
        let mut substitutions = BTreeMap::new();
        for (id, function) in house::template::resources(template, "AWS::Serverless::Function") {
            let worker = function["CodeUri"]
                .as_str()
                .and_then(|uri| uri.rsplit('/').next())
                .ok_or_else(|| format!("{id} has no CodeUri"))?;
            let own = &function["Environment"]["Variables"];
            let all = &globals["Environment"]["Variables"];
            let read = Settings::from_variables(|name| {
                let value = own.get(name).or_else(|| all.get(name))?;
                stack.text(value)
            });
            settings.insert(
                worker.to_owned(),
                read.map_err(|error| format!("{id}: {error}"))?,
            );
        }
        let machine = &template["Resources"]["ReconcileStateMachine"]["Properties"];
        let name = stack.text(&machine["Name"]).unwrap_or_default();
        for (key, value) in machine["DefinitionSubstitutions"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let id = value["Fn::GetAtt"][0].as_str().unwrap_or_default();
            let uri = template["Resources"][id]["Properties"]["CodeUri"].as_str();
            let worker = uri
                .and_then(|uri| uri.rsplit('/').next())
                .unwrap_or_default();
            substitutions.insert(key.clone(), function_arn(worker));
        }
        let machine =
            Machine::parse(&name, story, &substitutions).map_err(|refusal| refusal.to_string())?;
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
        let pattern = &function("ResumeFunction")["Events"]["Media"]["Properties"]["Pattern"];
        let types = pattern["detail-type"].as_array().into_iter().flatten();
        let tables = ["DestinationsTable", "LedgerTable"].map(|id| {
            let name = &template["Resources"][id]["Properties"]["TableName"];
            stack.text(name).unwrap_or_default()
        });
        let [destinations, ledger] = tables;
        Ok(Deployed {
            settings,
            machine_arn: format!("arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"),
            machine,
            story: (story.to_owned(), substitutions),
            limited: Mutex::default(),
            mapping: Mapping {
                batch: whole(&edit["BatchSize"]) as usize,
                retries: whole(&edit["MaximumRetryAttempts"]) as u32,
                age_ms: whole(&edit["MaximumRecordAgeInSeconds"]) * 1000,
                bisects: edit["BisectBatchOnFunctionError"] == true,
                reports: edit["FunctionResponseTypes"][0] == "ReportBatchItemFailures",
            },
            rule: types
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            function_ms: whole(&globals["Timeout"]) * 1000,
            resume: again("ResumeFunction"),
            sweep: again("SweepFunction"),
            tables: (destinations, ledger),
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

    /// The settings of a worker.
    #[must_use]
    pub fn settings(&self, worker: &str) -> &Settings {
        &self.settings[worker]
    }
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

/// The flow that CloudFormation makes. The world hands the simulator's ARN in its place.
#[must_use]
pub fn placeholder_flow() -> &'static str {
    FLOW
}

/// CloudFormation's functions, as far as the template's environment uses them.
struct Stack<'a> {
    template: &'a Value,
}

impl Stack<'_> {
    fn text(&self, value: &Value) -> Option<String> {
        if let Some(text) = value.as_str() {
            return Some(text.to_owned());
        }
        if value.is_number() || value.is_boolean() {
            return Some(value.to_string());
        }
        let (function, of) = value.as_object()?.iter().next()?;
        match function.as_str() {
            "Ref" => self.reference(of.as_str()?),
            "Fn::GetAtt" => self.reference(of[0].as_str()?),
            "Fn::If" => {
                let branch = if self.holds(&self.template["Conditions"][of[0].as_str()?]) {
                    1
                } else {
                    2
                };
                self.text(&of[branch])
            }
            "Fn::Sub" => Some(self.substituted(of.as_str()?)),
            _ => None,
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            out.push_str(&self.reference(name).unwrap_or_default());
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    fn reference(&self, name: &str) -> Option<String> {
        match name {
            "AWS::NoValue" => return None,
            "AWS::Partition" => return Some("aws".into()),
            "AWS::Region" => return Some(REGION.into()),
            "AWS::AccountId" => return Some(ACCOUNT.into()),
            _ => {}
        }
        if let Some(default) = self
            .template
            .pointer(&format!("/Parameters/{name}/Default"))
        {
            return self.text(default);
        }
        match name {
            "Flow" => Some(FLOW.into()),
            "InputSecurityGroup" => Some("1234567".into()),
            "MediaLiveRole" => Some(format!(
                "arn:aws:iam::{ACCOUNT}:role/lunora-lunora-MediaLiveRole"
            )),
            _ => self.text(&self.template["Resources"][name]["Properties"]["TableName"]),
        }
    }

    fn holds(&self, condition: &Value) -> bool {
        let Some((function, of)) = condition.as_object().and_then(|all| all.iter().next()) else {
            return false;
        };
        match function.as_str() {
            "Fn::Equals" => self.text(&of[0]) == self.text(&of[1]),
            "Fn::Not" => !self.holds(&of[0]),
            "Fn::And" => of
                .as_array()
                .into_iter()
                .flatten()
                .all(|one| self.holds(one)),
            "Fn::Or" => of
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| self.holds(one)),
            "Condition" => of
                .as_str()
                .is_some_and(|name| self.holds(&self.template["Conditions"][name])),
            _ => false,
        }
    }
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
        assert_eq!(house.function_ms, 15_000);
        assert!(house.mapping.batch == 10 && house.mapping.bisects && house.mapping.reports);
        assert!(house.rule.contains("MediaLive Channel State Change"));
        for arn in house.machine.functions() {
            assert!(
                crate::functions::find(worker_of(&arn).unwrap()).is_some(),
                "{arn}"
            );
        }
    }
}
