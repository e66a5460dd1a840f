//! The only crate that knows the AWS SDK: tables, media, secrets, executions, and the one mapping
//! of errors. Workers speak to AWS through it and in our words.

pub mod clients;
mod date;
mod encoder;
pub mod executions;
pub mod fault;
pub mod feed;
pub mod helpers;
pub mod incidents;
pub mod inputs;
pub mod ledgers;
pub mod makings;
pub mod measurements;
pub mod media_connect;
pub mod media_live;
pub mod nudge;
pub mod outages;
pub mod pace;
pub mod parameters;
pub mod payload;
pub mod records;
pub mod sessions;
pub mod settings;
pub mod shell;
pub mod step;
pub mod switch;
mod table;

pub use aws_lambda_events as events;
pub use domain::Error;
pub use jiff::Timestamp;

/// MediaConnect says 400 to whatever is wrong, also to a change of a flow that is busy with another
/// destination's: only after so many tries is it a refusal.
pub const FLOW_TRIES: u32 = 8;

/// What a worker works with: made once per process, borrowed by the handler.
pub struct Cloud {
    /// The stack's settings.
    pub settings: settings::Settings,
    /// The SDK clients.
    pub clients: clients::Clients,
    clock: fn() -> Timestamp,
    log: fn(&str),
}

impl Cloud {
    /// The cloud that the function's environment names.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that has a clock to give"
    )]
    pub fn from_environment() -> Result<Cloud, Error> {
        let settings = settings::Settings::from_environment()?;
        Ok(Cloud::new(
            settings,
            clients::Clients::from_environment(),
            Timestamp::now,
        ))
    }

    /// A cloud from its parts; the clock is one of them, so that a test can have its own.
    pub fn new(
        settings: settings::Settings,
        clients: clients::Clients,
        clock: fn() -> Timestamp,
    ) -> Cloud {
        Cloud {
            settings,
            clients,
            clock,
            log: shell::print,
        }
    }

    /// The same cloud with another place for its lines, so that a test hears every byte of them.
    pub fn with_log(self, log: fn(&str)) -> Cloud {
        Cloud { log, ..self }
    }

    /// The time, read once where a decision needs it.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Writes one line to the log.
    fn say(&self, line: &str) {
        (self.log)(line);
    }

    /// Opens the connection that nearly every invocation needs while nobody waits for it yet.
    /// Whether it worked does not matter: the first real call would open it then.
    async fn warm(&self) {
        drop(helpers::read(&self.clients, &self.settings, helpers::FLOW_KEY).await);
    }
}
