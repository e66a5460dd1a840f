//! What is told of an incident, in words of ours: how bad, since when, why, what Lunora did, what to do.
//!
//! Nothing that AWS wrote is passed on: MediaLive's texts may name the URL, and with it the key.

use crate::incident::{Cause, FLOW, Open, QUIET_SECONDS, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A message to people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// One line; SNS takes less than 100 characters of ASCII as the subject of a mail.
    pub subject: String,
    /// The rest.
    pub text: String,
}

/// SNS's limit of a subject (API reference: Publish): "less than 100 characters long".
const SUBJECT_CHARACTERS: usize = 99;

/// What stands in the message and in the table: seen, and done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What is seen, in a few words.
    pub seen: &'static str,
    /// What Lunora, or AWS for it, does.
    pub acted: &'static str,
}

/// The words for a cause at a destination or at the flow.
pub fn words(cause: Cause, at_flow: bool) -> Words {
    let (seen, acted) = match (cause, at_flow) {
        (Cause::InputLoss, false) => (
            "its channel gets no picture",
            "The channel runs on and keeps the platform's session with a black picture. If it lasts for no_input_minutes_max, the destination is stopped and deleted.",
        ),
        (Cause::InputLoss, true) => (
            "nothing arrives from the encoder",
            "The channels run on and keep the platforms' sessions with a black picture. A destination without input for no_input_minutes_max is stopped and deleted.",
        ),
        (Cause::RtmpFailed, _) => (
            "the platform does not take the stream",
            "MediaLive keeps trying to connect. With failover_enabled and a backup address, Lunora goes over to that if it lasts.",
        ),
        (Cause::BlackOrSilent, _) => (
            "the picture is black or the sound is missing",
            "Nothing was changed: the stream goes out as it comes in.",
        ),
        (Cause::PipelineFailed, _) => (
            "its channel does not put anything out",
            "MediaLive repairs its pipeline by itself. If it lasts, Lunora restarts the channel.",
        ),
        (Cause::Permissions, false) => (
            "MediaLive may not reach what it needs",
            "Nothing was changed: what exists stays.",
        ),
        (Cause::Permissions, true) => (
            "the flow may not read what it needs",
            "Nothing was changed: what exists stays.",
        ),
        (Cause::SourceUnhealthy, _) => (
            "a source of the feed has dropped or is damaged",
            "MediaConnect takes the other source, if there is one that is well.",
        ),
        (Cause::Limit, _) => (
            "a limit is near or has acted",
            "At the time named the destination is stopped and deleted.",
        ),
        (Cause::Maintenance, _) => (
            "AWS does its maintenance",
            "Nothing was changed: it ends by itself.",
        ),
    };
    Words { seen, acted }
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// What was wrong is right again.
    Cleared,
    /// The channel was stopped or is gone: nothing streams that could be wrong.
    Stopped,
}

/// The message about an incident that lasts. `names`: the destinations that run, for the flow's.
pub fn of_incident(open: &Open, names: &[String], runbooks: &str) -> Message {
    let words = words(open.cause, open.destination_id == FLOW);
    let who = subject_of(open);
    let severity = match open.cause.severity() {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
    };
    let mut text = format!(
        "{}: {}.\n\nSince: {}\nSeverity: {severity}\nCause: {}\n",
        capital(&who),
        words.seen,
        open.since,
        open.cause.as_str(),
    );
    if open.destination_id == FLOW {
        let concerned = if names.is_empty() {
            "none is on the air".to_owned()
        } else {
            names.join(", ")
        };
        text.push_str(&format!("Destinations: {concerned}\n"));
    }
    text.push_str(&format!(
        "\nWhat Lunora did: {}\n\nWhat to do: {}\n\nRunbook: {}\nIncident: {} of {}\n",
        words.acted,
        open.cause.code().advice(),
        runbook(runbooks, open.cause),
        open.incident_id,
        open.destination_id,
    ));
    Message {
        subject: shortened(format!("Lunora {severity}: {who}: {}", words.seen)),
        text,
    }
}

/// The message when it is over.
pub fn of_recovery(open: &Open, until: Timestamp, ending: Ending) -> Message {
    let words = words(open.cause, open.destination_id == FLOW);
    let who = subject_of(open);
    let seconds = (until.as_second() - open.since.as_second()).max(0);
    let why = match ending {
        Ending::Cleared => {
            format!("It is over, and has stayed so for {QUIET_SECONDS} seconds.")
        }
        Ending::Stopped => "It is over because nothing streams there any more.".to_owned(),
    };
    Message {
        subject: shortened(format!("Lunora over: {who}: {}", words.seen)),
        text: format!(
            "{}: {}. {why}\n\nFrom: {}\nUntil: {until}\nLasted: {}\n\nIncident: {} of {}\n",
            capital(&who),
            words.seen,
            open.since,
            lasted(seconds),
            open.incident_id,
            open.destination_id,
        ),
    }
}

/// The page that helps.
pub fn runbook(runbooks: &str, cause: Cause) -> String {
    format!("{runbooks}/{}.md", cause.code().as_str())
}

fn subject_of(open: &Open) -> String {
    if open.destination_id == FLOW {
        "the feed".to_owned()
    } else {
        open.destination_id.clone()
    }
}

fn capital(text: &str) -> String {
    match text.strip_prefix("the ") {
        Some(rest) => format!("The {rest}"),
        None => text.to_owned(),
    }
}

fn shortened(text: String) -> String {
    text.chars().take(SUBJECT_CHARACTERS).collect()
}

fn lasted(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn every_message_says_what_a_person_needs() {
        for cause in Cause::ALL {
            for id in ["youtube-main", FLOW] {
                let open = Open::new(id, "1234567", cause, at(0));
                let told = of_incident(&open, &["youtube-main".to_owned()], "docs/runbooks");
                let over = of_recovery(&open, at(4000), Ending::Cleared);
                for message in [&told, &over] {
                    assert!(message.subject.len() <= SUBJECT_CHARACTERS, "{message:?}");
                    assert!(message.subject.is_ascii() && message.text.is_ascii());
                    assert!(!message.text.contains("://"), "{message:?}");
                    assert!(message.text.contains(&open.incident_id));
                }
                let page = format!("docs/runbooks/{}.md", cause.code().as_str());
                for part in ["What Lunora did: ", "What to do: ", &page, "youtube-main"] {
                    assert!(told.text.contains(part), "{part}: {}", told.text);
                }
                assert!(over.text.contains("1 h 6 min"), "{}", over.text);
            }
        }
    }

    #[test]
    fn a_long_id_fits_the_subject_of_a_mail() {
        let open = Open::new(&"x".repeat(39), "1234567", Cause::BlackOrSilent, at(0));
        assert!(of_incident(&open, &[], "").subject.chars().count() <= SUBJECT_CHARACTERS);
        let text = of_recovery(&open, at(75), Ending::Stopped).text;
        assert!(text.contains("Lasted: 1 min 15 s") && text.contains("nothing streams"));
    }

    #[test]
    fn the_feed_names_whom_it_concerns() {
        let open = Open::new(FLOW, "", Cause::InputLoss, at(0));
        let names = ["a".to_owned(), "b".to_owned()];
        let message = of_incident(&open, &names, "docs/runbooks");
        assert!(message.text.contains("Destinations: a, b\n"));
        assert_eq!(
            message.subject,
            "Lunora critical: the feed: nothing arrives from the encoder"
        );
        assert!(
            of_incident(&open, &[], "")
                .text
                .contains("none is on the air")
        );
    }
}
