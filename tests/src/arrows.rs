//! Arrows: workers -> cloud -> domain, the simulator and the models alone, and one TLS stack.
//! Only the proof sees the whole house, and nobody sees the proof.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::house;

/// A package of the workspace and what it needs.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Folder from the top of the repository.
    pub folder: String,
    /// What its own `Cargo.toml` asks for, tests and build scripts included.
    pub direct: BTreeSet<String>,
    /// Name and version of everything that ends up in its program.
    pub linked: BTreeSet<(String, String)>,
}

/// What `domain` may lean on: data, time, hashing, the grammar of addresses. Nothing that does I/O.
const DOMAIN: &[&str] = &[
    "idna_adapter",
    "jiff",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "url",
];

/// Names of what drags a second TLS or HTTP stack in: the old hyper line, the system's OpenSSL.
/// With the SDK's default features they come back by themselves.
const SECOND_STACK: &[(&str, &str)] = &[
    ("hyper", "0."),
    ("h2", "0.3."),
    ("rustls", "0.21."),
    ("tokio-rustls", "0.24."),
    ("openssl", ""),
    ("openssl-sys", ""),
    ("native-tls", ""),
    ("rustls-platform-verifier", ""),
];

/// The two crypto providers of rustls: a program needs one.
const PROVIDERS: &[&str] = &["ring", "aws-lc-rs"];

/// What the SDK lets a test put in the place of its connector, clock and sleep. The proof stands behind
/// the real clients with them; it never makes a client of its own.
const CONNECTOR: &[&str] = &[
    "aws-credential-types",
    "aws-smithy-async",
    "aws-smithy-runtime-api",
    "aws-smithy-types",
];

/// Stand-ins for AWS: whoever proves something with them must not have made their mistakes.
const ALONE: &[&str] = &["models", "runner", "simulator"];

/// Crates that are never deployed and that nothing deployed may need.
const BENCHES: &[&str] = &["bench", "conformance", "fuzz", "house", "proof"];

/// What is wrong with the arrows.
pub fn complaints(workspace: &BTreeMap<String, Package>) -> Vec<String> {
    let mut found = Vec::new();
    let workers: BTreeSet<&str> = workspace
        .iter()
        .filter(|(_, package)| package.folder.starts_with("workers/"))
        .map(|(name, _)| name.as_str())
        .collect();
    for (name, package) in workspace {
        let mut wrong = |what: &str| found.push(format!("{name} depends on {what}"));
        let ours: Vec<&str> = package
            .direct
            .iter()
            .map(String::as_str)
            .filter(|other| workspace.contains_key(*other))
            .collect();
        for other in package.direct.iter().map(String::as_str) {
            let sdk = other.starts_with("aws-") || other.starts_with("aws_sdk");
            // A lambda_runtime of its own would let a worker go around the one shell.
            let door = other == "lambda_runtime" || other == "aws_lambda_events";
            let stands_behind = name == "proof" && CONNECTOR.contains(&other);
            if (sdk && !stands_behind && !matches!(name.as_str(), "cloud" | "simulator"))
                || (sdk && other.starts_with("aws-sdk-") && name != "cloud")
            {
                wrong(&format!("{other}: only cloud knows the AWS SDK"));
            }
            if door && name != "cloud" && !workers.contains(name.as_str()) {
                wrong(other);
            }
        }
        if workers.contains(name.as_str()) {
            for other in &ours {
                if !matches!(*other, "cloud" | "domain") {
                    wrong(&format!("{other}: a worker knows cloud and domain only"));
                }
            }
        }
        match name.as_str() {
            "domain" => {
                for other in package
                    .direct
                    .iter()
                    .filter(|other| !DOMAIN.contains(&other.as_str()))
                {
                    wrong(&format!("{other}: domain is pure"));
                }
            }
            "cloud" => {
                for other in ours.iter().filter(|other| **other != "domain") {
                    wrong(&format!("{other}: cloud knows domain only"));
                }
            }
            alone if ALONE.contains(&alone) => {
                for other in &ours {
                    wrong(&format!("{other}: {alone} must not share our mistakes"));
                }
            }
            _ => {}
        }
        let is_bench = BENCHES.contains(&name.as_str());
        for other in ours.iter().filter(|other| BENCHES.contains(other)) {
            if !is_bench || *other == "proof" && name != "fuzz" {
                wrong(&format!("{other}: nothing stands on what only tests"));
            }
        }
        if workers.contains(name.as_str()) || name == "cloud" {
            for (other, version) in &package.linked {
                if SECOND_STACK
                    .iter()
                    .any(|(bad, prefix)| other == bad && version.starts_with(prefix))
                {
                    wrong(&format!("{other} {version}: that is a second TLS stack"));
                }
            }
            let providers: Vec<&str> = PROVIDERS
                .iter()
                .copied()
                .filter(|provider| package.linked.iter().any(|(other, _)| other == provider))
                .collect();
            if providers.len() != 1 {
                wrong(&format!("{providers:?}: exactly one crypto provider"));
            }
        }
    }
    found
}

