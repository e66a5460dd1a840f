//! Names, tags and request ids of everything we create, and the test whether a thing is ours.
//!
//! Names are deterministic, so that a thing made by a call whose answer was lost can be found
//! again; request ids carry the incarnation and nothing else that changes, so that a repeated
//! create is the same create.

use std::collections::BTreeMap;

/// Tag that says which stack a thing belongs to.
pub const TAG_STACK: &str = "lunora:stack";
/// Tag that says which destination a thing serves.
pub const TAG_DESTINATION: &str = "lunora:destination";
/// Tag that counts the lives of a destination's resources.
pub const TAG_INCARNATION: &str = "lunora:incarnation";

/// Tags as AWS gives and takes them.
pub type Tags = BTreeMap<String, String>;

/// `lunora-<stack>-<destination>`: the name of a destination's input, flow output and channel.
pub fn resource(stack: &str, destination_id: &str) -> String {
    format!("lunora-{stack}-{destination_id}")
}

/// The three tags of a thing of ours.
pub fn tags(stack: &str, destination_id: &str, incarnation: u64) -> Tags {
    BTreeMap::from([
        (TAG_STACK.to_owned(), stack.to_owned()),
        (TAG_DESTINATION.to_owned(), destination_id.to_owned()),
        (TAG_INCARNATION.to_owned(), incarnation.to_string()),
    ])
}

/// Request id of CreateInput.
pub fn input_request_id(stack: &str, destination_id: &str, incarnation: u64) -> String {
    format!("{}-{incarnation}-input", resource(stack, destination_id))
}

/// Request id of CreateChannel.
pub fn channel_request_id(stack: &str, destination_id: &str, incarnation: u64) -> String {
    format!("{}-{incarnation}-channel", resource(stack, destination_id))
}

/// The destination a thing of this stack serves: only if its name and all its tags agree.
pub fn owner<'a>(stack: &str, name: &str, tags: &'a Tags) -> Option<&'a str> {
    let destination = tags.get(TAG_DESTINATION)?;
    let ours = tags.get(TAG_STACK).is_some_and(|tag| tag == stack)
        && tags
            .get(TAG_INCARNATION)
            .is_some_and(|tag| tag.parse::<u64>().is_ok())
        && name == resource(stack, destination);
    ours.then_some(destination)
}

/// Whether a flow may be started and stopped by us: it carries the stack's tag.
pub fn is_our_flow(stack: &str, tags: &Tags) -> bool {
    tags.get(TAG_STACK).is_some_and(|tag| tag == stack)
}

/// An execution's name: at most 80 characters of the alphabet that Step Functions allows.
pub fn execution(destination_id: &str, because: &str) -> String {
    let id = if crate::record::is_valid_id(destination_id) {
        destination_id
    } else {
        "invalid"
    };
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '-'
        }
    };
    format!(
        "{id}-{}",
        because.chars().map(clean).take(40).collect::<String>()
    )
}

/// The name of the execution that tells and watches an incident: the same for whoever starts it, and
/// another one for whoever takes its place.
pub fn incident_execution(destination_id: &str, incident_id: &str, because: &str) -> String {
    let hash = short_hash(&format!("{incident_id} {because}"));
    format!("{destination_id}-{hash}")
}

/// A short hash, for a name that has to follow from a longer one.
pub fn short_hash(text: &str) -> String {
    crate::address::hex_prefix(&[text.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_ours_only_if_name_and_tags_agree() {
        let ours = tags("show", "youtube-main", 2);
        assert_eq!(
            owner("show", "lunora-show-youtube-main", &ours),
            Some("youtube-main")
        );
        assert_eq!(owner("show", "lunora-show-youtube", &ours), None);
        assert_eq!(owner("other", "lunora-show-youtube-main", &ours), None);
        for missing in [TAG_STACK, TAG_DESTINATION, TAG_INCARNATION] {
            let mut tags = ours.clone();
            tags.remove(missing);
            assert_eq!(
                owner("show", "lunora-show-youtube-main", &tags),
                None,
                "{missing}"
            );
        }
    }

    #[test]
    fn two_stacks_whose_names_run_together_stay_apart() {
        // Stack `a`, destination `b-c` and stack `a-b`, destination `c` share a name.
        assert_eq!(resource("a", "b-c"), resource("a-b", "c"));
        assert_eq!(owner("a-b", "lunora-a-b-c", &tags("a", "b-c", 1)), None);
    }

    #[test]
    fn execution_names_fit_the_limits_of_step_functions() {
        let longest = "x".repeat(39);
        let name = execution(&longest, &"7f/é:".repeat(30));
        assert!(name.len() <= 80 && name.is_ascii(), "{name}");
        assert_eq!(execution("no good id", "1"), "invalid-1");
    }
}
