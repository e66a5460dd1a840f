//! Payload templates: JSON in which a field `name.$` is filled from the state's input or from the context object.

use serde_json::{Map, Value};

use crate::path::Path;

/// What of the context object our state machines may use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Context {
    ExecutionId,
    ExecutionName,
    ExecutionInput(Path),
    StartTime,
    RedriveCount,
    StateName,
    EnteredTime,
    RetryCount,
    MachineId,
    MachineName,
    TaskToken,
}

impl Context {
    /// Reads a path that begins with `$$.`.
    fn read(text: &str) -> Option<Context> {
        Some(match text {
            "$$.Execution.Id" => Context::ExecutionId,
            "$$.Execution.Name" => Context::ExecutionName,
            "$$.Execution.StartTime" => Context::StartTime,
            "$$.Execution.RedriveCount" => Context::RedriveCount,
            "$$.State.Name" => Context::StateName,
            "$$.State.EnteredTime" => Context::EnteredTime,
            "$$.State.RetryCount" => Context::RetryCount,
            "$$.StateMachine.Id" => Context::MachineId,
            "$$.StateMachine.Name" => Context::MachineName,
            "$$.Task.Token" => Context::TaskToken,
            _ => {
                let rest = text.strip_prefix("$$.Execution.Input")?;
                Context::ExecutionInput(Path::read(&format!("${rest}"))?)
            }
        })
    }
}

/// A template, read once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    Fixed(Value),
    Input(Path),
    Context(Context),
    List(Vec<Template>),
    /// Field by field, with the name as it was written, since errors quote it.
    Object(Vec<(String, Template)>),
}

impl Template {
    /// Reads a template; the error is a sentence about one field.
    pub(crate) fn read(value: &Value) -> Result<Template, String> {
        Ok(match value {
            Value::Array(list) => {
                Template::List(list.iter().map(Template::read).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let mut fields = Vec::new();
                for (name, value) in map {
                    let Some(plain) = name.strip_suffix(".$") else {
                        fields.push((name.clone(), Template::read(value)?));
                        continue;
                    };
                    if map.contains_key(plain) {
                        return Err(format!("`{name}` and `{plain}` stand side by side"));
                    }
                    fields.push((name.clone(), Template::source(name, value)?));
                }
                Template::Object(fields)
            }
            _ => Template::Fixed(value.clone()),
        })
    }

    /// What a field `name.$` is filled from.
    fn source(name: &str, value: &Value) -> Result<Template, String> {
        let text = value
            .as_str()
            .ok_or_else(|| format!("`{name}` is not text"))?;
        let read = if text.starts_with("$$") {
            Context::read(text).map(Template::Context)
        } else {
            Path::read(text).map(Template::Input)
        };
        read.ok_or_else(|| format!("`{name}` is `{text}`, which is not a path this runner knows"))
    }

    /// Whether this is in it.
    pub(crate) fn uses(&self, what: &Context) -> bool {
        match self {
            Template::Fixed(_) | Template::Input(_) => false,
            Template::Context(context) => context == what,
            Template::List(list) => list.iter().any(|item| item.uses(what)),
            Template::Object(fields) => fields.iter().any(|(_, item)| item.uses(what)),
        }
    }

    /// The template with everything put in. The error is Step Functions' own sentence about a path that finds nothing.
    pub(crate) fn fill(
        &self,
        field: &str,
        input: &Value,
        context: &dyn Fn(&Context) -> Option<Value>,
    ) -> Result<Value, String> {
        let nothing = |path: &str| {
            format!(
                "The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{input}'"
            )
        };
        Ok(match self {
            Template::Fixed(value) => value.clone(),
            Template::Input(path) => path.get(input).ok_or_else(|| nothing(path.text()))?.clone(),
            Template::Context(what) => {
                context(what).ok_or_else(|| nothing("$$.Execution.Input"))?
            }
            Template::List(list) => Value::Array(
                list.iter()
                    .map(|item| item.fill(field, input, context))
                    .collect::<Result<_, _>>()?,
            ),
            Template::Object(fields) => {
                let mut map = Map::new();
                for (name, item) in fields {
                    let plain = name.strip_suffix(".$").unwrap_or(name);
                    map.insert(plain.into(), item.fill(name, input, context)?);
                }
                Value::Object(map)
            }
        })
    }
}
