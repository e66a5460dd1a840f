"""What the scheduled pass does: it ends graces, gives turns, finds what hints missed, and removes
orphans, while nothing foreign is touched.
"""

import contextlib
import json

import pytest

from bystanders import Planter, things
from sweeper import Sweeping


@contextlib.contextmanager
def deaf(stage):
    """The table's stream wakes nobody: its records are lost for Lunora."""
    client = stage.boto("lambda")
    name = f"lunora-{stage.stack}-dispatch"
    mapping = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"][0]

    def set_to(enabled, state):
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
        stage.wait_until(lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == state, 20,
                         f"the stream's mapping to be {state}")
    set_to(False, "Disabled")
    try:
        yield
    finally:
        set_to(True, "Enabled")


@contextlib.contextmanager
def flow_grace(stage, seconds):
    """Another grace of the flow for the sweep, which alone acts on it."""
    client, name = stage.boto("lambda"), f"lunora-{stage.stack}-sweep"
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def set_to(variables):
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    set_to({**before, "FLOW_GRACE_SECONDS": str(seconds)})
    try:
        yield
    finally:
        set_to(before)


def woken_by_the_sweep(stage, destination):
    """Whether a pass, ours or the schedule's own, has started an execution for a destination."""
    return any("-sweep-" in run["name"] for run in stage.executions(destination))


def flow_status(stage):
    """The flow's status."""
    return stage.boto("mediaconnect").describe_flow(FlowArn=stage.flow_arn)["Flow"]["Status"]


def flow_calls(show, since):
    """Calls that started or stopped the flow."""
    return [call["operation"] for call in show.calls(since=since)
            if call["operation"] in ("StartFlow", "StopFlow") and call["caller"] != "by-hand" and call["status"] < 300]


def test_a_grace_time_ends(show):
    stage = show.stage
    destination = show.streaming()
    stage.update(destination, desired_state="ready")
    show.wait_status(destination, "ready")
    show.wait_quiet([destination])
    # Kept for a while, so that a second thought costs no new channel.
    show.whole(destination, "IDLE")
    with Sweeping(stage):
        show.wait_all_gone([destination], 40)
        record = stage.wait_for(destination, lambda record: not record.get("channel_id"), 20)
    assert record["streaming_status"] == "ready" and "input_id" not in record, record
    assert woken_by_the_sweep(stage, destination)


def test_a_grace_time_does_not_end_early(show):
    stage = show.stage
    destination = show.streaming()
    stage.update(destination, desired_state="ready")
    show.wait_channel(destination, "IDLE")
    show.wait_quiet([destination])
    stage.sweep()
    show.wait_quiet([destination])
    assert "DeleteChannel" not in show.writes(destination)
    # Wanted again within the grace: the same channel goes on.
    stage.update(destination, desired_state="streaming")
    show.wait_streaming(destination)
    assert show.made_channels(destination) == 1


def test_a_quota_that_frees_is_given_by_the_sweep(show):
    stage = show.stage
    stage.simulator.post("quotas", {"channels": 1})
    stage.simulator.post("events", {"drop": 1})
    with Sweeping(stage):
        first = show.streaming()
        second = show.put(desired_state="streaming")
        show.wait_problem(second, "waiting_for_quota")
        stage.delete(first)
        show.wait_streaming(second, 60)
    assert show.made_channels(second) == 1
    assert not stage.record(second).get("problem")


def test_a_flow_that_nobody_needs_stops_and_starts_again(show):
    stage = show.stage
    with flow_grace(stage, 2), Sweeping(stage):
        destination = show.streaming()
        assert flow_status(stage) == "ACTIVE"
        since = show.now()
        stage.update(destination, desired_state="removed")
        show.wait_all_gone([destination])
        stage.wait_until(lambda: flow_status(stage) == "STANDBY", 30, "the flow to be stopped")
        assert flow_calls(show, since) == ["StopFlow"]
        stage.update(destination, desired_state="streaming")
        show.wait_streaming(destination, 60)
        assert flow_status(stage) == "ACTIVE" and flow_calls(show, since) == ["StopFlow", "StartFlow"]
        # Needed again: many passes later it still runs.
        passes = stage.sweep()
        assert not passes["flow_stopped"]
        show.whole(destination)


