//! Reads states and refuses whatever this runner does not know.

use jiff::SignedDuration;
use serde_json::Value;

use crate::choice::Rule;
use crate::fields::Fields;
use crate::machine::{Kind, Next, State, Task, Timeout, Until};
use crate::template::{Context, Template};
use crate::trouble::{Catcher, Retrier};
use crate::words::Refusal;

/// The longest time the States Language allows, and what a Task without `TimeoutSeconds` gets.
const LONGEST: SignedDuration = SignedDuration::from_secs(99_999_999);

/// Finds the place of the state that a field names.
pub(crate) type Find<'f> = dyn Fn(&Fields<'_>, &str, &str) -> Result<usize, Refusal> + 'f;

impl State {
    /// Reads one state.
    pub(crate) fn read(
        mut fields: Fields<'_>,
        name: &str,
        find: &Find<'_>,
    ) -> Result<State, Refusal> {
        if name.is_empty() || name.chars().count() > 80 {
            return Err(fields.refuse("name", "is not 1 to 80 characters long"));
        }
        fields.text("Comment")?;
        let kind = match fields.need_text("Type")? {
            "Task" => Kind::Task(Task::read(&mut fields, find)?),
            "Choice" => {
                let mut rules = Vec::new();
                for mut rule in fields.objects("Choices")? {
                    let next = rule.need_text("Next")?;
                    let next = find(&rule, "Next", next)?;
                    rule.text("Comment")?;
                    rules.push((Rule::read(&mut rule)?, next));
                    rule.finish()?;
                }
                if rules.is_empty() {
                    return Err(fields.missing("Choices"));
                }
                let default = fields.text("Default")?;
                Kind::Choice {
                    rules,
                    default: default
                        .map(|target| find(&fields, "Default", target))
                        .transpose()?,
                }
            }
            "Wait" => Kind::Wait {
                until: Until::read(&mut fields)?,
                next: Next::read(&mut fields, find)?,
            },
            "Pass" => Kind::Pass {
                result: fields.take("Result").cloned(),
                parameters: template(&mut fields, "Parameters")?,
                result_path: fields.path("ResultPath")?,
                next: Next::read(&mut fields, find)?,
            },
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail {
                error: fields.text("Error")?.unwrap_or_default().into(),
                cause: fields.text("Cause")?.unwrap_or_default().into(),
            },
            other => {
                return Err(fields.refuse(
                    "Type",
                    &format!("{other} is not a type of state this runner knows"),
                ));
            }
        };
        let paths = !matches!(kind, Kind::Fail { .. });
        let input_path = if paths {
            fields.path("InputPath")?
        } else {
            None
        };
        let output_path = if paths {
            fields.path("OutputPath")?
        } else {
            None
        };
        fields.finish()?;
        Ok(State {
            name: name.into(),
            input_path,
            output_path,
            kind,
        })
    }
}

impl Task {
    fn read(fields: &mut Fields<'_>, find: &Find<'_>) -> Result<Task, Refusal> {
        let mut publishes = false;
        let token = match fields.need_text("Resource")? {
            "arn:aws:states:::lambda:invoke" => false,
            "arn:aws:states:::lambda:invoke.waitForTaskToken" => true,
            "arn:aws:states:::sns:publish" => {
                publishes = true;
                false
            }
            other => {
                return Err(fields.refuse(
                    "Resource",
                    &format!("`{other}` is not one this runner knows"),
                ));
            }
        };
        let parameters = fields
            .take("Parameters")
            .ok_or_else(|| fields.missing("Parameters"))?;
        let mut call = fields.inner("Parameters", parameters)?;
        // Each of these as it stands or as a path: read as a template of those fields.
        let mut once = |plain: &'static str, path: &'static str| match call.take(plain).is_some()
            == call.take(path).is_some()
        {
            true => Err(call.refuse(plain, "is missing, or is there twice")),
            false => Ok(()),
        };
        if publishes {
            once("Subject", "Subject.$")?;
            once("Message", "Message.$")?;
        } else {
            once("Payload", "Payload.$")?;
        }
        let target = if publishes {
            "TopicArn"
        } else {
            "FunctionName"
        };
        let target = call.need_text(target)?.to_owned();
        call.finish()?;
        let payload =
            Template::read(parameters).map_err(|why| fields.refuse("Parameters", &why))?;
        if payload.uses(&Context::TaskToken) != token {
            let why = "the task token has to be handed on where it is waited for, and only there";
            return Err(fields.refuse("Parameters", why));
        }
        let fixed = fields.seconds("TimeoutSeconds", 1)?;
        let heartbeat = fields.seconds("HeartbeatSeconds", 1)?;
        let timeout = if fields.take("TimeoutSecondsPath").is_none() {
            Timeout::Seconds(fixed.unwrap_or(LONGEST))
        } else if fixed.or(heartbeat).is_none() {
            Timeout::SecondsAt(fields.need_path("TimeoutSecondsPath")?)
        } else {
            let why = "cannot stand beside TimeoutSeconds or HeartbeatSeconds";
            return Err(fields.refuse("TimeoutSecondsPath", why));
        };
        if heartbeat.is_some_and(|heartbeat| heartbeat >= fixed.unwrap_or(LONGEST)) {
            return Err(fields.refuse("HeartbeatSeconds", "is not below TimeoutSeconds"));
        }
        Ok(Task {
            target,
            publishes,
            payload,
            token,
            timeout,
            heartbeat,
            selector: template(fields, "ResultSelector")?,
            result_path: fields.path("ResultPath")?,
            retry: Retrier::list(fields)?,
            catch: Catcher::list(fields, find)?,
            next: Next::read(fields, find)?,
        })
    }
}

impl Until {
    fn read(fields: &mut Fields<'_>) -> Result<Until, Refusal> {
        const FIELDS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
        let given: Vec<&str> = FIELDS
            .into_iter()
            .filter(|field| fields.take(field).is_some())
            .collect();
        Ok(match given[..] {
            ["Seconds"] => Until::Seconds(fields.seconds("Seconds", 0)?.unwrap_or_default()),
            ["SecondsPath"] => Until::SecondsAt(fields.need_path("SecondsPath")?),
            ["Timestamp"] => {
                let time = fields.need_text("Timestamp")?.parse();
                Until::Time(time.map_err(|_| fields.refuse("Timestamp", "is not a time"))?)
            }
            ["TimestampPath"] => Until::TimeAt(fields.need_path("TimestampPath")?),
            _ => {
                return Err(fields.refuse(
                    "Seconds",
                    "needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath",
                ));
            }
        })
    }
}

impl Next {
    fn read(fields: &mut Fields<'_>, find: &Find<'_>) -> Result<Next, Refusal> {
        match (fields.text("Next")?, fields.take("End").map(Value::as_bool)) {
            (Some(target), None) => find(fields, "Next", target).map(Next::State),
            (None, Some(Some(true))) => Ok(Next::End),
            _ => Err(fields.refuse(
                "Next",
                "needs exactly one of a Next and an End that is true",
            )),
        }
    }
}

/// A payload template, if it is there, of a place without a task token.
fn template(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Template>, Refusal> {
    let Some(value) = fields.take(name) else {
        return Ok(None);
    };
    let template = Template::read(value).map_err(|why| fields.refuse(name, &why))?;
    if template.uses(&Context::TaskToken) {
        return Err(fields.refuse(name, "there is no task token here"));
    }
    Ok(Some(template))
}
