//! Systems Manager's Parameter Store: versions, SecureString, and a stand-in for what is encrypted.

use crate::{Answer, answer::Refusal, database::known};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A standard parameter's largest value, from the Systems Manager quotas.
const VALUE_BYTES: usize = 4096;

/// One version of a parameter.
#[derive(Clone)]
struct Version {
    value: String,
    secure: bool,
    at_ms: u64,
}

/// All parameters of one account in one Region. No Debug: the values are stream keys.
#[derive(Clone, Default)]
pub struct Parameters {
    versions: BTreeMap<String, Vec<Version>>,
}

impl Parameters {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a parameter; over an older one it is the next version.
    pub fn put(&mut self, name: &str, value: &str, secure: bool, now_ms: u64) {
        let version = Version {
            value: value.to_owned(),
            secure,
            at_ms: now_ms,
        };
        self.versions
            .entry(name.to_owned())
            .or_default()
            .push(version);
    }

    /// Removes a parameter with all its versions. False: there was none.
    pub fn delete(&mut self, name: &str) -> bool {
        self.versions.remove(name).is_some()
    }

    /// The newest version of a parameter without a call: its number, its value and whether it is a
    /// SecureString.
    #[must_use]
    pub fn newest(&self, name: &str) -> Option<(usize, &str, bool)> {
        let versions = self.versions.get(name)?;
        let last = versions.last()?;
        Some((versions.len(), &last.value, last.secure))
    }

    /// Answers one call. `operation` is the part of `x-amz-target` after the dot.
    pub fn handle(&mut self, now_ms: u64, operation: &str, body: &Value) -> Answer {
        Answer::of(match operation {
            "GetParameter" => {
                known(operation, body, &[&["Name", "WithDecryption"]]);
                let asked = body["Name"].as_str().unwrap_or_default();
                self.look(asked, body["WithDecryption"] == true)
                    .map(|found| json!({"Parameter": found}))
            }
            "GetParameters" => self.several(body),
            "PutParameter" => self.write(now_ms, body),
            "DeleteParameter" => {
                known(operation, body, &[&["Name"]]);
                match self.delete(body["Name"].as_str().unwrap_or_default()) {
                    true => Ok(json!({})),
                    false => Err(Refusal::new("ParameterNotFound", "")),
                }
            }
            other => panic!("Parameter Store's {other} is not modelled"),
        })
    }

    fn several(&self, body: &Value) -> Result<Value, Refusal> {
        known("GetParameters", body, &[&["Names", "WithDecryption"]]);
        let names: Vec<&str> = body["Names"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !(1..=10).contains(&names.len())
            || names.iter().collect::<BTreeSet<_>>().len() < names.len()
        {
            return Err(Refusal::validation("Names must be 1 to 10, each once"));
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for name in names {
            match self.look(name, body["WithDecryption"] == true) {
                Ok(parameter) => found.push(parameter),
                Err(_) => missing.push(name),
            }
        }
        Ok(json!({"Parameters": found, "InvalidParameters": missing}))
    }

    fn look(&self, asked: &str, decrypted: bool) -> Result<Value, Refusal> {
        assert!(
            !asked.starts_with("arn:"),
            "the models know parameters by name only"
        );
        let (name, selector) = asked
            .split_once(':')
            .map_or((asked, None), |(name, at)| (name, Some(at)));
        check_name(name)?;
        let versions = self
            .versions
            .get(name)
            .ok_or_else(|| Refusal::new("ParameterNotFound", ""))?;
        let number = match selector {
            None => versions.len(),
            Some(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("the models do not know parameter labels")),
        };
        let version = number.checked_sub(1).and_then(|at| versions.get(at)).ok_or_else(|| {
            Refusal::new(
                "ParameterVersionNotFound",
                format!("Systems Manager could not find version {number} of {name}. Verify the version and try again."),
            )
        })?;
        let mut parameter = json!({
            "Name": name,
            "Type": if version.secure { "SecureString" } else { "String" },
            "Value": if version.secure && !decrypted { sealed(name, number) } else { version.value.clone() },
            "Version": number,
            "LastModifiedDate": version.at_ms as f64 / 1000.0,
            "ARN": format!("arn:aws:ssm:us-west-2:123456789012:parameter{}{name}", if name.starts_with('/') { "" } else { "/" }),
            "DataType": "text",
        });
        if let Some(selector) = selector {
            parameter["Selector"] = format!(":{selector}").into();
        }
        Ok(parameter)
    }

    fn write(&mut self, now_ms: u64, body: &Value) -> Result<Value, Refusal> {
        known(
            "PutParameter",
            body,
            &[&["Name", "Value", "Type", "Overwrite"]],
        );
        let (name, value) = (
            body["Name"].as_str().unwrap_or_default(),
            body["Value"].as_str().unwrap_or_default(),
        );
        check_name(name)?;
        let there = self.versions.get(name).and_then(|versions| versions.last());
        let secure = match (body["Type"].as_str(), there) {
            (Some("SecureString"), _) => true,
            (Some("String"), _) => false,
            (None, Some(there)) => there.secure,
            (None, None) => {
                return Err(Refusal::validation(
                    "A parameter type is required when you create a parameter.",
                ));
            }
            (Some(other), _) => panic!("the models do not know parameters of type {other}"),
        };
        if there.is_some() && body["Overwrite"] != true {
            return Err(Refusal::new(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            ));
        }
        if value.is_empty() || value.len() > VALUE_BYTES {
            return Err(Refusal::validation(format!(
                "A standard parameter's value has 1 to {VALUE_BYTES} characters."
            )));
        }
        self.put(name, value, secure, now_ms);
        Ok(json!({"Version": self.versions[name].len(), "Tier": "Standard"}))
    }
}

/// The API reference's rules of a name: letters, digits and `.-_`, in up to 15 levels; what begins
/// with aws or ssm is AWS's own; a name with levels begins with a slash.
fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let first = name
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let levels = name.matches('/').count();
    let right = !first.is_empty()
        && name.len() <= 1011
        && name.chars().all(plain)
        && (levels == 0 || name.starts_with('/') && levels <= 15)
        && !name.contains("//")
        && !name.ends_with('/');
    if right && name.starts_with('/') && first.starts_with("aws") {
        Err(Refusal::new(
            "AccessDeniedException",
            format!("No access to reserved parameter name: {name}."),
        ))
    } else if right && !first.starts_with("aws") && !first.starts_with("ssm") {
        Ok(())
    } else {
        Err(Refusal::validation(format!(
            "Parameter name: can't be prefixed with \"ssm\" or \"aws\" (case-insensitive), and must be a fully qualified name of letters, digits and .-_ in levels: {name}"
        )))
    }
}

/// What stands in for a KMS ciphertext: made from name and version, never from the value.
fn sealed(name: &str, version: usize) -> String {
    let mut state = name
        .bytes()
        .fold(version as u64 ^ 0xcbf2_9ce4_8422_2325, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let mut text = String::from("AQICAH");
    while text.len() < 120 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push(char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                [(state >> 58) as usize],
        ));
    }
    text
}