def test_a_foreign_flow_is_neither_stopped_nor_started(show):
    stage, connect = show.stage, show.stage.boto("mediaconnect")
    show.streaming()  # brings the flow up while it is ours
    connect.untag_resource(ResourceArn=stage.flow_arn, TagKeys=["lunora:stack"])
    try:
        with flow_grace(stage, 0), Sweeping(stage) as sweeping:
            since = show.now()
            stage.delete(show.ids[0])
            show.wait_all_gone(show.ids)
            count = len(sweeping.passes)
            stage.wait_until(lambda: len(sweeping.passes) >= count + 4, 30, "four passes over an unneeded flow")
            assert flow_status(stage) == "ACTIVE" and flow_calls(show, since) == []
            # Its owner stops it; a destination then waits and says why, and goes on when it is up again.
            show.by_hand("stop_flow", stage.flow_arn)
            stage.wait_until(lambda: flow_status(stage) == "STANDBY", 20, "the owner's stop")
            waiting = show.put(desired_state="streaming")
            show.wait_problem(waiting, "waiting_for_flow")
            assert flow_calls(show, since) == []
            show.by_hand("start_flow", stage.flow_arn)
            show.wait_streaming(waiting)
            assert flow_calls(show, since) == []
    finally:
        connect.tag_resource(ResourceArn=stage.flow_arn, Tags={"lunora:stack": stage.stack})
        if flow_status(stage) == "STANDBY":
            show.by_hand("start_flow", stage.flow_arn)


def test_edits_whose_stream_records_are_lost_are_found(show):
    stage = show.stage
    stopped, changed, deleted = show.streaming(), show.streaming(), show.streaming()
    with deaf(stage):
        stage.update(stopped, desired_state="ready")
        stage.update(changed, preset_id="720p30")
        stage.delete(deleted)
        unseen = show.put(desired_state="streaming")
        assert stage.ledger(unseen) is None
        with Sweeping(stage):
            show.wait_channel(stopped, "IDLE")
            stage.wait_until(lambda: "UpdateChannel" in show.writes(changed), 40, "the changed one to be updated")
            show.wait_streaming(changed)
            show.wait_all_gone([deleted])
            show.wait_streaming(unseen)
        assert show.size(changed) == 720
        assert woken_by_the_sweep(stage, changed)
        assert woken_by_the_sweep(stage, unseen)
    # The records come late after all, and change nothing.
    show.wait_quiet(show.ids)
    show.wait_streaming(changed)
    assert show.made_channels(unseen) == 1 and show.made_channels(changed) == 1
    assert show.writes(unseen).count("StartChannel") == 1


def abort(show, destination):
    """Ends the execution that is at work on a destination, as a person in the console may."""
    for arn in show.running([destination]):
        show.stage.boto("stepfunctions").stop_execution(executionArn=arn, cause="a test")
    assert not show.running([destination])


def test_an_edit_takes_over_from_an_aborted_execution_at_once(show):
    stage = show.stage
    destination = show.put(desired_state="streaming")
    show.wait_channel(destination, "STARTING")
    abort(show, destination)
    stage.delete(destination)
    show.wait_all_gone([destination], 40)
    assert show.made_channels(destination) == 1


def test_executions_aborted_in_mid_lane_are_taken_up_by_the_sweep(show):
    stage = show.stage
    stopping, leaving = show.streaming(), show.streaming()
    making, starting = show.put(desired_state="streaming"), show.put(desired_state="streaming")
    show.wait_channel(making, "CREATING")
    abort(show, making)
    show.wait_channel(starting, "STARTING")
    abort(show, starting)
    stage.update(stopping, desired_state="ready", keep_warm=True)
    show.wait_channel(stopping, "STOPPING")
    abort(show, stopping)
    stage.delete(leaving)
    show.wait_channel(leaving, ("STOPPING", "IDLE", "DELETING"))
    abort(show, leaving)
    # A lease is taken from an execution that is gone only after a minute: its start may not be known everywhere yet.
    with Sweeping(stage):
        show.wait_streaming(making, 100)
        show.wait_streaming(starting, 60)
        show.wait_status(stopping, "ready", 60)
        show.wait_all_gone([leaving], 60)
    show.wait_quiet(show.ids)
    show.whole(stopping, "IDLE")
    assert woken_by_the_sweep(stage, making)
    for destination in (making, starting, stopping, leaving):
        assert show.made_channels(destination) == 1, destination
        assert show.writes(destination).count("StartChannel") == 1, destination


