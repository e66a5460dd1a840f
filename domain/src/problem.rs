//! Problems: what is wrong, in one plain sentence, and what an operator can do about it.
//!
//! Every problem has a code from a closed list. The codes are part of the interface (dashboards,
//! alarms and runbooks name them), so one is never renamed. A message says what was seen. It never
//! holds a stream key, and of a URL never more than its scheme and host.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something an operator should know about one destination.
///
/// It has no `since`: [`Shown`] adds that, because only who shows it knows when it was first seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which problem it is; stable, for machines.
    pub code: Code,
    /// One plain sentence about this case.
    pub message: String,
    /// What an operator can do about it.
    pub advice: String,
}

impl Problem {
    /// A problem with the usual advice of its code.
    pub fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem {
            code,
            message: message.into(),
            advice: code.advice().to_owned(),
        }
    }

    /// The same problem with advice made for this case.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Problem {
        self.advice = advice.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A problem as a record shows it: `{code, message, advice, since}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// Since when it is known.
    pub since: Timestamp,
}

/// Where a problem comes from, and so what makes it go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What the operator wrote: an edit of the record heals it.
    Record,
    /// The parameter with the stream key: an edit there heals it.
    Parameter,
    /// What happened on the way: often it passes by itself.
    Process,
}

macro_rules! codes {
    ($($variant:ident $origin:ident $text:literal $advice:literal;)*) => {
        /// The closed list of problem codes. Serialised as the text of [`Code::as_str`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`. ", $advice)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The text machines see.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),* }
            }

            /// What an operator can do, in general.
            pub fn advice(self) -> &'static str {
                match self { $(Code::$variant => $advice),* }
            }

            /// Where problems of this code come from.
            pub fn origin(self) -> Origin {
                match self { $(Code::$variant => Origin::$origin),* }
            }
        }
    };
}

