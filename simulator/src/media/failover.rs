//! Which source a flow uses, by MediaConnect's rule (user guide: source failover): the primary source
//! whenever it has data, the other after 500 ms without; without a primary source whichever came
//! first, until it is silent for 500 ms. Decided as data comes in: nothing is held back.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A source without data for so long is left for the other one.
const SILENCE: Duration = Duration::from_millis(500);

/// What a piece of data led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It goes out.
    Used,
    /// It goes out, and is the first of another source; so long nothing had gone out before.
    Switched(Duration),
    /// Another source is used.
    Spare,
}

/// The sources of one flow.
#[derive(Debug, Default)]
pub struct Sources {
    primary: Option<String>,
    heard: BTreeMap<String, Instant>,
    used: Option<String>,
    last_out: Option<Instant>,
}

impl Sources {
    /// The sources that exist now and the one with priority.
    pub fn set(&mut self, names: &[String], primary: Option<String>) {
        self.heard.retain(|name, _| names.contains(name));
        self.used
            .take_if(|used| !names.iter().any(|name| name == used));
        self.primary = primary;
    }

    /// Has it said nothing for long? None if it never said anything.
    pub fn silent(&self, source: &str, now: Instant) -> Option<bool> {
        let last = self.heard.get(source)?;
        Some(now.duration_since(*last) >= SILENCE)
    }

    /// A piece of data has come from a source.
    pub fn hear(&mut self, source: &str, now: Instant) -> Turn {
        let used = self.used.as_deref();
        let other_sends =
            used.is_some_and(|used| used != source && self.silent(used, now) == Some(false));
        self.heard.insert(source.to_owned(), now);
        let first = used.is_none();
        if used != Some(source) {
            if other_sends && self.primary.as_deref() != Some(source) {
                return Turn::Spare;
            }
            self.used = Some(source.to_owned());
            let gap = self.last_out.replace(now).map(|last| now - last);
            return if first && gap.is_none() {
                Turn::Used
            } else {
                Turn::Switched(gap.unwrap_or_default())
            };
        }
        self.last_out = Some(now);
        Turn::Used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(primary: Option<&str>) -> Sources {
        let mut sources = Sources::default();
        sources.set(
            &["primary".into(), "backup".into()],
            primary.map(str::to_owned),
        );
        sources
    }

    #[test]
    fn the_primary_is_used_whenever_it_has_data() {
        let mut sources = two(Some("primary"));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(sources.hear("backup", at(0)), Turn::Used);
        assert_eq!(
            sources.hear("primary", at(10)),
            Turn::Switched(Duration::from_millis(10))
        );
        assert_eq!(sources.hear("backup", at(20)), Turn::Spare);
        assert_eq!(sources.hear("backup", at(509)), Turn::Spare);
        assert_eq!(
            sources.hear("backup", at(510)),
            Turn::Switched(Duration::from_millis(500))
        );
        assert_eq!(sources.hear("backup", at(700)), Turn::Used);
        assert_eq!(
            sources.hear("primary", at(710)),
            Turn::Switched(Duration::from_millis(10)),
            "as soon as data returns"
        );
    }

    #[test]
    fn equal_sources_stay() {
        let mut sources = two(None);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(sources.hear("backup", at(0)), Turn::Used);
        assert_eq!(sources.hear("primary", at(499)), Turn::Spare);
        assert_eq!(
            sources.hear("primary", at(500)),
            Turn::Switched(Duration::from_millis(500))
        );
        assert_eq!(sources.hear("backup", at(600)), Turn::Spare);
    }

    #[test]
    fn a_removed_source_is_not_waited_for() {
        let mut sources = two(Some("primary"));
        let now = Instant::now();
        assert_eq!(sources.hear("primary", now), Turn::Used);
        assert_eq!(sources.hear("backup", now), Turn::Spare);
        sources.set(&["backup".into()], None);
        assert_eq!(sources.used, None);
        assert!(matches!(sources.hear("backup", now), Turn::Switched(_)));
    }
}
