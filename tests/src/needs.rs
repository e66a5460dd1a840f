//! What each worker calls, read from the source, against what its role allows: the two are equal.
//!
//! The workers reach AWS through `cloud` only, whose functions are named and small. So the calls of
//! a worker are the calls of the functions it names, and of those that they name. What is missing
//! in a role would show on AWS first, at the first show; what is too much would never show.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::{Value, json};

use crate::permissions;

/// Modules of `cloud` that reach AWS. The two tables are told apart by who asks for them.
pub const MODULES: &[&str] = &[
    "executions",
    "feed",
    "helpers",
    "incidents",
    "inputs",
    "ledgers",
    "makings",
    "measurements",
    "media_connect",
    "media_live",
    "nudge",
    "outages",
    "pace",
    "parameters",
    "records",
    "sessions",
    "step",
    "switch",
    "table",
];

/// What AWS wants besides, for tags, roles and keys (service authorization reference).
const BESIDES: &[(&str, &[&str])] = &[
    ("medialive:CreateInput", &["medialive:CreateTags"]),
    (
        "medialive:CreateChannel",
        &["medialive:CreateTags", "iam:PassRole", "kms:Decrypt"],
    ),
    ("medialive:UpdateChannel", &["iam:PassRole", "kms:Decrypt"]),
    ("mediaconnect:AddFlowOutputs", &["mediaconnect:TagResource"]),
];

/// What Lambda itself does with a role: it reads the stream and sends what it gave up to a queue.
const OF_LAMBDA: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:SendMessage",
];

/// The functions of `cloud`: module, name, body.
pub struct Functions(BTreeMap<(String, String), String>);

impl Functions {
    /// From the source of each module.
    pub fn new(modules: &[(&str, String)]) -> Functions {
        let head = Regex::new(r"(?m)^\s*(?:pub(?:\(crate\))? )?(?:async )?fn ([a-z_]+)")
            .expect("a pattern");
        let mut functions = BTreeMap::new();
        for (module, text) in modules {
            let text = without_tests(text);
            let heads: Vec<_> = head
                .captures_iter(text)
                .map(|found| (found.get(0).expect("all").end(), found[1].to_owned()))
                .collect();
            for (place, (start, name)) in heads.iter().enumerate() {
                let end = heads.get(place + 1).map_or(text.len(), |(next, _)| *next);
                // Methods of the same name in two types of a module add up; that is on the safe side.
                functions
                    .entry(((*module).to_owned(), name.clone()))
                    .or_insert_with(String::new)
                    .push_str(&text[*start..end]);
            }
        }
        Functions(functions)
    }

    /// The actions that a piece of source leads to.
    pub fn actions(&self, source: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        self.follow(without_tests(source), "", None, &mut seen, &mut found);
        found
    }