codes! {
    InvalidId Record "invalid_id"
        "Make a new record whose destination_id is 1 to 39 small letters, digits, hyphens and underscores, starting with a letter or digit, and delete this one.";
    WrongType Record "wrong_type"
        "Give the attribute the type named in the message; in the console, delete the attribute and add it again with that type.";
    UnknownPlatform Record "unknown_platform"
        "Set platform to one of youtube, twitch, linkedin, facebook, restream or custom.";
    MissingPlatform Record "missing_platform"
        "Add the attribute platform: youtube, twitch, linkedin, facebook, restream or custom.";
    UnknownPreset Record "unknown_preset"
        "Set preset_id to one of the built-in presets, for example 1080p30 or 720p30.";
    MissingPreset Record "missing_preset"
        "Add the attribute preset_id, for example 1080p30 or 720p30.";
    PresetExceedsPlatform Record "preset_exceeds_platform"
        "Choose a preset within the platform's limits; each platform has some of its own, such as youtube-720p30 or linkedin-720p30.";
    PresetNotForPlatform Record "preset_not_for_platform"
        "Choose a generic preset such as 1080p30, or one that starts with this platform's name.";
    UnknownDesiredState Record "unknown_desired_state"
        "Set desired_state to streaming, ready or removed.";
    UnknownValue Record "unknown_value"
        "Set the attribute to one of the values named in the message, or delete it to get the default.";
    NotAvailableYet Record "not_available_yet"
        "This is planned but not built. Set the attribute back to its default, or delete it.";
    MissingUrl Record "missing_url"
        "Add the attribute rtmp_url: the server URL the platform shows, without the stream key.";
    MalformedUrl Record "malformed_url"
        "Write the server URL as rtmps://host/application, without spaces, percent signs or a fragment.";
    UrlScheme Record "url_scheme"
        "Use the platform's RTMP server URL: it starts with rtmps:// (encrypted) or rtmp://.";
    UrlHostPrivate Record "url_host_private"
        "Use a host name or address that the public internet can reach; MediaLive pushes from AWS's network, not from yours.";
    UrlHostNotAllowed Record "url_host_not_allowed"
        "Use the platform's own server URL, or set platform to custom if the server is really another one.";
    UrlUserinfo Record "url_userinfo"
        "Remove the user name and password before the host. If they were real, change them at the platform.";
    UrlPort Record "url_port"
        "Use port 1935 for rtmp and 443 for rtmps, or leave the port out.";
    UrlHasKey Record "url_has_key"
        "Take the stream key out of the URL and put it in Parameter Store as a SecureString named by stream_key_param. It has been readable in the record, so renew it at the platform.";
    StreamKeyInRecord Record "stream_key_in_record"
        "The key was removed from the record. Renew it at the platform, put the new one in Parameter Store as a SecureString, and name that in stream_key_param.";
    MalformedTime Record "malformed_time"
        "Write the time with its zone, for example 2026-12-31T20:00:00+01:00. Until then a destination that streams goes on, and one that does not is not started by that time.";
    MalformedNumber Record "malformed_number"
        "Give the attribute a number greater than zero, or delete it to get the stack's default.";
    MissingParameterName Record "missing_parameter_name"
        "Put the stream key in Parameter Store as a SecureString and give its name in stream_key_param.";
    ParameterOutsidePrefix Record "parameter_outside_prefix"
        "Name a parameter below the stack's prefix, for example /lunora-player/streaming/youtube-main. Lunora can read no other.";
    DuplicateAddress Record "duplicate_address"
        "Another record already sends to this address with this key. Remove one of the two, or give this one a key of its own.";
    ParameterMissing Parameter "parameter_missing"
        "Create the parameter as a SecureString under exactly this name in this Region, then change retry on the record.";
    ParameterUnreadable Parameter "parameter_unreadable"
        "Let the stack's roles decrypt it: use the default key alias/aws/ssm, or allow them kms:Decrypt on your own key. Then change retry on the record.";
    ParameterNotSecure Parameter "parameter_not_secure"
        "The parameter is stored in plain text. Delete it, renew the key at the platform, and create it as a SecureString. Then change retry on the record.";
    ParameterEmpty Parameter "parameter_empty"
        "Put the stream key alone into the parameter: one line, no spaces, no quotes, not the URL. Then change retry on the record.";
    ChangeWaitsForNextStart Process "change_waits_for_next_start"
        "Nothing needs to be done: the change is used at the next start. To use it now, change retry on the record; that interrupts the stream and costs a new ten-minute start.";
    WaitingForTurn Process "waiting_for_turn"
        "Nothing needs to be done: AWS takes only so many requests a second, and many destinations are being changed at once. A stop does not stand in this line.";
    WaitingForQuota Process "waiting_for_quota"
        "It goes on by itself when room is free. Remove a destination that is not needed, or ask AWS for a higher quota.";
    WaitingForFlow Process "waiting_for_flow"
        "The flow is not Lunora's to start, or it is in ERROR: start it in the MediaConnect console. It goes on by itself when the flow is active.";
    FlowMissing Process "flow_missing"
        "The MediaConnect flow does not exist. Deploy the stack again, or correct its FlowArn parameter.";
    FeedNotAllowed Process "feed_not_allowed"
        "The input security group does not allow the flow's egress address. Deploy the stack again, or add that address with /32 to the group you handed over.";
    StartFailed Process "start_failed"
        "The channel was started three times and did not stay up. Check the feed, the URL and the key, then change retry on the record.";
    CreateFailed Process "create_failed"
        "AWS could not build a resource. Change retry on the record; if it happens again, look at the reason in the message.";
    UpdateFailed Process "update_failed"
        "AWS could not apply the change. Change retry on the record, or put the old values back.";
    RefusedByAws Process "refused_by_aws"
        "AWS refused the request for the reason in the message. Correct the record or the account's settings, then change retry.";
    MissingPermission Process "missing_permission"
        "One of Lunora's roles lacks the permission named in the message, or a policy of the account denies it. Nothing was torn down. Deploy the stack again or mend the policy, then change retry on the record.";
    Recovering Process "recovering"
        "MediaLive is repairing the channel by itself. If it lasts more than ten minutes, Lunora starts the channel again; to do it now, change retry on the record.";
    TakingTooLong Process "taking_too_long"
        "The step takes longer than AWS usually needs; Lunora keeps looking. If it goes on, look at the channel in the MediaLive console.";
    RetriesExhausted Process "retries_exhausted"
        "AWS kept failing for longer than the retries last. Nothing was torn down. Change retry on the record when AWS is healthy again.";
    WaitingForOutcome Process "waiting_for_outcome"
        "A request to AWS got no answer. It goes on by itself in less than a minute, when the outcome can be seen.";
    NoInput Process "no_input"
        "Nothing arrives from the encoder. Check that it is on and sends to the flow's address; the platform sees a still or black picture meanwhile.";
    RtmpFailed Process "rtmp_failed"
        "The platform does not take the stream. Check at the platform that the event is open and that the key is the one in the parameter; after correcting the key, change retry on the record.";
    OutputFailed Process "output_failed"
        "Both addresses, or the only one, keep failing. Check at the platform that the event is open and the key is right. Lunora tries again by itself at next_try_at. To try now, change retry; to change the address, edit it; to give up, set desired_state to ready or removed.";
    OnBackup Process "on_backup"
        "The stream runs on the backup address. To go back to the primary, change retry on the record; that interrupts the stream and costs a new ten-minute start.";
    BlackOrSilent Process "black_or_silent"
        "The picture is black or the sound is missing. Check the encoder's scene and its audio.";
    PipelineFailed Process "pipeline_failed"
        "MediaLive has a fault of its own in this channel. It usually heals; Lunora starts the channel again if it lasts more than five minutes, half an hour apart at least. To do it now, change retry on the record.";
    SourceUnhealthy Process "source_unhealthy"
        "One of the flow's sources has dropped or loses packets. Check that encoder and its network.";
    Maintenance Process "maintenance"
        "AWS restarts this in its maintenance window. Expect a short interruption; nothing needs to be done.";
    CapWarning Process "cap_warning"
        "A limit is nearly reached; the message says which and when. Raise it on the record or set hold to true, or let it stop.";
    CapNoInput Process "cap_no_input"
        "Stopped and deleted because nothing came from the encoder for too long. When the encoder sends again, change retry on the record.";
    CapSession Process "cap_session"
        "Stopped and deleted because it streamed longer than session_hours_max. Raise that or set hold to true, then change retry on the record.";
    CapBudgetDay Process "cap_budget_day"
        "Stopped and deleted because the day's budget is used up. Raise budget_usd_per_day or set hold to true, then change retry on the record.";
    CapBudgetMonth Process "cap_budget_month"
        "Stopped and deleted because the month's budget is used up. Raise budget_usd_per_month or set hold to true, then change retry on the record.";
    ScheduleMissed Process "schedule_missed"
        "A time on the record passed without being acted on; the message says which. Give start_at or stop_at a time to come, or delete it; to stop now, set desired_state to ready.";
    Internal Process "internal"
        "This is a fault in Lunora. Nothing was torn down. Change retry on the record, and report the execution named in execution_arn.";
}

