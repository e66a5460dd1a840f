//! What the template tells a function through its environment.

use domain::Error;
use domain::caps::Limits;
use domain::cost::Money;
use domain::problem::Code;

/// The stack's settings, read once per process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The stack's label: part of every name and tag.
    pub stack: String,
    /// Physical name of the operator's table.
    pub destinations_table: String,
    /// Physical name of our own table.
    pub ledger_table: String,
    /// Physical name of the table of sessions.
    pub sessions_table: String,
    /// Physical name of the table of incidents.
    pub incidents_table: String,
    /// The flow that carries the programme.
    pub flow_arn: String,
    /// The one input security group.
    pub input_security_group_id: String,
    /// The role that MediaLive assumes.
    pub media_live_role_arn: String,
    /// Where stream keys must be.
    pub parameter_store_prefix: String,
    /// The feed's bit rate, bit/s: decides the input's price class.
    pub feed_bitrate: u64,
    /// How long resources of a stopped destination are kept, seconds.
    pub grace_seconds: i64,
    /// How long a flow that nobody needs stays up, seconds.
    pub flow_grace_seconds: i64,
    /// Whether the flow comes down when nobody needs it.
    pub flow_on_demand: bool,
    /// The limits of a destination whose record has none of its own.
    pub limits: Limits,
    /// The state machine; empty where a function has no business with it.
    pub state_machine_arn: String,
    /// The state machine of incidents; empty where a function has no business with it.
    pub incident_machine_arn: String,
    /// Where the runbooks can be read.
    pub runbooks: String,
}

impl Settings {
    /// Reads the environment. Fails with a sentence that names the variable.
    pub fn from_environment() -> Result<Settings, Error> {
        Settings::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads variables from wherever they are.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Settings, Error> {
        let text = |name: &str| {
            variable(name)
                .ok_or_else(|| wrong(format!("The function's environment has no {name}.")))
        };
        Ok(Settings {
            stack: text("STACK")?,
            destinations_table: text("DESTINATIONS_TABLE")?,
            ledger_table: text("LEDGER_TABLE")?,
            sessions_table: text("SESSIONS_TABLE")?,
            incidents_table: variable("INCIDENTS_TABLE").unwrap_or_default(),
            flow_arn: text("FLOW_ARN")?,
            input_security_group_id: text("INPUT_SECURITY_GROUP_ID")?,
            media_live_role_arn: text("MEDIA_LIVE_ROLE_ARN")?,
            parameter_store_prefix: text("PARAMETER_STORE_PREFIX")?,
            feed_bitrate: number("FEED_BITRATE", &text("FEED_BITRATE")?)?,
            grace_seconds: number("GRACE_SECONDS", &text("GRACE_SECONDS")?)?,
            flow_grace_seconds: number("FLOW_GRACE_SECONDS", &text("FLOW_GRACE_SECONDS")?)?,
            flow_on_demand: text("FLOW_POLICY")? == "on_demand",
            limits: limits(&text)?,
            state_machine_arn: variable("STATE_MACHINE_ARN").unwrap_or_default(),
            incident_machine_arn: variable("INCIDENT_MACHINE_ARN").unwrap_or_default(),
            runbooks: variable("RUNBOOKS").unwrap_or_else(|| "docs/runbooks".to_owned()),
        })
    }

    /// The planner's numbers.
    pub fn plan_rules(&self) -> domain::plan::Rules {
        domain::plan::Rules {
            feed_bitrate: self.feed_bitrate,
            limits: self.limits,
            ..domain::plan::Rules::new(self.grace_seconds, &self.parameter_store_prefix)
        }
    }

    /// The ARN of an execution of our state machine.
    pub fn execution_arn(&self, name: &str) -> String {
        format!(
            "{}:{name}",
            self.state_machine_arn
                .replacen(":stateMachine:", ":execution:", 1)
        )
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|_| wrong(format!("The function's {name} is not a number.")))
}

/// A limit of zero is none.
fn limits(text: &impl Fn(&str) -> Result<String, Error>) -> Result<Limits, Error> {
    let millionths = |name: &str| -> Result<Option<u64>, Error> {
        let text = text(name)?;
        let number = Money::parse(&text)
            .ok_or_else(|| wrong(format!("The function's {name} is not a number.")))?;
        Ok(Some(number.0).filter(|number| *number > 0))
    };
    let seconds = |name: &str, unit: u64| -> Result<Option<i64>, Error> {
        let seconds =
            millionths(name)?.map(|number| number.saturating_mul(unit).div_ceil(1_000_000));
        Ok(seconds.and_then(|seconds| i64::try_from(seconds).ok()))
    };
    Ok(Limits {
        no_input_seconds: seconds("NO_INPUT_MINUTES_MAX", 60)?,
        session_seconds: seconds("SESSION_HOURS_MAX", 3600)?,
        usd_per_day: millionths("BUDGET_USD_PER_DAY")?.map(Money),
        usd_per_month: millionths("BUDGET_USD_PER_MONTH")?.map(Money),
    })
}

fn wrong(message: String) -> Error {
    Error::permanent(Code::Internal, message)
}
