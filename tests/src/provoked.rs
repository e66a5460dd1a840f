//! Each problem code and the test that provokes it. A code without one is listed with the reason, so that
//! the gap is known.

/// Code, file, test.
pub const PROVOKED: &[(&str, &str, &str)] = &[
    (
        "invalid_id",
        "tests/end_to_end/test_bad_records.py",
        "test_an_id_that_cannot_be_used",
    ),
    (
        "wrong_type",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "unknown_platform",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "missing_platform",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "unknown_preset",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "missing_preset",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "preset_exceeds_platform",
        "domain/tests/records.rs",
        "bad_records_are_refused_with_their_code",
    ),
    (
        "preset_not_for_platform",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "unknown_desired_state",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "unknown_value",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "not_available_yet",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "missing_url",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "malformed_url",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "url_scheme",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "url_host_private",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "url_host_not_allowed",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "url_userinfo",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "url_port",
        "domain/tests/records.rs",
        "bad_records_are_refused_with_their_code",
    ),
    (
        "url_has_key",
        "domain/tests/records.rs",
        "bad_records_are_refused_with_their_code",
    ),
    (
        "stream_key_in_record",
        "tests/end_to_end/test_secrets.py",
        "test_a_key_in_the_record_is_scrubbed_and_goes_no_further",
    ),
    (
        "malformed_time",
        "tests/end_to_end/test_schedule.py",
        "test_a_show_that_was_over_before_anybody_saw_it_is_said_and_not_started",
    ),
    (
        "malformed_number",
        "domain/tests/records.rs",
        "slips_beside_the_point_are_said_and_refuse_nothing",
    ),
    (
        "missing_parameter_name",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "parameter_outside_prefix",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "duplicate_address",
        "tests/end_to_end/test_bad_records.py",
        "test_the_same_address_and_key",
    ),
    (
        "parameter_missing",
        "tests/end_to_end/test_bad_records.py",
        "test_is_told_and_heals",
    ),
    (
        "parameter_unreadable",
        "tests/end_to_end/test_bad_records.py",
        "test_a_parameter_that_may_not_be_read",
    ),
    (
        "parameter_not_secure",
        "tests/end_to_end/test_bad_records.py",
        "test_a_plain_parameter",
    ),
    (
        "parameter_empty",
        "tests/end_to_end/test_bad_records.py",
        "test_an_empty_parameter",
    ),
    (
        "change_waits_for_next_start",
        "tests/end_to_end/test_edits.py",
        "test_a_rotated_key_waits_for_the_next_start",
    ),
    (
        "waiting_for_quota",
        "tests/end_to_end/test_quota.py",
        "test_a_waiting_one_can_be_stopped",
    ),
    (
        "waiting_for_flow",
        "tests/end_to_end/test_sweep.py",
        "test_a_foreign_flow_is_neither_stopped_nor_started",
    ),
    (
        "flow_missing",
        "domain/src/plan/tests/examples.rs",
        "trouble",
    ),
    (
        "start_failed",
        "tests/end_to_end/test_edits.py",
        "test_three_starts_and_no_more",
    ),
    (
        "create_failed",
        "tests/end_to_end/test_refusals.py",
        "test_a_channel_that_cannot_be_made",
    ),
    (
        "update_failed",
        "tests/end_to_end/test_refusals.py",
        "test_a_change_that_does_not_come_about_goes_back_on_air",
    ),
    (
        "refused_by_aws",
        "tests/end_to_end/test_edits.py",
        "test_retry_after_a_refusal",
    ),
    (
        "missing_permission",
        "tests/end_to_end/test_incidents.py",
        "test_one_message_when_it_begins_and_one_when_it_is_over",
    ),
    (
        "recovering",
        "domain/src/plan/tests/examples.rs",
        "rest_and_way_up",
    ),
    (
        "taking_too_long",
        "domain/src/plan/tests/examples.rs",
        "way_down",
    ),
    (
        "waiting_for_outcome",
        "domain/src/plan/tests/examples.rs",
        "trouble",
    ),
    (
        "no_input",
        "tests/end_to_end/test_incidents.py",
        "test_a_lost_feed_is_one_message_that_names_the_destinations",
    ),
    (
        "rtmp_failed",
        "tests/end_to_end/test_failover.py",
        "test_a_wrong_key_is_said_and_heals_when_it_is_corrected",
    ),
    (
        "output_failed",
        "domain/src/plan/tests/watching.rs",
        "when_all_fail_it_says_so_goes_on_trying_and_each_way_out_works",
    ),
    (
        "on_backup",
        "tests/end_to_end/test_failover.py",
        "test_a_platform_that_refuses_is_left_for_the_backup_and_nothing_flaps",
    ),
    (
        "black_or_silent",
        "tests/proof/tests/incidents.rs",
        "a_thousand_alerts_end_as_the_truth_with_one_message_each_way",
    ),
    (
        "pipeline_failed",
        "domain/src/plan/tests/watching.rs",
        "a_pipeline_that_does_not_heal_is_started_again_half_an_hour_apart",
    ),
    (
        "source_unhealthy",
        "tests/end_to_end/test_flow.py",
        "test_the_second_encoder_takes_over_and_an_edit_switches_back",
    ),
    (
        "cap_warning",
        "tests/end_to_end/test_caps.py",
        "test_the_longest_session_is_warned_of_and_then_ends",
    ),
    (
        "cap_no_input",
        "domain/src/plan/tests/watching.rs",
        "a_destination_that_nobody_feeds_is_warned_and_then_gone_until_an_edit",
    ),
    (
        "cap_session",
        "tests/end_to_end/test_caps.py",
        "test_the_longest_session_is_warned_of_and_then_ends",
    ),
    (
        "cap_budget_day",
        "tests/end_to_end/test_caps.py",
        "test_a_budget_that_does_not_pay_for_a_start_starts_nothing",
    ),
    (
        "cap_budget_month",
        "tests/end_to_end/test_caps.py",
        "test_a_budget_that_does_not_pay_for_a_start_starts_nothing",
    ),
    (
        "schedule_missed",
        "tests/end_to_end/test_schedule.py",
        "test_a_show_that_was_over_before_anybody_saw_it_is_said_and_not_started",
    ),
];

