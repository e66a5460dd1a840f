"""EventBridge is best effort: events that are lost, doubled, late or out of order change nothing about the end.

The same life of three destinations is lived under each kind of weather, and must read the same in
AWS's books: what was made, how often it was started, what is left.
"""

import contextlib

import pytest

from sweeper import Sweeping

# What each destination's life must read like, whatever becomes of the events.
AS_IT_SHOULD_BE = {
    # Streams, changes its address on the air (stop, update, start), is deleted on the air.
    "edited": {"CreateInput": 1, "AddFlowOutputs": 1, "CreateChannel": 1, "StartChannel": 2, "StopChannel": 2,
               "UpdateChannel": 1, "DeleteChannel": 1, "DeleteInput": 1, "RemoveFlowOutput": 1, "channels": 1},
    # Streams, is stopped, streams again within its grace, is removed by its wish.
    "stopped": {"CreateInput": 1, "AddFlowOutputs": 1, "CreateChannel": 1, "StartChannel": 2, "StopChannel": 2,
                "UpdateChannel": 0, "DeleteChannel": 1, "DeleteInput": 1, "RemoveFlowOutput": 1, "channels": 1},
    # Kept warm: made, never started, deleted.
    "warm": {"CreateInput": 1, "AddFlowOutputs": 1, "CreateChannel": 1, "StartChannel": 0, "StopChannel": 0,
             "UpdateChannel": 0, "DeleteChannel": 1, "DeleteInput": 1, "RemoveFlowOutput": 1, "channels": 1},
}

WEATHER = {
    "all_arrive": ({}, False),
    "all_lost": ({"drop": 1}, True),
    "doubled_shuffled_late": ({"duplicate": 1, "delay_seconds": [0, 20], "shuffle": True}, False),
    "some_lost_some_doubled": ({"drop": 0.4, "duplicate": 0.5, "delay_seconds": [0, 10], "shuffle": True}, True),
}


def names(show):
    """Ids for the three, by what they go through."""
    return {what: show.new_id() for what in AS_IT_SHOULD_BE}


def live(show, ids):
    """Three lives side by side, from record edits to nothing."""
    stage, (edited, stopped, warm) = show.stage, ids.values()
    show.put(edited, desired_state="streaming")
    show.put(stopped, desired_state="streaming")
    show.put(warm, desired_state="ready", keep_warm=True)
    show.wait_streaming(edited)
    show.wait_streaming(stopped)
    show.wait_channel(warm, "IDLE")

    stage.update(stopped, desired_state="ready")
    stage.update(edited, rtmp_url=f"rtmps://live.example.com/{edited}-b")
    show.wait_channel(stopped, "IDLE")
    # Back within the grace: the same channel is started again.
    stage.update(stopped, desired_state="streaming")
    show.wait_streaming(stopped)
    stage.wait_until(lambda: show.writes(edited).count("StartChannel") == 2, 40, "a second start of the edited one")
    show.wait_streaming(edited)
    show.wait_status(warm, "ready")
    show.wait_quiet([warm])
    show.whole(warm, "IDLE")

    stage.delete(edited)
    stage.update(stopped, desired_state="removed")
    stage.delete(warm)
    show.wait_all_gone(ids.values())
    show.wait_quiet(ids.values())
    record = show.wait_status(stopped, "ready")
    assert not any(record.get(name) for name in ("input_id", "channel_id", "mediaconnect_output_arn", "problem")), record


def told(show, ids):
    """What AWS's books say of each life."""
    def one(destination_id, expected):
        # An output has no id of its own before it is added: the call names only its flow.
        writes = show.writes(destination_id)
        counts = {operation: writes.count(operation) for operation in expected if operation != "channels"}
        return {**counts, "AddFlowOutputs": expected["AddFlowOutputs"], "channels": show.made_channels(destination_id)}
    return {what: one(ids[what], expected) for what, expected in AS_IT_SHOULD_BE.items()}


@pytest.mark.parametrize("weather", WEATHER)
def test_the_same_end_in_any_weather(show, weather):
    knobs, needs_sweeps = WEATHER[weather]
    stage = show.stage
    if knobs:
        stage.simulator.post("events", knobs)
    ids = names(show)
    since = show.now()
    with Sweeping(stage) if needs_sweeps else contextlib.nullcontext():
        live(show, ids)
    assert told(show, ids) == AS_IT_SHOULD_BE
    added = [call for call in show.calls(since=since) if call["operation"] == "AddFlowOutputs" and call["status"] < 300]
    assert len(added) == len(ids), added
    failed = [run["name"] for each in ids.values() for run in stage.executions(each)
              if run["status"] not in ("SUCCEEDED", "RUNNING")]
    assert not failed, failed
    assert not any(row.get("holder") for name, row in stage.ledger_rows().items() if name in ids.values())
