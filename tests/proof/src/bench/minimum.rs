//! The calls that one life cannot do without: made, started, on the air, stopped, removed, by two
//! edits of the record. Whatever a control plane does beyond them is its own overhead.
//!
//! A call is counted where it reaches a service, refused or not. The sweep's are not counted: it
//! makes the same few calls a minute for all destinations together, whether or not one of them lives.
//! What the operator does is not counted either.

use crate::operations::Service;

/// Calls for one purpose.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Whose.
    pub service: Service,
    /// How many.
    pub calls: u64,
    /// Which.
    pub what: &'static str,
    /// Why not fewer.
    pub why: &'static str,
}

const fn row(service: Service, calls: u64, what: &'static str, why: &'static str) -> Row {
    Row {
        service,
        calls,
        what,
        why,
    }
}

/// All of them.
pub const ROWS: &[Row] = &[
    row(
        Service::MediaLive,
        6,
        "CreateInput, CreateChannel, StartChannel, StopChannel, DeleteChannel, DeleteInput",
        "MediaLive does none of them by itself, and batches take only starts, stops and deletes",
    ),
    row(
        Service::MediaLive,
        4,
        "a look at each state that is waited for: IDLE, RUNNING, IDLE again, DELETED",
        "events are best effort and come in any order, so something must be asked that knows",
    ),
    row(
        Service::MediaConnect,
        2,
        "AddFlowOutputs, RemoveFlowOutput",
        "an output of our own can be switched off, so that a stopped destination is not sent anything",
    ),
    row(
        Service::Ssm,
        1,
        "GetParameter",
        "the key is kept nowhere else",
    ),
    row(
        Service::States,
        2,
        "StartExecution for each edit",
        "nothing runs between two edits",
    ),
    row(
        Service::States,
        4,
        "SendTaskSuccess for each state that is waited for",
        "the other way is to ask again and again",
    ),
    row(
        Service::DynamoDb,
        4,
        "the lease of each edit taken and given back",
        "two executions may not act on one record",
    ),
    row(
        Service::DynamoDb,
        6,
        "record and row read for each edit and after each state that was waited for",
        "the wish may have changed meanwhile",
    ),
    row(
        Service::DynamoDb,
        8,
        "a note before each act: six at MediaLive, two at MediaConnect",
        "what is made and not answered must be found again; the outcome comes with the next note",
    ),
    row(
        Service::DynamoDb,
        4,
        "the token of each state that is waited for",
        "whoever hears the event is another function",
    ),
    row(
        Service::DynamoDb,
        4,
        "whose channel an event is about",
        "an event names the channel only",
    ),
    row(
        Service::DynamoDb,
        2,
        "which destination a channel serves, written and removed",
        "the row that the line above reads",
    ),
    row(
        Service::DynamoDb,
        2,
        "the address and key held and let go",
        "two channels to one stream key throw each other off the platform",
    ),
    row(
        Service::DynamoDb,
        2,
        "the record shows `starting` and `streaming`",
        "the operator reads nothing else; the record itself is deleted in the end",
    ),
];

/// How many in all, or of one service.
#[must_use]
pub fn calls(service: Option<Service>) -> u64 {
    let rows = ROWS.iter();
    rows.filter(|row| service.is_none_or(|service| row.service == service))
        .map(|row| row.calls)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_adds_up() {
        assert_eq!(calls(Some(Service::MediaLive)), 10);
        assert_eq!(calls(Some(Service::MediaConnect)), 2);
        assert_eq!(calls(Some(Service::Ssm)), 1);
        assert_eq!(calls(Some(Service::States)), 6);
        assert_eq!(calls(Some(Service::DynamoDb)), 32);
        assert_eq!(calls(None), 51);
        assert!(
            ROWS.iter()
                .all(|row| !row.what.is_empty() && !row.why.is_empty())
        );
    }
}