/// Codes that no test provokes from end to end, and why.
pub const OPEN: &[(&str, &str)] = &[
    (
        "waiting_for_turn",
        "shown by poll-channel while a lap waits for its place; the proof's crowds pass through it, no test names it",
    ),
    (
        "feed_not_allowed",
        "preflight says it; no test has a group that does not let the flow in",
    ),
    (
        "stopped_by_hand",
        "no worker says it yet: a channel stopped by hand is started again without a word",
    ),
    (
        "deleted_by_hand",
        "no worker says it yet: what was deleted by hand is made again without a word",
    ),
    (
        "retries_exhausted",
        "its text is tested in domain::error; no whole-system test keeps AWS failing for so long",
    ),
    (
        "maintenance",
        "watch reads the event by a test of its own; no whole-system test has a window",
    ),
    (
        "internal",
        "a fault of ours: the oracles look for it in every run and must not find it",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{house, manners};
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_provoked_or_known_not_to_be() {
        let codes = manners::problem_codes(&house::read("domain/src/problem.rs"));
        let named = PROVOKED.iter().map(|(code, ..)| *code);
        let named: Vec<&str> = named.chain(OPEN.iter().map(|(code, _)| *code)).collect();
        let once: BTreeSet<String> = named.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(once, codes);
        assert_eq!(once.len(), named.len(), "a code is named twice");
        assert!(OPEN.iter().all(|(_, why)| why.len() > 30));
    }

    #[test]
    fn every_test_that_is_named_exists() {
        for (code, file, test) in PROVOKED {
            let text = house::read(file);
            let defined = [format!("fn {test}("), format!("def {test}(")];
            assert!(
                defined.iter().any(|it| text.contains(it.as_str())),
                "{code}: no {test} in {file}"
            );
        }
    }
}
