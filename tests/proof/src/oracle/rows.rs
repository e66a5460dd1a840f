//! Rows of both tables, read from DynamoDB's JSON with eyes of our own: an oracle that read them with
//! the product's types would share the product's mistakes.

use jiff::Timestamp;
use serde_json::Value;

/// What an oracle needs of a ledger row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The generation.
    pub generation: u64,
    /// The incarnation.
    pub incarnation: u64,
    /// Who holds the lease.
    pub holder: Option<String>,
    /// The knock.
    pub knock: u64,
    /// Fingerprint of the wish that was seen last, with the key's version.
    pub seen: Option<(String, Option<u64>)>,
    /// The newest valid desired state.
    pub desired: Option<String>,
    /// Id of the input.
    pub input: Option<String>,
    /// Incarnation of an input that is sought.
    pub input_sought: Option<u64>,
    /// Id of the channel.
    pub channel: Option<String>,
    /// Incarnation of a channel that is sought.
    pub channel_sought: Option<u64>,
    /// ARN of the flow output.
    pub output: Option<String>,
    /// The act whose outcome is not known, and until when it may land.
    pub intent: Option<(String, u64)>,
    /// What a wait waits for, and since when.
    pub wait: Option<(String, u64)>,
    /// Starts as the row counts them: generation and time.
    pub starts: Vec<(u64, u64)>,
    /// Code of the verdict that refuses the wish.
    pub refused: Option<String>,
    /// Code of the verdict that calls for a person, and when it is tried again.
    pub stuck: Option<(String, Option<u64>)>,
    /// A quota is waited for.
    pub waits_for_quota: bool,
    /// Kept until then.
    pub grace_until: Option<u64>,
    /// Looked at again then.
    pub wake_at: Option<u64>,
    /// A limit has acted.
    pub capped: bool,
    /// Whether the last plan came to rest.
    pub rests: bool,
    /// Whether a configuration has settled.
    pub settled: bool,
    /// The problem on show.
    pub problem: Option<String>,
    /// When DynamoDB may drop the row, Unix seconds.
    pub expires_at: Option<u64>,
}

/// A member of DynamoDB's JSON: `{"S": ...}`.
fn member<'a>(item: &'a Value, name: &str, kind: &str) -> Option<&'a Value> {
    item.get(name)?.get(kind)
}

/// A text.
#[must_use]
pub fn text<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    member(item, name, "S")?.as_str()
}

/// A whole number.
#[must_use]
pub fn number(item: &Value, name: &str) -> Option<u64> {
    member(item, name, "N")?.as_str()?.parse().ok()
}

/// A time in RFC 3339, as milliseconds since 1970.
#[must_use]
pub fn time(item: &Value, name: &str) -> Option<u64> {
    let at: Timestamp = text(item, name)?.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// A flag.
#[must_use]
pub fn flag(item: &Value, name: &str) -> Option<bool> {
    member(item, name, "BOOL")?.as_bool()
}

/// A map.
#[must_use]
pub fn map<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    member(item, name, "M")
}

impl Row {
    /// Reads a row; what is missing or of another type counts as absent.
    #[must_use]
    pub fn read(item: &Value) -> Row {
        let owned = |value: Option<&str>| value.map(str::to_owned);
        let id = |name: &str| map(item, name).and_then(|made| owned(text(made, "id")));
        let sought = |name: &str| map(item, name).and_then(|sought| number(sought, "incarnation"));
        let code = |verdict: &Value| {
            let problem = map(verdict, "problem");
            problem.and_then(|problem| owned(text(problem, "code")))
        };
        let starts = member(item, "starts", "L").and_then(Value::as_array);
        let starts = starts.into_iter().flatten().filter_map(|try_| {
            let try_ = try_.get("M")?;
            Some((number(try_, "generation")?, time(try_, "at")?))
        });
        Row {
            generation: number(item, "generation").unwrap_or_default(),
            incarnation: number(item, "incarnation").unwrap_or_default(),
            holder: owned(text(item, "holder")),
            knock: number(item, "knock").unwrap_or_default(),
            seen: map(item, "seen").and_then(|seen| {
                let attributes = owned(text(seen, "attributes"))?;
                Some((attributes, number(seen, "key_version")))
            }),
            desired: owned(text(item, "desired")),
            input: id("input"),
            input_sought: sought("input_sought"),
            channel: id("channel"),
            channel_sought: sought("channel_sought"),
            output: owned(text(item, "flow_output_arn")),
            intent: map(item, "intent").and_then(|intent| {
                Some((owned(text(intent, "operation"))?, time(intent, "until")?))
            }),
            wait: map(item, "wait")
                .and_then(|wait| Some((owned(text(wait, "until"))?, time(wait, "since")?))),
            starts: starts.collect(),
            refused: map(item, "refused").and_then(code),
            stuck: map(item, "stuck")
                .and_then(|stuck| Some((code(stuck)?, time(stuck, "again_at")))),
            waits_for_quota: map(item, "quota_wait").is_some(),
            grace_until: time(item, "grace_until"),
            wake_at: time(item, "wake_at"),
            capped: map(item, "capped").is_some(),
            rests: map(item, "rest").is_some(),
            settled: map(item, "settled").is_some(),
            problem: map(item, "problem").and_then(|shown| owned(text(shown, "code"))),
            expires_at: number(item, "expires_at"),
        }
    }

