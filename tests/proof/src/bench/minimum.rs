//! The calls that one life cannot do without: made, started, on the air, stopped, removed, by two
//! edits of the record; or by three, where it is stopped for a while before it is removed. Whatever
//! a control plane does beyond them is its own overhead.
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
    /// How many more where an edit of its own stops it.
    pub with_stop: u64,
    /// Which.
    pub what: &'static str,
    /// Why not fewer.
    pub why: &'static str,
}

const fn row(
    service: Service,
    (calls, with_stop): (u64, u64),
    what: &'static str,
    why: &'static str,
) -> Row {
    Row {
        service,
        calls,
        with_stop,
        what,
        why,
    }
}

/// All of them.
pub const ROWS: &[Row] = &[
    row(
        Service::MediaLive,
        (6, 0),
        "CreateInput, CreateChannel, StartChannel, StopChannel, DeleteChannel, DeleteInput",
        "MediaLive does none of them by itself, and batches take only starts, stops and deletes",
    ),
    row(
        Service::MediaLive,
        (4, 0),
        "a look at each state that is waited for: IDLE, RUNNING, IDLE again, DELETED",
        "events are best effort and come in any order, so something must be asked that knows",
    ),
    row(
        Service::MediaConnect,
        (2, 1),
        "AddFlowOutputs, RemoveFlowOutput; UpdateFlowOutput at a stop",
        "an output of our own can be switched off, so that a stopped destination is not sent anything",
    ),
    row(
        Service::Ssm,
        (1, 0),
        "GetParameter",
        "the key is kept nowhere else",
    ),
    row(
        Service::States,
        (2, 1),
        "StartExecution for each edit",
        "nothing runs between two edits",
    ),
    row(
        Service::States,
        (4, 0),
        "SendTaskSuccess for each state that is waited for",
        "the other way is to ask again and again",
    ),
    row(
        Service::DynamoDb,
        (4, 2),
        "the lease of each edit taken and given back",
        "two executions may not act on one record",
    ),
    row(
        Service::DynamoDb,
        (6, 1),
        "record and row read for each edit and after each state that was waited for",
        "the wish may have changed meanwhile",
    ),
    row(
        Service::DynamoDb,
        (8, 1),
        "a note before each act: six at MediaLive, two at MediaConnect",
        "what is made and not answered must be found again; the outcome comes with the next note",
    ),
    row(
        Service::DynamoDb,
        (4, 0),
        "the token of each state that is waited for",
        "whoever hears the event is another function",
    ),
    row(
        Service::DynamoDb,
        (4, 0),
        "whose channel an event is about",
        "an event names the channel only",
    ),
    row(
        Service::DynamoDb,
        (2, 0),
        "which destination a channel serves, written and removed",
        "the row that the line above reads",
    ),
    row(
        Service::DynamoDb,
        (2, 0),
        "the address and key held and let go",
        "two channels to one stream key throw each other off the platform",
    ),
    row(
        Service::DynamoDb,
        (2, 1),
        "the record shows `starting` and `streaming`, and `ready` after a stop",
        "the operator reads nothing else; the record itself is deleted in the end",
    ),
];

/// How many in all, or of one service.
#[must_use]
pub fn calls(service: Option<Service>, with_stop: bool) -> u64 {
    let rows = ROWS.iter();
    rows.filter(|row| service.is_none_or(|service| row.service == service))
        .map(|row| row.calls + if with_stop { row.with_stop } else { 0 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_adds_up() {
        for (service, two_edits, three_edits) in [
            (Service::MediaLive, 10, 10),
            (Service::MediaConnect, 2, 3),
            (Service::Ssm, 1, 1),
            (Service::States, 6, 7),
            (Service::DynamoDb, 32, 37),
        ] {
            assert_eq!(calls(Some(service), false), two_edits, "{service:?}");
            assert_eq!(calls(Some(service), true), three_edits, "{service:?}");
        }
        assert_eq!((calls(None, false), calls(None, true)), (51, 58));
        assert!(
            ROWS.iter()
                .all(|row| !row.what.is_empty() && !row.why.is_empty())
        );
    }
}
