//! AWS's own API models, cut down by `model/extract.py`: every operation's URI and status code, and
//! the request shapes of the operations we answer. Routing and request checks read these rows, so
//! that names, URIs, enums and limits are AWS's and not ours.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use super::wire::decode;

/// The two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    MediaLive,
    MediaConnect,
}

impl Service {
    pub fn name(self) -> &'static str {
        match self {
            Service::MediaLive => "medialive",
            Service::MediaConnect => "mediaconnect",
        }
    }
}

#[derive(Deserialize)]
struct Models {
    medialive: Model,
    mediaconnect: Model,
}

#[derive(Deserialize)]
pub(crate) struct Model {
    operations: BTreeMap<String, Operation>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
pub(crate) struct Operation {
    method: String,
    uri: String,
    pub code: u16,
    #[serde(default)]
    pub answered: bool,
    #[serde(default)]
    pub input: String,
    #[serde(default)]
    errors: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Shape {
    r#type: String,
    #[serde(default)]
    r#enum: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    members: BTreeMap<String, String>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<String>,
    value: Option<String>,
}

fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        serde_json::from_str(include_str!("../../model/model.json"))
            .expect("model.json is generated and loads in tests")
    })
}

pub(crate) fn model(service: Service) -> &'static Model {
    match service {
        Service::MediaLive => &models().medialive,
        Service::MediaConnect => &models().mediaconnect,
    }
}

/// Where a request belongs.
pub(crate) struct Route {
    pub service: Service,
    pub name: &'static str,
    pub operation: &'static Operation,
    /// Decoded URI parameters by name.
    pub params: BTreeMap<String, String>,
}

/// One URI of the models, taken apart.
struct Pattern {
    service: Service,
    name: &'static str,
    operation: &'static Operation,
    segments: Vec<&'static str>,
}

/// All URIs by method and number of segments: a request meets only a few of them.
fn patterns() -> &'static BTreeMap<(&'static str, usize), Vec<Pattern>> {
    static PATTERNS: OnceLock<BTreeMap<(&'static str, usize), Vec<Pattern>>> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let mut table: BTreeMap<_, Vec<Pattern>> = BTreeMap::new();
        for service in [Service::MediaLive, Service::MediaConnect] {
            for (name, operation) in &model(service).operations {
                let segments: Vec<&str> = operation.uri.split('/').collect();
                let row = Pattern {
                    service,
                    name,
                    operation,
                    segments,
                };
                table
                    .entry((operation.method.as_str(), row.segments.len()))
                    .or_default()
                    .push(row);
            }
        }
        table
    })
}

/// Finds the operation of a method and a raw path; the URI with the most literal parts wins
/// (`/v1/flows/start/{FlowArn}` before `/v1/flows/{FlowArn}/outputs`).
pub(crate) fn route(method: &str, path: &str) -> Option<Route> {
    let given: Vec<&str> = path.split('/').collect();
    let rows = patterns().get(&(method, given.len()))?;
    let fitting = rows
        .iter()
        .filter_map(|row| Some((literals(row, &given)?, row)));
    let (_, row) = fitting.max_by_key(|(literals, _)| *literals)?;
    let named = row.segments.iter().zip(&given);
    let params = named.filter_map(|(want, got)| Some((parameter(want)?.to_owned(), decode(got))));
    Some(Route {
        service: row.service,
        name: row.name,
        operation: row.operation,
        params: params.collect(),
    })
}

fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// How many segments are the same, if the rest are parameters.
fn literals(row: &Pattern, given: &[&str]) -> Option<usize> {
    let mut same = 0;
    for (want, got) in row.segments.iter().zip(given) {
        if want == got {
            same += 1;
        } else if parameter(want).is_none() || got.is_empty() {
            return None;
        }
    }
    Some(same)
}

impl Operation {
    /// The error's name on the wire: what the model says of this operation and status, or the
    /// service's usual name for a status that the operation does not model.
    pub fn error_name(&self, status: u16) -> String {
        if let Some(name) = self.errors.get(&status.to_string()) {
            return name.clone();
        }
        match status {
            400 => "BadRequestException",
            403 => "ForbiddenException",
            404 => "NotFoundException",
            409 => "ConflictException",
            422 => "UnprocessableEntityException",
            429 => "TooManyRequestsException",
            501 => "UnknownOperationException",
            502 => "BadGatewayException",
            503 => "ServiceUnavailableException",
            504 => "GatewayTimeoutException",
            _ => "InternalServerErrorException",
        }
        .to_owned()
    }
}

/// Every element of a request that the model does not allow, as (element path, text).
/// Unknown members are refused too: the SDKs never send one, so it can only be a mistake.
pub(crate) fn check(service: Service, shape: &str, value: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(model(service), shape, value, "", &mut found);
    found
}

fn walk(model: &Model, name: &str, value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let Some(shape) = model.shapes.get(name) else {
        return;
    };
    let mut wrong = |text: String| found.push((path.to_owned(), text));
    match (shape.r#type.as_str(), value) {
        (_, Value::Null) => {}
        ("structure", Value::Object(members)) => {
            for required in &shape.required {
                if members.get(required).is_none_or(Value::is_null) {
                    wrong(format!("{required} is required"));
                }
            }
            for (key, child) in members {
                match shape.members.get(key) {
                    Some(target) => walk(model, target, child, &join(path, key), found),
                    None => {
                        found.push((join(path, key), "is not a member of this structure".into()))
                    }
                }
            }
        }
        ("list", Value::Array(items)) => {
            let target = shape.member.as_deref().unwrap_or_default();
            for (index, child) in items.iter().enumerate() {
                walk(model, target, child, &format!("{path}[{index}]"), found);
            }
        }
        ("map", Value::Object(entries)) => {
            let target = shape.value.as_deref().unwrap_or_default();
            for (key, child) in entries {
                walk(model, target, child, &join(path, key), found);
            }
        }
        ("string", Value::String(text)) => {
            let length = text.chars().count() as f64;
            if !shape.r#enum.is_empty() && !shape.r#enum.contains(text) {
                wrong(format!("must be one of {}", shape.r#enum.join(", ")));
            } else if shape.min.is_some_and(|min| length < min)
                || shape.max.is_some_and(|max| length > max)
            {
                wrong("has a length out of bounds".into());
            }
        }
        ("integer" | "long", Value::Number(number)) if number.is_i64() || number.is_u64() => {
            bounds(shape, number, wrong)
        }
        ("double" | "float", Value::Number(number)) => bounds(shape, number, wrong),
        ("boolean", Value::Bool(_)) => {}
        (kind, _) => wrong(format!("must be a {kind}")),
    }
}

fn bounds(shape: &Shape, number: &serde_json::Number, mut wrong: impl FnMut(String)) {
    let number = number.as_f64().unwrap_or_default();
    if shape.min.is_some_and(|min| number < min) {
        wrong(format!(
            "must be at least {}",
            shape.min.unwrap_or_default()
        ));
    } else if shape.max.is_some_and(|max| number > max) {
        wrong(format!("must be at most {}", shape.max.unwrap_or_default()));
    }
}

/// AWS's element paths start inside `encoderSettings` (`outputGroups[0].outputGroupSettings...`).
fn join(path: &str, key: &str) -> String {
    if path.is_empty() || path == "encoderSettings" {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
