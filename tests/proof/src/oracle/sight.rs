//! What the oracles are shown after every step of a world: the cloud's own book, both tables, and
//! what happened since the last look, one fact per line. Small plain data, so that an oracle can be
//! tested with a hand-made violation.

use std::sync::Arc;

use models::Database;
use serde_json::Value;
use simulator::core::book::Book;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Milliseconds since 1970.
    pub at: u64,
    /// The destination it is about, if it is about one.
    pub destination: Option<Arc<str>>,
    /// What.
    pub what: What,
}

/// The kinds of facts.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An operator wrote the record (the whole item as DynamoDB's JSON) or deleted it.
    Wished {
        /// The item after the act; absent: deleted.
        item: Option<Arc<Value>>,
    },
    /// An operator put a key into a parameter, or took the parameter away.
    Key {
        /// The parameter's name.
        parameter: Arc<str>,
        /// Its version and the fingerprint of its value; absent: it is gone.
        version: Option<(u64, u64)>,
        /// Whether it is a SecureString.
        secure: bool,
    },
    /// A person did something in the cloud's console.
    ByHand {
        /// `stop_channel`.
        action: Arc<str>,
        /// On what.
        resource: Arc<str>,
    },
    /// An execution began.
    Begun {
        /// Its ARN.
        execution: Arc<str>,
    },
    /// An execution entered a state.
    Entered {
        /// The execution's ARN.
        execution: Arc<str>,
        /// The state's name.
        state: Arc<str>,
        /// Bytes of the state's input as JSON.
        bytes: usize,
    },
    /// An execution ended.
    Ended {
        /// Its ARN.
        execution: Arc<str>,
        /// How, as DescribeExecution says it.
        status: &'static str,
    },
    /// A function was invoked.
    Invoked {
        /// The invocation, unique in the run.
        run: u64,
        /// The worker: `create-channel`.
        worker: &'static str,
        /// The execution that invoked it, if one did.
        execution: Option<Arc<str>>,
        /// What it was given.
        payload: Arc<Value>,
    },
    /// A function answered.
    Returned {
        /// The invocation.
        run: u64,
        /// Empty: done. Otherwise the error's name.
        error: Option<Arc<str>>,
        /// Its answer or the error's message.
        text: Arc<str>,
    },
    /// A function's process ended without an answer: it crashed or ran out of time.
    Died {
        /// The invocation.
        run: u64,
        /// Why.
        why: &'static str,
    },
    /// A worker sent a call.
    Sent {
        /// The invocation.
        run: u64,
        /// The call, unique in the run.
        call: u64,
        /// `medialive`, `mediaconnect`, `dynamodb`, `ssm` or `states`.
        service: &'static str,
        /// `StartChannel`.
        operation: Arc<str>,
        /// What it sent: URI and body. Empty for the two calls that may hold a key.
        text: Arc<str>,
    },
    /// A call had its effect, or was refused.
    Landed {
        /// The call.
        call: u64,
        /// HTTP status.
        status: u16,
        /// The error's name.
        error: Option<Arc<str>>,
    },
    /// The caller heard nothing of a call: its answer was lost or came too late.
    Unheard {
        /// The call.
        call: u64,
    },
    /// A fault of the plan happened.
    Fault {
        /// Its kind: `answer lost`.
        kind: Arc<str>,
        /// Where: `create-channel medialive:CreateChannel`.
        site: Arc<str>,
    },
    /// A worker wrote a log line or a metric.
    Line {
        /// The invocation.
        run: u64,
        /// The text.
        text: Arc<str>,
    },
    /// An event, a stream record or a tick reached a function, or was lost on the way.
    Hint {
        /// `channel RUNNING`, `stream MODIFY`, `tick`.
        what: Arc<str>,
        /// Whether it was lost.
        lost: bool,
    },
    /// A wait was ended by its token, or the token was refused.
    Token {
        /// Whether it was taken.
        taken: bool,
    },
}

impl Fact {
    /// A fact about a destination.
    #[must_use]
    pub fn of(at: u64, destination: &str, what: What) -> Fact {
        Fact {
            at,
            destination: Some(destination.into()),
            what,
        }
    }
}

/// Everything an oracle may look at after one step.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// Milliseconds since 1970.
    pub now: u64,
    /// The simulated account's book.
    pub book: Book<'a>,
    /// Both tables.
    pub tables: &'a dyn Tables,
    /// Rows of either table that were written since the last look: table and key.
    pub written: &'a [(Table, String)],
    /// What happened since the last look.
    pub facts: &'a [Fact],
}

/// One of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The operator's.
    Destinations,
    /// Ours.
    Ledger,
}

/// The tables, read without a call.
pub trait Tables {
    /// An item as DynamoDB's JSON.
    fn item(&self, table: Table, key: &str) -> Option<&Value>;
    /// Every key of a table.
    fn keys(&self, table: Table) -> Vec<String>;
}

/// The tables of the in-process database under their physical names.
pub struct InDatabase<'a> {
    /// The database.
    pub database: &'a Database,
    /// Physical name of the operator's table.
    pub destinations: &'a str,
    /// Physical name of ours.
    pub ledger: &'a str,
}

impl InDatabase<'_> {
    fn name(&self, table: Table) -> &str {
        match table {
            Table::Destinations => self.destinations,
            Table::Ledger => self.ledger,
        }
    }
}

impl Tables for InDatabase<'_> {
    fn item(&self, table: Table, key: &str) -> Option<&Value> {
        self.database.item(self.name(table), key)
    }

    fn keys(&self, table: Table) -> Vec<String> {
        let items = self.database.items(self.name(table));
        items.map(|(key, _)| key.to_owned()).collect()
    }
}
