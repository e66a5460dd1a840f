//! S4, no lost record: what an operator wrote stays as it was written; and the ledger row moves only
//! as the design allows: lease, generation, incarnation.

use serde_json::Value;

use super::rows::Row;
use super::sight::{House, Table};
use super::watch::Oracles;

/// What we show on a record (README, the record): everything else is the operator's or nobody's.
const MIRROR: [&str; 21] = [
    "streaming_status",
    "problem",
    "input_id",
    "mediaconnect_output_arn",
    "channel_id",
    "current_url_type",
    "streaming_started_at",
    "observed_at",
    "last_mediaconnect_sync",
    "created_at",
    "updated_at",
    "generation",
    "execution_arn",
    "cost_usd_per_hour",
    "cost_usd_per_start",
    "cost_usd_this_month",
    "attempt",
    "attempts_max",
    "next_try_at",
    "next_start_at",
    "next_stop_at",
];

impl Oracles {
    /// S4: an acknowledged create, edit or delete of a record is what the next strong read gives:
    /// no write of ours changes or drops an attribute that is not of our mirror, or brings a deleted
    /// record back. The one exception is an attribute that holds a stream key, which is scrubbed.
    pub(super) fn record_is_kept(&mut self, house: &dyn House, at: u64, id: &str) {
        let found = house.item(Table::Destinations, id);
        let Some(known) = self.destinations.get(id) else {
            return;
        };
        let sentence = match (&known.item, found) {
            (None, None) => return,
            (None, Some(_)) => {
                "the operator deleted the record and a write of ours made one again".to_owned()
            }
            (Some(_), None) => "the record is gone and no operator deleted it".to_owned(),
            (Some(wanted), Some(found)) => match changed(wanted, found) {
                Some(name) => format!("a write of ours changed the operator's attribute {name}"),
                None => return,
            },
        };
        self.broken("S4 no lost record", at, Some(id), sentence);
    }

    /// S4 for our own table: a lease is taken only from nobody or from an execution that runs no
    /// more, the generation rises by one at a time and whenever the wish seen is another, the
    /// incarnation never falls and rises when a thing is noted as gone.
    pub(super) fn row_changes_lawfully(
        &mut self,
        at: u64,
        id: &str,
        before: Option<&Row>,
        after: Option<&Row>,
    ) {
        let Some(after) = after else { return };
        let nothing = Row::default();
        let before = before.unwrap_or(&nothing);
        if let (Some(old), Some(new)) = (&before.holder, &after.holder)
            && old != new
            && self
                .executions
                .iter()
                .any(|execution| execution.runs && execution.arn == *old)
        {
            let sentence = "the lease was taken from an execution that still runs";
            self.broken("S4 one holder", at, Some(id), sentence);
        }
        if after.generation < before.generation || after.generation > before.generation + 1 {
            let sentence = format!(
                "the generation went from {} to {}",
                before.generation, after.generation
            );
            self.broken("S6 generation", at, Some(id), sentence);
        }
        // A row that shrinks forgets what it has seen, and says so by its time to live.
        if before.seen != after.seen
            && after.generation == before.generation
            && after.expires_at.is_none()
        {
            let sentence = format!(
                "another wish was seen and the generation stayed {}",
                after.generation
            );
            self.broken("S6 generation", at, Some(id), sentence);
        }
        if after.incarnation < before.incarnation {
            let sentence = format!(
                "the incarnation fell from {} to {}",
                before.incarnation, after.incarnation
            );
            self.broken("S2 incarnation", at, Some(id), sentence);
        }
        let forgot = |had: bool, has: bool| had && !has;
        let gone = forgot(before.channel.is_some(), after.channel.is_some())
            || forgot(before.input.is_some(), after.input.is_some());
        if gone && after.incarnation == before.incarnation {
            let sentence = format!(
                "a thing was noted as gone and the incarnation stayed {}: its request ids would be used again",
                after.incarnation
            );
            self.broken("S2 incarnation", at, Some(id), sentence);
        }
    }
}

/// The first attribute that is not ours and not as it was.
fn changed<'a>(wanted: &'a Value, found: &'a Value) -> Option<&'a str> {
    let (wanted, found) = (wanted.as_object()?, found.as_object()?);
    let theirs = |name: &&String| !MIRROR.contains(&name.as_str());
    let dropped = wanted.iter().filter(|(name, _)| theirs(name));
    let mut dropped = dropped.filter(|(name, value)| {
        found.get(*name) != Some(value)
            && !(name.contains("key") && !found.contains_key(*name) && is_key(name))
    });
    let made = found.keys().filter(theirs);
    let mut made = made.filter(|name| !wanted.contains_key(*name));
    dropped
        .next()
        .map(|(name, _)| name.as_str())
        .or_else(|| made.next().map(String::as_str))
}

/// Attributes that hold a key itself, by mistake: they are scrubbed. A parameter's name is none.
fn is_key(name: &str) -> bool {
    name.contains("stream_key") && !name.ends_with("_param")
}