def test_orphans_go_and_nothing_foreign_is_touched(show):
    stage = show.stage
    stage.simulator.post("quotas", {"channels": 30, "push_inputs": 40})
    destination = show.streaming()
    channel = show.channel(destination)
    planter = Planter(stage, channel["id"])
    stack = stage.stack

    def tags(whom, incarnation="1", stack=stack):
        return {"lunora:stack": stack, "lunora:destination": whom, "lunora:incarnation": incarnation}

    def name(whom, stack=stack):
        return f"lunora-{stack}-{whom}"

    orphans = [
        planter.input(name("lost-input"), tags("lost-input")),
        *planter.channel(name("lost-idle"), tags("lost-idle")),
        *planter.channel(name("lost-running"), tags("lost-running"), running=True),
        planter.output(name("lost-output"), tags("lost-output")),
        # A double of a destination that streams: of a life that its ledger row knows nothing of.
        *planter.channel(name(destination), tags(destination, "77"), running=True),
    ]
    foreign = [
        # Our name without our tags, and with some of them.
        planter.input(name("no-tags"), {}),
        *planter.channel(name("no-tags-channel"), {}, running=True),
        planter.output(name("no-tags"), {}),
        planter.input(name("some-tags"), {"lunora:stack": stack, "lunora:destination": "some-tags"}),
        # Our tags with another name.
        planter.input("somebodys-input", tags("lost-input")),
        *planter.channel("somebodys-channel", tags("lost-idle")),
        planter.output("somebodys-output", tags("lost-output")),
        # Another stack's, and a destination's name that does not fit.
        *planter.channel(name("theirs", "other"), tags("theirs", stack="other")),
        planter.output(name("theirs", "other"), tags("theirs", stack="other")),
        planter.input(name("theirs"), tags("theirs", stack="other")),
        planter.input(name("one"), tags("another")),
        # What streams, and what all stand behind.
        *[each["id"] for each in show.inputs(destination) if each["id"] in channel["input_ids"]],
        channel["id"], stage.security_group,
    ]
    stage.wait_until(lambda: not any(each["state"] == "CREATING" for each in stage.simulator.state()["channels"]), 30,
                     "all planted channels to be made")
    before, since = things(stage, foreign), show.now()
    assert len(before) == len(foreign) and len(things(stage, orphans)) == len(orphans)
    try:
        with Sweeping(stage) as sweeping:
            # Seen twice, half a minute apart; then a running one has to be stopped before it is deleted.
            stage.wait_until(lambda: not things(stage, orphans), 90, "all orphans to be gone")
            count = len(sweeping.passes)
            stage.wait_until(lambda: len(sweeping.passes) >= count + 3, 30, "three more passes")
        assert things(stage, foreign) == before
        touched = [call for call in show.calls(since=since)
                   if call["resource"] in foreign and not call["operation"].startswith(("Describe", "List"))]
        assert not touched, touched
    finally:
        for each in foreign:
            if each not in (channel["id"], stage.security_group, *channel["input_ids"]):
                take_away(stage, each)


def take_away(stage, thing):
    """Removes a planted thing, whatever it is."""
    live, control = stage.boto("medialive"), stage.simulator
    state = control.state()
    channel = next((each for each in state["channels"] if each["id"] == thing), None)
    if channel:
        if channel["state"] == "RUNNING":
            control.post("by-hand", {"action": "stop_channel", "id": thing})
        stage.wait_until(lambda: live.describe_channel(ChannelId=thing)["State"] == "IDLE", 30, f"channel {thing} to be stopped")
        control.post("by-hand", {"action": "delete_channel", "id": thing})
    elif any(each["id"] == thing for each in state["inputs"]):
        stage.wait_until(lambda: live.describe_input(InputId=thing)["State"] == "DETACHED", 30, f"input {thing} to be free")
        control.post("by-hand", {"action": "delete_input", "id": thing})
    elif any(output["arn"] == thing for flow in state["flows"] for output in flow["outputs"]):
        control.post("by-hand", {"action": "remove_flow_output", "id": thing})