impl Code {
    /// The code with this text; `None` for a text that is not in the list.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A code this version does not know reads as [`Code::Internal`]: a row that a newer version
    /// wrote must stay readable after a roll-back, and its message still says what it was.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Code::parse(&text).unwrap_or(Code::Internal))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_and_come_back_from_json() {
        let mut seen = BTreeSet::new();
        for &code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} twice");
            assert!(
                text.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{text}"
            );
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), code);
        }
    }

    #[test]
    fn every_code_has_advice_in_whole_sentences() {
        for &code in Code::ALL {
            let advice = code.advice();
            assert!(advice.ends_with('.'), "{code}: {advice}");
            assert!(advice.len() > 30, "{code}: {advice}");
            assert!(advice.starts_with(|c: char| c.is_ascii_uppercase()));
        }
    }

    #[test]
    fn a_code_of_a_newer_version_reads_as_internal() {
        let code: Code = serde_json::from_str("\"from_the_future\"").unwrap();
        assert_eq!(code, Code::Internal);
    }

    #[test]
    fn a_problem_keeps_its_shape() {
        let problem = Problem::new(Code::MissingUrl, "There is no rtmp_url.");
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["code"], "missing_url");
        assert_eq!(json["message"], "There is no rtmp_url.");
        assert_eq!(json["advice"], Code::MissingUrl.advice());
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
        assert_eq!(problem.clone().with_advice("Do this.").advice, "Do this.");
        assert_eq!(problem.to_string(), "missing_url: There is no rtmp_url.");
    }
}
