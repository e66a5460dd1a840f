"""Which of AWS's rules the simulator holds, where each is written, and the tests that hold it to them.

`core` tests are Rust tests of the simulator's core, the others are in this folder. A name that
leads to no test fails here.
"""

import re

import pytest

from conftest import ROOT

RULES = [
    # States and what they allow.
    ("A channel is CREATING, then IDLE or CREATE_FAILED", "API model: waiter ChannelCreated",
     "test_channel_created test_channel_created_fails_on_create_failed"),
    ("StartChannel: STARTING, then RUNNING", "API model: waiter ChannelRunning", "test_channel_running_and_stopped"),
    ("A start may fall back to IDLE; no waiter calls that a failure", "API model: waiter ChannelRunning",
     "test_channel_running_has_no_failure_when_the_start_falls_back"),
    ("RUNNING may become RECOVERING and come back by itself", "API model: channel states", "core:starts_creations_and_updates_that_fail_later"),
    ("StopChannel: STOPPING, then IDLE", "API model: waiter ChannelStopped", "test_channel_running_and_stopped"),
    ("UpdateChannel and UpdateChannelClass in IDLE only; UPDATING, then IDLE or UPDATE_FAILED", "user guide: editing and deleting a channel",
     "core:each_operation_in_each_state core:starts_creations_and_updates_that_fail_later"),
    ("UpdateChannel without roleArn removes the role", "API model: UpdateChannel", "core:an_update_without_a_role_removes_it"),
    ("DeleteChannel in IDLE and the failed states only", "user guide: starting, stopping and deleting a channel",
     "core:each_operation_in_each_state test_refusals_of_a_running_channel"),
    ("A deleted channel is described as DELETED for a while, then it is unknown", "observed with Terraform's provider",
     "test_deleted_lingers_and_then_is_unknown"),
    ("A read right after a create may miss it", "observed with Terraform's provider", "test_read_after_write_lag"),
    ("StartChannel while CREATING is 400 or 409", "seen in a production system; API model", "test_start_while_creating_both_ways"),
    ("Start, Stop, Delete in a state that already is so: not documented, both ways", "not documented", "core:unknown_answers_can_be_switched"),
    ("RestartChannelPipelines in RUNNING only", "API model", "core:each_operation_in_each_state test_refusals_of_a_running_channel"),
    ("An input is ATTACHED from CreateChannel on, DETACHED some time after the channel is gone", "API model: waiters InputAttached, InputDetached",
     "test_channel_deleted_input_detached_input_deleted core:an_attached_input_can_not_be_deleted"),
    ("DeleteInput in DETACHED only, else 409", "API model: DeleteInput", "core:an_attached_input_can_not_be_deleted"),
    ("UpdateInput of an attached input needs an IDLE channel", "user guide: editing an input",
     "core:an_input_of_a_running_channel_can_not_be_changed test_refusals_of_a_running_channel"),
    ("A security group is IN_USE while an input names it and can not be deleted: 400", "API model: DeleteInputSecurityGroup has no 409",
     "test_group_refusals core:a_group_in_use_stays"),
    ("A security group needs a rule, in the service's words", "seen in a CloudFormation documentation thread", "test_group_refusals"),
    ("One input serves one channel: 409 in the service's words", "seen with CloudFormation", "test_one_input_serves_one_channel"),
    ("A bad destination or role is 400 in the service's words, bad content 422 with element paths", "seen with Terraform and SDKs; API model",
     "test_422_says_where core:a_channel_is_refused_for_one_wrong_element"),
    ("CreateChannel and CreateInput are idempotent by requestId; another body: both ways", "API model",
     "test_replays_of_request_ids_both_ways core:a_request_id_makes_one_channel core:request_ids_and_the_quota_of_push_inputs"),
    ("dryRun checks and makes nothing", "API model", "core:a_dry_run_makes_nothing"),
    ("Unknown ids are 404", "API model", "core:each_operation_in_each_state test_wrong_status_is_400_and_unknown_is_404"),
    # Waiters.
    ("500 is tried again by every waiter", "API model: waiters", "test_waiters_try_again_after_500"),
    ("404 is no success for the deleted waiters of MediaLive", "API model: waiters", "test_a_forgotten_thing_is_an_error_for_the_deleted_waiters"),
    # Inputs.
    ("An RTP push input: STANDARD, two addresses of its own, port 5000, a security group", "user guide: creating an RTP push input",
     "test_an_input_and_its_group core:an_rtp_push_input_has_two_addresses_for_life"),
    ("The flow's egress address must be allowed, or nothing arrives", "user guide: input security groups",
     "core:the_media_view_follows_the_apis core:an_input_without_a_feed_raises_the_alert"),
    ("A MediaConnect input makes and removes its own flow output", "user guide: distribution to MediaLive",
     "core:a_mediaconnect_input_brings_its_own_output"),
    # Quotas and throttling.
    ("5 channels in any state but DELETED, 5 push inputs; the error is not documented", "user guide: quotas", "test_quotas core:five_channels_and_no_more"),
    ("5 security groups", "user guide: quotas", "core:a_group_in_use_stays"),
    ("20 calls a second with a burst of 40, 429 beyond", "user guide: quotas", "test_throttling core:the_forty_first_call_at_once_is_throttled"),
    ("At most 2 push inputs, one RTMP output, H.264 and AAC", "user guide: quotas; RTMP output groups", "core:a_channel_is_refused_for_one_wrong_element"),
    # Alerts and events.
    ("Alerts are SET and CLEARED by id, counted anew from each start and in each channel, kept five minutes", "user guide: monitoring alerts",
     "test_alerts core:alerts_are_set_and_cleared core:each_pipeline_has_its_alerts"),
    ("A lost input is told by 5302 after a second, and by what can not be decoded", "user guide: list of alerts for channels",
     "core:a_lost_input_is_told_three_times core:a_short_outage_is_told_once core:an_input_without_a_feed_raises_the_alert"),
    ("A channel without a first picture waits for it: 5007, nothing is put out", "user guide: list of alerts for channels",
     "core:a_channel_that_starts_without_a_picture_waits_for_it"),
    ("PAUSE_OUTPUT: 6036, nothing leaves", "user guide: handling loss of video input", "core:a_paused_output_group"),
    ("Black is not told without automatic input failover; it can be raised by hand", "user guide: list of alerts for channels", "core:alerts_by_hand"),
    ("Maintenance of a single pipeline stops the channel without notice; the states: both ways", "user guide: how MediaLive performs channel maintenance",
     "core:a_channel_under_maintenance_both_ways"),
    ("Thumbnails only of a running channel, and only where there is a picture", "user guide: thumbnails",
     "test_thumbnails_need_a_picture test_two_feeds_and_a_channel core:a_picture_is_made_when_somebody_asks_for_it"),
    ("CREATE_FAILED has no event", "user guide: EventBridge; never seen", "core:a_creation_that_fails_is_not_told"),
    ("Health of sources, the switch and alerts are told within seconds, with real feeds too", "published run", "test_two_feeds_and_a_channel"),
    ("Events say CREATED and STOPPED for IDLE, never UPDATING", "user guide: EventBridge", "core:the_events_of_a_channels_life test_events_reach_eventbridge_signed"),
    ("Events may be missing, doubled, late, out of order", "EventBridge events reference", "core:events_go_astray_on_request test_events_go_astray"),
    ("RTMP: restart delay, then tries at the retry interval; used up, the output stops, then the channel, or not: both ways",
     "user guide: fields for the RTMP connection", "test_a_platform_that_refuses_and_one_that_closes "
     "core:a_refused_connection_is_tried_again_and_then_given_up core:a_dropped_connection_comes_back_after_the_restart_delay core:a_restart_delay_of_zero "
     "core:a_platform_that_comes_back_in_time_heals_the_output core:a_platform_that_accepts_and_closes"),
    ("An alert's text may hold the whole destination: both ways", "user guide: JSON for an alert event", "core:the_text_of_an_alert_both_ways"),
    # MediaConnect.
    ("STANDBY, STARTING, ACTIVE, STOPPING, DELETING, then 404", "API model: waiters FlowActive, FlowStandby, FlowDeleted",
     "test_flow_active_standby_deleted test_flow_active_fails_on_standby core:a_flow_lives_through_its_statuses"),
    ("No 409: wrong status, doubled name, missing address are 400", "API model", "test_outputs_refused_with_400 test_wrong_status_is_400_and_unknown_is_404"),
    ("An ACTIVE flow takes changes and is UPDATING for a moment", "user guide: updating flows", "test_an_active_flow_is_updating_for_a_moment"),
    ("RTP-FEC takes three ports; destinations differ", "user guide: RTP-FEC", "core:outputs_that_are_refused"),
    ("outputStatus switches an output; UpdateFlowOutput is a merge patch", "API model", "test_a_flow_and_its_parts"),
    ("At most 2 sources, failover for two, SRT only FAILOVER, the last source stays", "user guide: source failover", "test_sources_and_failover core:sources"),
    ("A primary source is used whenever it has data, the other after 500 ms without", "user guide: source failover",
     "test_the_primary_source_is_left_and_comes_back core:the_primary_source_is_left_after_half_a_second_and_comes_back_with_its_data"),
    ("Without a primary source any is used, until it is silent for 500 ms", "user guide: source failover",
     "test_equal_sources_stay_where_they_are core:equal_sources_change_only_when_the_one_in_use_is_silent"),
    ("The primary source of a running flow can be changed", "API model: UpdateFlow",
     "test_the_primary_source_is_changed_on_a_running_flow core:another_primary_source_takes_over_on_a_running_flow"),
    ("Both sources use one protocol and ports of their own; the rest is 400", "user guide: adding a source, source ports",
     "test_failover_refused_with_400 core:failover_that_is_refused"),
    ("No call tells which source is used; peer addresses are up to 20 s late", "user guide: determining a source's peer IP address",
     "core:the_peer_address_follows_late"),
    ("Health, alert, maintenance and content quality events of a flow", "user guide: flow events; an alert's and a health event's members also from a published run",
     "test_the_events_of_a_failover core:a_flow_that_nobody_feeds core:maintenance_content_quality_and_a_flow_that_learns_failover "
     "core:the_switch_flag_both_ways_and_errors_of_a_source"),
    ("Maintenance restarts a flow, enabling failover interrupts it", "user guide: how maintenance works, adding a source",
     "core:maintenance_content_quality_and_a_flow_that_learns_failover"),
    ("An updated listener drops its caller", "not documented", "core:an_updated_source_is_called_again"),
    ("srt-password takes no algorithm", "seen with the real service", "test_sources_and_failover core:sources"),
    ("Over quota is 420 with a name of its own: 50 outputs, 20 flows", "API model; user guide: quotas", "test_quotas_are_420 core:quotas_are_420"),
    ("Describe 30 a second, all else 5 with a burst of 30", "user guide: quotas",
     "test_describes_have_a_bucket_of_their_own core:describe_has_a_bucket_of_its_own_for_mediaconnect"),
    # Money.
    ("Ten minutes at least per start, minutes rounded up, idle until deleted, a STANDBY flow is free", "pricing pages",
     "test_the_bill_adds_up core:a_short_run_costs_ten_minutes_and_idling_until_deleted core:an_hour_on_air_with_its_flow_and_its_bytes"),
    ("Bytes are billed while a platform takes them", "data transfer out is billed by what leaves", "core:no_connection_no_egress"),
    ("A flow's transfer to MediaLive goes on while a channel is stopped; its price and a flow's rounding: both ways", "user guide: distributing content to MediaLive",
     "core:what_a_flow_sends_is_billed_by_output core:a_flow_by_the_minute_or_by_the_hour"),
    ("Price class by bitrate, frame rate and size; an empty bitrate is billed by the input", "pricing page; user guide: bitrate",
     "core:published_prices core:an_empty_bitrate_is_billed_by_the_input_and_a_followed_frame_rate_as_60"),
]


def known_tests():
    """Names of the tests here and in the core."""
    here = re.findall(r"^def (test_\w+)", "\n".join(path.read_text() for path in (ROOT / "tests" / "contract").glob("test_*.py")), re.M)
    core = re.findall(r"#\[test\]\s+fn (\w+)", "\n".join(path.read_text() for path in (ROOT / "simulator" / "src" / "core").rglob("*.rs")))
    return set(here) | {f"core:{name}" for name in core}


@pytest.mark.parametrize("rule, written, held", RULES, ids=[row[0][:40] for row in RULES])
def test_each_rule_has_a_source_and_a_test(rule, written, held):
    assert written and set(held.split()) <= known_tests(), f"{rule}: {set(held.split()) - known_tests()}"
