"""From a record to the air and back to nothing, by record edits alone."""

import time

from local.stage import Stage
from show import Show

MADE = ["CreateInput", "AddFlowOutputs", "CreateChannel"]


def test_a_destination_lives_and_leaves_nothing(show):
    """Put, streaming, ready, the grace time, nothing, and the item deleted: in this order and once each."""
    one = show.put()
    record = show.wait_status(one, "ready")
    show.wait_quiet([one])
    assert show.writes() == [], "a new record costs nothing before it is to stream"
    assert "channel_id" not in record and "problem" not in record

    show.stage.update(one, desired_state="streaming")
    show.wait_status(one, "starting")
    channel = show.wait_streaming(one)
    record = show.stage.record(one)
    assert record["channel_id"] == channel["id"]
    assert record["input_id"] == show.inputs(one)[0]["id"]
    assert record["mediaconnect_output_arn"] == show.outputs(one)[0]["arn"]
    for attribute in ("streaming_started_at", "observed_at", "created_at", "updated_at", "generation"):
        assert record.get(attribute), f"{attribute} is missing in {record}"
    writes = [call for call in show.writes() if call not in ("StartFlow", "UpdateFlowOutput")]
    assert writes == [*MADE, "StartChannel"]
    tags = channel["tags"]
    assert tags["lunora:stack"] == show.stage.stack and tags["lunora:destination"] == one and tags["lunora:incarnation"] == "1"

    mark = show.now()
    show.stage.update(one, desired_state="ready")
    show.wait_status(one, "stopping")
    record = show.wait_status(one, "ready")
    show.wait_quiet([one])
    assert show.whole(one, "IDLE")["id"] == channel["id"] == record["channel_id"]
    assert show.writes(since=mark) == ["StopChannel", "UpdateFlowOutput"]
    assert "streaming_started_at" not in record

    mark = show.now()
    show.end_grace(one)
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    record = show.wait_status(one, "ready")
    assert not {"channel_id", "input_id", "mediaconnect_output_arn", "problem"} & set(record), record
    assert show.writes(since=mark) == ["DeleteChannel", "RemoveFlowOutput", "DeleteInput"]

    show.stage.delete(one)
    show.stage.wait_until(lambda: "seen" not in show.stage.ledger(one), 20, "the ledger to forget the wish")
    show.wait_quiet([one])
    row = show.stage.ledger(one)
    assert set(row) <= {"destination_id", "generation", "incarnation", "knock", "rest", "expires_at", "fence", "account"}, row
    assert row["incarnation"] > 1 and row["expires_at"] > time.time() + 89 * 86400
    state = show.stage.simulator.state()
    assert [flow["arn"] for flow in state["flows"]] == [show.stage.flow_arn]
    assert [group["id"] for group in state["security_groups"]] == [show.stage.security_group]


def test_two_destinations_know_nothing_of_each_other(show):
    """One is stopped, started, removed; the other's channel never leaves RUNNING."""
    one, other = show.put(desired_state="streaming"), show.put(desired_state="streaming", preset_id="720p30")
    before = show.wait_streaming(other)
    show.wait_streaming(one)
    mark = show.now()
    show.stage.update(one, desired_state="ready")
    show.wait_status(one, "ready")
    show.stage.update(one, desired_state="streaming")
    show.wait_streaming(one)
    show.stage.delete(one)
    show.stage.wait_gone(one)
    after = show.whole(other)
    assert (after["id"], after["run"]) == (before["id"], before["run"])
    assert show.writes(other, since=mark) == []
    assert show.wait_status(other, "streaming")["channel_id"] == before["id"]


def test_removed_keeps_the_record_and_nothing_else(show):
    """`removed` has no grace time; the record can be streamed again."""
    one = show.streaming()
    show.stage.update(one, desired_state="removed")
    show.wait_status(one, "removing")
    show.stage.wait_gone(one)
    record = show.wait_status(one, "ready")
    assert not {"channel_id", "input_id", "mediaconnect_output_arn", "problem"} & set(record), record
    show.stage.update(one, desired_state="streaming")
    channel = show.wait_streaming(one)
    assert show.made_channels(one) == 2
    assert channel["tags"]["lunora:incarnation"] != "1", "a new life has new request ids"


def test_not_enabled_is_not_on_air(show):
    """`enabled` false turns streaming into ready, and back; removed stays removed."""
    one = show.put(desired_state="streaming", enabled=False)
    show.wait_status(one, "ready")
    show.wait_quiet([one])
    assert show.writes() == []
    show.stage.update(one, enabled=True)
    show.wait_streaming(one)
    show.stage.update(one, enabled=False)
    show.wait_status(one, "ready")
    show.wait_quiet([one])
    show.whole(one, "IDLE")
    show.stage.update(one, desired_state="removed")
    show.stage.wait_gone(one)


def test_warm_is_made_at_once_and_kept(show):
    """keep_warm makes everything before it is needed, keeps it past the grace time, and no longer than it is set."""
    one = show.put(keep_warm=True)
    show.wait_status(one, "starting")
    show.wait_status(one, "ready")
    show.wait_quiet([one])
    channel = show.whole(one, "IDLE")
    show.stage.update(one, desired_state="streaming")
    assert show.wait_streaming(one)["id"] == channel["id"]
    show.stage.update(one, desired_state="ready")
    show.wait_status(one, "ready")
    show.wait_quiet([one])
    assert "grace_until" not in show.stage.ledger(one), "what is kept warm has no grace time"
    show.stage.update(one, keep_warm=False)
    show.stage.wait_until(lambda: show.stage.ledger(one).get("grace_until"), 20, "the grace time to begin")
    show.wait_quiet([one])
    assert show.whole(one, "IDLE")["id"] == channel["id"]
    show.end_grace(one)
    show.stage.wait_gone(one)


def test_warm_takes_less_than_half_a_minute(stages):
    """From the record to IDLE at the times that AWS usually takes, the simulator's clock being the wall's."""
    stages.throw_away()  # one stage at a time: this one measures
    with Stage(auth=True, media="none", scale=1, with_platforms=False) as stage:
        show = Show(stage, "warm")
        began = time.monotonic()
        one = show.put(keep_warm=True)
        show.wait_status(one, "ready", 45)
        seconds = time.monotonic() - began
        show.whole(one, "IDLE")
        assert seconds < 30, f"it took {seconds:.1f} s"