/// The workspace, from `cargo metadata`. Only what this machine's target links is looked at.
pub fn workspace() -> BTreeMap<String, Package> {
    let host = rustc_host();
    let metadata = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        &host,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let root = house::root();
    metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| {
            let id = id.as_str().unwrap();
            let package = packages[id];
            let manifest = std::path::Path::new(package["manifest_path"].as_str().unwrap());
            let folder = manifest
                .parent()
                .unwrap()
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let direct = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .map(|other| other["name"].as_str().unwrap().to_owned())
                .collect();
            (
                package["name"].as_str().unwrap().to_owned(),
                Package {
                    folder,
                    direct,
                    linked: linked(id, &nodes, &packages),
                },
            )
        })
        .collect()
}

fn linked(
    start: &str,
    nodes: &BTreeMap<&str, &Value>,
    packages: &BTreeMap<&str, &Value>,
) -> BTreeSet<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut next = vec![start];
    let mut found = BTreeSet::new();
    while let Some(id) = next.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages[id];
        found.insert((
            package["name"].as_str().unwrap().to_owned(),
            package["version"].as_str().unwrap().to_owned(),
        ));
        for other in nodes[id]["deps"].as_array().unwrap() {
            let is_normal = other["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind["kind"].is_null());
            if is_normal {
                next.push(
                    nodes
                        .get_key_value(other["pkg"].as_str().unwrap())
                        .unwrap()
                        .0,
                );
            }
        }
    }
    found
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(arguments)
        .current_dir(house::root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn rustc_host() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .expect("rustc names its host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_point_one_way() {
        let workspace = workspace();
        assert!(workspace.len() > 20, "{}", workspace.len());
        assert_eq!(complaints(&workspace), Vec::<String>::new());
    }

    fn small_house() -> BTreeMap<String, Package> {
        let package = |folder: &str, direct: &[&str], linked: &[(&str, &str)]| Package {
            folder: folder.to_owned(),
            direct: direct.iter().map(|name| (*name).to_owned()).collect(),
            linked: linked
                .iter()
                .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
                .collect(),
        };
        let stack = &[
            ("hyper", "1.8.1"),
            ("rustls", "0.23.1"),
            ("ring", "0.17.14"),
        ];
        BTreeMap::from([
            ("domain".to_owned(), package("domain", &["serde"], &[])),
            (
                "cloud".to_owned(),
                package("cloud", &["domain", "aws-sdk-dynamodb"], stack),
            ),
            (
                "claim".to_owned(),
                package("workers/claim", &["cloud", "domain"], stack),
            ),
            (
                "plan".to_owned(),
                package("workers/plan", &["cloud"], stack),
            ),
            (
                "simulator".to_owned(),
                package("simulator", &["serde", "aws-sigv4"], &[]),
            ),
            (
                "models".to_owned(),
                package("tests/models", &["serde_json"], &[]),
            ),
            ("house".to_owned(), package("tests", &["serde_json"], &[])),
            (
                "proof".to_owned(),
                package(
                    "tests/proof",
                    &[
                        "claim",
                        "cloud",
                        "house",
                        "models",
                        "simulator",
                        "aws-smithy-types",
                    ],
                    stack,
                ),
            ),
        ])
    }

    #[test]
    fn each_wrong_arrow_is_seen() {
        assert_eq!(complaints(&small_house()), Vec::<String>::new());
        for (from, to) in [
            ("claim", "plan"),
            ("claim", "simulator"),
            ("claim", "aws-sdk-dynamodb"),
            ("claim", "aws-types"),
            ("cloud", "claim"),
            ("domain", "tokio"),
            ("domain", "cloud"),
            ("simulator", "domain"),
            ("simulator", "aws-sdk-medialive"),
            ("simulator", "lambda_runtime"),
            ("simulator", "models"),
            ("models", "domain"),
            ("proof", "aws-sdk-dynamodb"),
            ("proof", "lambda_runtime"),
            ("plan", "proof"),
            ("cloud", "house"),
            ("simulator", "proof"),
        ] {
            let mut house = small_house();
            house.get_mut(from).unwrap().direct.insert(to.to_owned());
            let found = complaints(&house);
            assert!(
                found
                    .iter()
                    .any(|line| line.starts_with(&format!("{from} depends on {to}"))),
                "{from} -> {to}: {found:?}"
            );
        }
    }

    #[test]
    fn a_second_tls_stack_is_seen() {
        for extra in [
            ("hyper", "0.14.32"),
            ("rustls", "0.21.12"),
            ("openssl-sys", "0.9.1"),
            ("aws-lc-rs", "1.14.0"),
        ] {
            let mut house = small_house();
            house
                .get_mut("plan")
                .unwrap()
                .linked
                .insert((extra.0.to_owned(), extra.1.to_owned()));
            assert_eq!(complaints(&house).len(), 1, "{extra:?}");
        }
    }
}
