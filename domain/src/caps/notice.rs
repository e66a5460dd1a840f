//! What people are told of a limit: once when it is near, once when it has acted.

use super::Cap;
use crate::{name, problem::Code, telling::Message};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How far a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is announced.
    Near,
    /// It has acted.
    Reached,
}

/// A word to people about a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// How far it is.
    pub stage: Stage,
    /// Which.
    pub cap: Cap,
    /// When it acts, or has acted.
    pub at: Timestamp,
    /// When that was decided.
    pub noticed_at: Timestamp,
    /// Tells this word from every other: whoever decides the same again says the same.
    pub key: String,
}

impl Notice {
    /// One whose key is made of what it is about.
    pub fn new(stage: Stage, cap: Cap, at: Timestamp, now: Timestamp, about: &str) -> Notice {
        Notice {
            stage,
            cap,
            at,
            noticed_at: now,
            key: name::short_hash(&json!([stage, cap, about]).to_string()),
        }
    }

    /// The problem that the record shows.
    pub fn code(&self) -> Code {
        match self.stage {
            Stage::Near => Code::CapWarning,
            Stage::Reached => self.cap.code(),
        }
    }

    /// Its key in the table of incidents: sorted by time.
    pub fn incident_id(&self) -> String {
        let at = self.noticed_at.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!("{at}#{}", self.code().as_str())
    }

    /// The sentence that the record shows.
    pub fn sentence(&self) -> String {
        match self.stage {
            Stage::Near => near(self.cap, self.at),
            Stage::Reached => reached(self.cap, self.at),
        }
    }

    /// What people are sent. `runbooks`: where the pages are.
    pub fn message(&self, destination_id: &str, runbooks: &str) -> Message {
        let (severity, seen, acted) = match self.stage {
            Stage::Near => (
                "warning",
                "is near",
                "Nothing yet: the destination streams on until then.",
            ),
            Stage::Reached => (
                "critical",
                "has ended it",
                "Everything of this destination is stopped and deleted, and stays so until the record is edited. The record stays.",
            ),
        };
        let (limit, code) = (self.cap.attribute(), self.code());
        Message {
            subject: format!("Lunora {severity}: {destination_id}: {limit} {seen}"),
            text: format!(
                "{destination_id}: {}\n\nAt: {}\nSeverity: {severity}\nLimit: {limit}\n\nWhat Lunora did: {acted}\n\nWhat to do: {}\n\nRunbook: {runbooks}/{}.md\nIncident: {} of {destination_id}\n",
                self.sentence(),
                self.at,
                code.advice(),
                code.as_str(),
                self.incident_id(),
            ),
        }
    }
}

/// That a limit is near, as the record and the message say it.
pub fn near(cap: Cap, at: Timestamp) -> String {
    let reason = lower(cap.reason());
    format!("At {} it is stopped and deleted: {reason} then.", clock(at))
}

/// That a limit has acted.
pub fn reached(cap: Cap, at: Timestamp) -> String {
    let at = clock(at);
    format!("{}: it was stopped at {at} and deleted.", cap.reason())
}

/// The time of day, as people are told it.
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_says_which_limit_when_and_what_to_do() {
        let at: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let long = "a".repeat(43);
        for stage in [Stage::Near, Stage::Reached] {
            for cap in Cap::ALL {
                let notice = Notice::new(stage, cap, at, at, "");
                let told = notice.message(&long, "docs/runbooks");
                // SNS's limit of a subject (API reference: Publish).
                assert!(
                    told.subject.len() <= 100 && told.subject.is_ascii(),
                    "{told:?}"
                );
                assert!(told.subject.contains(cap.attribute()));
                assert!(told.text.contains("20:00:00 UTC"), "{told:?}");
                assert!(told.text.contains(notice.code().advice()));
                let page = format!("docs/runbooks/{}.md", notice.code().as_str());
                assert!(told.text.contains(&page), "{told:?}");
                let id = format!("Incident: {} of {long}", notice.incident_id());
                assert!(told.text.contains(&id), "{told:?}");
            }
        }
        let keys = |about| Notice::new(Stage::Near, Cap::Session, at, at, about).key;
        assert_eq!(keys("one"), keys("one"));
        assert_ne!(keys("one"), keys("two"));
    }
}