    /// Whether the row answers for a channel with this id and incarnation tag: it knows the id, or
    /// is looking for what a create of this incarnation made.
    #[must_use]
    pub fn answers_for_channel(&self, id: &str, incarnation: Option<u64>) -> bool {
        answers(&self.channel, self.channel_sought, id, incarnation)
    }

    /// The same for an input.
    #[must_use]
    pub fn answers_for_input(&self, id: &str, incarnation: Option<u64>) -> bool {
        answers(&self.input, self.input_sought, id, incarnation)
    }

    /// The same for a flow output: its name is unique in the flow, so whoever is at work finds it,
    /// and it goes before the input that it feeds.
    #[must_use]
    pub fn answers_for_output(&self, arn: &str) -> bool {
        self.output.as_deref() == Some(arn)
            || self.holder.is_some()
            || !self.rests
            || self.input.is_some()
            || self.channel.is_some()
    }
}

fn answers(
    known: &Option<String>,
    sought: Option<u64>,
    id: &str,
    incarnation: Option<u64>,
) -> bool {
    match known {
        Some(known) => known == id,
        None => sought.is_some() && sought == incarnation,
    }
}

/// What a record shows: the mirror attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// `streaming_status`.
    pub status: Option<String>,
    /// Code of `problem`.
    pub problem: Option<String>,
    /// Since when the problem is shown.
    pub problem_since: Option<u64>,
    /// `channel_id`.
    pub channel: Option<String>,
    /// `input_id`.
    pub input: Option<String>,
    /// `mediaconnect_output_arn`.
    pub output: Option<String>,
    /// `generation`.
    pub generation: Option<u64>,
    /// `streaming_started_at`.
    pub started_at: Option<u64>,
    /// `observed_at`.
    pub observed_at: Option<u64>,
}

impl Shown {
    /// Reads the mirror of a record.
    #[must_use]
    pub fn read(item: &Value) -> Shown {
        let owned = |name: &str| text(item, name).map(str::to_owned);
        let problem = map(item, "problem");
        Shown {
            status: owned("streaming_status"),
            problem: problem.and_then(|problem| text(problem, "code").map(str::to_owned)),
            problem_since: problem.and_then(|problem| time(problem, "since")),
            channel: owned("channel_id"),
            input: owned("input_id"),
            output: owned("mediaconnect_output_arn"),
            generation: number(item, "generation"),
            started_at: time(item, "streaming_started_at"),
            observed_at: time(item, "observed_at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_read_from_the_wire() {
        let row = Row::read(&json!({
            "destination_id": {"S": "a"}, "generation": {"N": "3"}, "incarnation": {"N": "2"}, "knock": {"N": "5"},
            "holder": {"S": "arn"}, "channel": {"M": {"id": {"S": "77"}, "at": {"S": "2026-01-01T00:00:00Z"}}},
            "input_sought": {"M": {"incarnation": {"N": "2"}, "at": {"S": "2026-01-01T00:00:00Z"}}},
            "starts": {"L": [{"M": {"generation": {"N": "3"}, "at": {"S": "1970-01-01T00:00:01Z"}}}]},
            "stuck": {"M": {"generation": {"N": "3"}, "problem": {"M": {"code": {"S": "internal"}}}}},
        }));
        assert_eq!((row.generation, row.incarnation, row.knock), (3, 2, 5));
        assert_eq!(row.starts, [(3, 1000)]);
        assert_eq!(row.stuck, Some(("internal".into(), None)));
        assert!(row.answers_for_channel("77", None) && !row.answers_for_channel("78", Some(2)));
        assert!(row.answers_for_input("1", Some(2)) && !row.answers_for_input("1", Some(1)));
        assert!(!Row::default().answers_for_input("1", None));
    }
}