    fn follow(
        &self,
        body: &str,
        module: &str,
        table: Option<&'static str>,
        seen: &mut BTreeSet<(String, String, Option<&'static str>)>,
        found: &mut BTreeSet<String>,
    ) {
        let table = match module {
            "helpers" | "ledgers" | "nudge" | "outages" | "pace" => Some("ledger"),
            "incidents" => Some("incidents"),
            "records" => Some("destinations"),
            "sessions" => Some("sessions"),
            _ => table,
        };
        let call =
            Regex::new(r"\.(dynamodb|medialive|mediaconnect|ssm|sfn|cloudwatch)\s*\.([a-z_]+)\(\)")
                .expect("a pattern");
        for call in call.captures_iter(body) {
            let service = if &call[1] == "sfn" {
                "states"
            } else {
                &call[1]
            };
            let action = format!(
                "{service}:{}",
                crate::house::pascal(&call[2].replace('_', "-"))
            );
            match (service, table) {
                // A batch is read from both tables at once.
                ("dynamodb", _) if action.ends_with("BatchGetItem") => {
                    found.extend(
                        ["ledger", "destinations"].map(|table| format!("{action} on {table}")),
                    );
                }
                ("dynamodb", Some(table)) => {
                    found.insert(format!("{action} on {table}"));
                }
                _ => {
                    found.insert(action);
                }
            }
        }
        let named =
            Regex::new(r"(?:\b([a-z_]+|Step|Makings)::|(\.)|\b)([a-z_]+)\(").expect("a pattern");
        for name in named.captures_iter(body) {
            let place = match (name.get(1).map(|place| place.as_str()), name.get(2)) {
                (Some("Step"), _) => "step",
                (Some("Makings"), _) => "makings",
                (Some(place), _) => place,
                // A method: of a step, if it is one of its.
                (None, Some(_)) => "step",
                (None, None) => module,
            };
            let key = (place.to_owned(), name[3].to_owned());
            if let Some(body) = self.0.get(&key)
                && seen.insert((key.0.clone(), key.1, table))
            {
                self.follow(body, &key.0, table, seen, found);
            }
        }
    }
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// What a role allows, the tables told apart.
pub fn allowed(template: &Value, role: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for statement in permissions::statements(template, role)
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
    {
        let table = [
            ("LedgerTable", "ledger"),
            ("DestinationsTable", "destinations"),
            ("SessionsTable", "sessions"),
            ("IncidentsTable", "incidents"),
        ]
        .into_iter()
        .find(|(table, _)| statement["Resource"] == json!({"Fn::GetAtt": [table, "Arn"]}));
        for action in permissions::actions(statement) {
            found.insert(match table {
                Some((_, table)) => format!("{action} on {table}"),
                None => action,
            });
        }
    }
    found
}

/// What is wrong between a worker's source and its role.
pub fn complaints(
    worker: &str,
    source: &str,
    functions: &Functions,
    template: &Value,
) -> Vec<String> {
    let needed = functions.actions(source);
    let besides: BTreeSet<String> = BESIDES
        .iter()
        .filter(|(action, _)| needed.contains(*action))
        .flat_map(|(_, more)| more.iter().map(|action| (*action).to_owned()))
        .collect();
    let allowed = allowed(template, &(crate::house::pascal(worker) + "Role"));
    let needed: BTreeSet<String> = needed.union(&besides).cloned().collect();
    let mut found: Vec<String> = needed
        .difference(&allowed)
        .map(|action| format!("{worker} calls {action} and may not"))
        .collect();
    found.extend(
        allowed
            .difference(&needed)
            .filter(|action| !OF_LAMBDA.contains(&action.as_str()))
            .map(|action| format!("{worker} may {action} and never does")),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{house, template};

    fn functions() -> Functions {
        let modules: Vec<(&str, String)> = MODULES
            .iter()
            .map(|module| (*module, house::read(&format!("cloud/src/{module}.rs"))))
            .collect();
        Functions::new(&modules)
    }

    #[test]
    fn every_role_allows_what_its_worker_calls() {
        let (functions, template) = (functions(), template::load());
        let found: Vec<String> = house::workers()
            .iter()
            .flat_map(|worker| {
                let source = house::read(&format!("workers/{worker}/src/lib.rs"));
                complaints(worker, &source, &functions, &template)
            })
            .collect();
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn all_of_cloud_that_reaches_aws_is_known() {
        let client =
            Regex::new(r"\.(dynamodb|medialive|mediaconnect|ssm|sfn|cloudwatch)\s*\.[a-z_]+\(\)")
                .unwrap();
        for file in house::texts() {
            let Some(module) = file
                .path
                .strip_prefix("cloud/src/")
                .and_then(|name| name.strip_suffix(".rs"))
            else {
                continue;
            };
            assert!(
                MODULES.contains(&module) || !client.is_match(without_tests(&file.text)),
                "{module} is not in MODULES"
            );
        }
    }

    /// A small cloud in which every kind of call occurs.
    fn small_cloud() -> Functions {
        let ledgers = "pub async fn open() { write() }\nasync fn write() { table::update(x) }\npub async fn drop() { clients\n.dynamodb\n.delete_item() }";
        let table = "pub async fn update() { clients.dynamodb.update_item() }\n#[cfg(test)]\nfn more() { clients.dynamodb.scan() }";
        let records = "pub async fn mirror() { table::update(x) }";
        let media = "pub async fn stop_channel() { clients.medialive.stop_channel().send() }\npub async fn describe_channel() { clients.medialive.describe_channel() }";
        let step = "pub async fn open_to_unmake() { Step::open() }\nasync fn open() { ledgers::open() }\npub async fn close() { }";
        Functions::new(&[
            ("ledgers", ledgers.into()),
            ("table", table.into()),
            ("records", records.into()),
            ("media_live", media.into()),
            ("step", step.into()),
        ])
    }

    #[test]
    fn calls_are_followed_to_the_table_they_reach() {
        let found = |source: &str| {
            small_cloud()
                .actions(source)
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found("Step::open_to_unmake(cloud)"),
            ["dynamodb:UpdateItem on ledger"]
        );
        assert_eq!(
            found("records::mirror(x); ledgers::drop(y)"),
            [
                "dynamodb:DeleteItem on ledger",
                "dynamodb:UpdateItem on destinations"
            ]
        );
        assert_eq!(
            found("step.close(); media_live::stop_channel(c)"),
            ["medialive:StopChannel"]
        );
        assert_eq!(
            found("ledgers::open(a); records::mirror(b)"),
            [
                "dynamodb:UpdateItem on destinations",
                "dynamodb:UpdateItem on ledger"
            ]
        );
        assert_eq!(
            found("fn f() {}\n#[cfg(test)]\nledgers::drop(y)"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_are_seen() {
        let template = template::load();
        let found = |source: &str| complaints("stop-channel", source, &small_cloud(), &template);
        let all =
            "Step::open_to_unmake(c); media_live::stop_channel(c); media_live::describe_channel(c)";
        assert_eq!(found(all), Vec::<String>::new());
        assert_eq!(
            found(&format!("{all}; ledgers::drop(c)")),
            ["stop-channel calls dynamodb:DeleteItem on ledger and may not"]
        );
        assert_eq!(
            found("Step::open_to_unmake(c); media_live::stop_channel(c)"),
            ["stop-channel may medialive:DescribeChannel and never does"]
        );
    }
}
