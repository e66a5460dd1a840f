"""Edits at the worst moments: whatever is done, it ends with one channel at most and as was wished last."""

import pytest

MOMENTS = ["provisioning", "creating", "warm", "starting", "streaming", "stopping", "idle", "changing", "removing"]
OTHER_URL = "rtmps://other.example.com:443/app"


def bring(show, moment):
    """A destination in the middle of something."""
    if moment == "warm":
        one = show.put(keep_warm=True)
        show.wait_status(one, "ready")
        show.wait_channel(one, "IDLE")
        return one
    one = show.put(desired_state="streaming")
    if moment == "provisioning":
        show.stage.wait_until(lambda: show.inputs(one), 30, "the input to be asked for")
    elif moment in ("creating", "starting"):
        show.wait_channel(one, moment.upper())
    else:
        show.wait_streaming(one)
    if moment in ("stopping", "idle"):
        show.stage.update(one, desired_state="ready")
    elif moment == "changing":
        show.stage.update(one, preset_id="720p30")
    elif moment == "removing":
        show.stage.update(one, desired_state="removed")
    if moment in ("stopping", "changing"):
        show.wait_channel(one, ("STOPPING", "UPDATING"))
    elif moment == "idle":
        show.wait_channel(one, "IDLE")
    elif moment == "removing":
        show.wait_channel(one, ("STOPPING", "DELETING"))
    return one


@pytest.mark.parametrize("moment", MOMENTS)
def test_deleted_at_any_moment(show, moment):
    """The item is deleted: nothing is left."""
    one = bring(show, moment)
    show.stage.delete(one)
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    assert show.stage.record(one) is None, "a mirror write must not bring the record back"
    assert show.made_channels(one) <= 1
    show.never_two(one)


@pytest.mark.parametrize("moment", MOMENTS)
def test_deleted_and_put_back_at_any_moment(show, moment):
    """The item is deleted and put back under the same id at once: one channel, and what was put is on air."""
    one = bring(show, moment)
    show.stage.delete(one)
    show.put(one, desired_state="streaming", preset_id="720p30")
    show.wait_streaming(one)
    assert show.size(one) == 720
    show.never_two(one)


def test_put_back_after_the_end_is_a_new_life(show):
    """A record put back after all was removed gets a channel of its own, never an old request's answer."""
    one = show.streaming()
    before = show.stage.ledger(one)["incarnation"]
    show.stage.delete(one)
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    show.put(one, desired_state="streaming")
    channel = show.wait_streaming(one)
    assert show.stage.ledger(one)["incarnation"] > before
    assert int(channel["tags"]["lunora:incarnation"]) > before
    assert show.made_channels(one) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_stopped_at_any_moment(show, moment):
    """A stop always wins: nothing is on air, and after the grace time nothing exists."""
    one = bring(show, moment)
    show.stage.update(one, desired_state="ready", keep_warm=False)
    show.wait_quiet([one])
    show.wait_status(one, "ready")
    assert all(channel["state"] == "IDLE" for channel in show.channels(one)), show.channels(one)
    starts = show.writes(one).count("StartChannel")
    show.end_grace(one)
    show.wait_all_gone([one])
    assert show.writes(one).count("StartChannel") == starts, "nothing is started after a stop"
    show.never_two(one)


@pytest.mark.parametrize("moment", MOMENTS)
def test_put_over_at_any_moment(show, moment):
    """A whole item is put over the record: the mirror comes back, and what is on air stays on air."""
    one = bring(show, moment)
    preset = show.stage.record(one)["preset_id"]
    runs = [channel["run"] for channel in show.channels(one)] if moment == "streaming" else None
    show.stage.put(one, **show.record(one, desired_state="streaming", preset_id=preset))
    channel = show.wait_streaming(one)
    record = show.wait_status(one, "streaming")
    assert record["channel_id"] == channel["id"] and record["input_id"] and record["mediaconnect_output_arn"]
    assert record["generation"] and "problem" not in record
    show.never_two(one)
    if runs is not None:
        assert runs == [channel["run"]], "equal attributes interrupt nothing"


@pytest.mark.parametrize("moment", MOMENTS)
def test_edited_at_any_moment(show, moment):
    """Another address while something is under way: it ends on air at the new address."""
    one = bring(show, moment)
    show.stage.update(one, rtmp_url=OTHER_URL, desired_state="streaming")
    show.stage.wait_until(lambda: show.channels(one) and show.target_url(one) == OTHER_URL, 40, "the new address to be used")
    show.wait_streaming(one)
    assert show.target_url(one) == OTHER_URL
    show.never_two(one)


@pytest.mark.parametrize("moment", ["creating", "starting", "streaming", "changing"])
@pytest.mark.parametrize("back", ["at once", "when seen", "when begun"])
def test_there_and_back(show, moment, back):
    """A -> B -> A: the end is A, whatever B had begun."""
    one = bring(show, moment)
    first, generation = show.stage.record(one)["rtmp_url"], show.stage.ledger(one)["generation"]
    on_air = show.target_url(one)
    begun = len(show.writes(one))
    show.stage.update(one, rtmp_url=OTHER_URL)
    if back == "when seen":
        show.stage.wait_until(lambda: show.stage.ledger(one)["generation"] > generation, 20, "the edit to be seen")
    elif back == "when begun":
        show.stage.wait_until(lambda: len(show.writes(one)) > begun, 20, "something to be done about it")
    show.stage.update(one, rtmp_url=first)
    show.wait_quiet([one])
    show.wait_streaming(one)
    assert show.target_url(one) == on_air
    assert show.made_channels(one) == 1
    show.never_two(one)


@pytest.mark.parametrize("edit, height", [({"preset_id": "720p30"}, 720), ({"rtmp_url": OTHER_URL}, 360)], ids=["preset", "address"])
def test_an_edit_on_air_interrupts_its_own_stream_only(show, edit, height):
    """Stop, UpdateChannel, Start of that one channel; its neighbour never leaves RUNNING."""
    one, neighbour = show.put(desired_state="streaming"), show.put(desired_state="streaming")
    channel, beside = show.wait_streaming(one), show.wait_streaming(neighbour)
    mark = show.now()
    show.stage.update(one, **edit)
    show.wait_channel(one, "STOPPING")
    after = show.wait_streaming(one)
    assert (after["id"], after["run"]) == (channel["id"], channel["run"] + 1)
    assert [each for each in show.writes(one, since=mark) if each != "UpdateFlowOutput"] == ["StopChannel", "UpdateChannel", "StartChannel"]
    assert show.size(one) == height
    if "rtmp_url" in edit:
        assert show.target_url(one) == edit["rtmp_url"]
    same = show.whole(neighbour)
    assert (same["id"], same["run"]) == (beside["id"], beside["run"]) and show.writes(neighbour, since=mark) == []


def test_a_name_is_not_on_air(show):
    """An edit of what does not go on air changes nothing there."""
    one = show.streaming()
    before, mark = show.channel(one), show.now()
    generation = show.stage.record(one)["generation"]
    show.stage.update(one, name="Another name", keep_warm=True)
    show.stage.wait_for(one, lambda record: record["generation"] > generation)
    show.wait_quiet([one])
    assert show.writes(since=mark) == [] and show.whole(one)["run"] == before["run"]


def test_a_rotated_key_waits_for_the_next_start(show):
    """A new version of the key is told and used at the next start, or at once with `retry`."""
    one = show.streaming()
    before, mark = show.channel(one), show.now()
    show.stage.put_key(one, "canary-rotated-key")
    show.stage.update(one, name="Looked at again")
    show.wait_problem(one, "change_waits_for_next_start")
    show.wait_quiet([one])
    assert show.stage.record(one)["streaming_status"] == "streaming"
    assert show.writes(since=mark) == [] and show.whole(one)["run"] == before["run"]
    show.stage.update(one, retry="now")
    show.wait_problem(one, None)
    after = show.wait_streaming(one)
    assert (after["id"], after["run"]) == (before["id"], before["run"] + 1)
    assert [each for each in show.writes(one, since=mark) if each != "UpdateFlowOutput"] == ["StopChannel", "UpdateChannel", "StartChannel"]


@pytest.mark.parametrize("wish, bad", [
    ("removed", {"platform": "nonsense"}), ("removed", {"rtmp_url": "http://192.0.2.1/x"}), ("removed", {"enabled": "maybe"}),
    ("ready", {"preset_id": "nonsense"}),
], ids=["removed, platform", "removed, address", "removed, type", "ready, preset"])
def test_off_is_not_held_back_by_a_bad_attribute(show, wish, bad):
    """A removal or a stop counts even if the same edit has something wrong with it."""
    one = show.streaming()
    show.stage.update(one, desired_state=wish, **bad)
    if wish == "ready":
        show.wait_channel(one, "IDLE")
        show.wait_quiet([one])
        show.end_grace(one)
    show.wait_all_gone([one])
    show.wait_quiet([one])
    assert show.writes(one).count("StartChannel") == 1


def test_a_bad_edit_leaves_the_stream_alone(show):
    """A refused edit of something on air: the stream goes on as it was, with the problem beside it."""
    one = show.streaming()
    before, mark = show.channel(one), show.now()
    show.stage.update(one, preset_id="nonsense")
    record = show.wait_problem(one, "unknown_preset")
    show.wait_quiet([one])
    assert record["streaming_status"] == "streaming"
    assert show.writes(since=mark) == [] and show.whole(one)["run"] == before["run"]
    show.stage.update(one, preset_id="360p30")
    show.wait_problem(one, None)
    show.wait_quiet([one])
    assert show.writes(since=mark) == [] and show.whole(one)["run"] == before["run"]


def test_retry_after_a_refusal(show):
    """AWS refuses: what was made is unmade, the reason is shown, and `retry` tries again."""
    show.stage.simulator.fault(operation="medialive:CreateChannel", kind="error_before", status=422, message="No.")
    one = show.put(desired_state="streaming")
    record = show.wait_problem(one, "refused_by_aws")
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    assert show.wait_status(one, "error")["generation"] == record["generation"]
    assert "CreateChannel" in record["problem"]["message"]
    show.stage.sweep()
    show.wait_quiet([one])
    assert show.channels(one) == [], "a refusal is not tried again by itself"
    show.stage.update(one, retry=1)
    show.wait_streaming(one)
    assert "problem" not in show.stage.record(one)


def test_a_slip_in_a_role_tears_nothing_down(show):
    """A call of ours is denied: it is stuck, says which call, keeps what it has, and `retry` goes on from there."""
    show.stage.simulator.fault(operation="medialive:CreateChannel", kind="forbidden")
    one = show.put(desired_state="streaming")
    record = show.wait_problem(one, "missing_permission")
    show.wait_quiet([one])
    assert record["streaming_status"] == "stuck" and "CreateChannel" in record["problem"]["message"]
    kept = show.inputs(one)[0]["id"]
    show.stage.update(one, retry=1)
    show.wait_streaming(one)
    assert show.inputs(one)[0]["id"] == kept and "problem" not in show.stage.record(one)


def test_stopped_by_hand(show):
    """Somebody stops the channel in the console: it is started again, and counts as a start."""
    one = show.streaming()
    channel = show.channel(one)
    show.by_hand("stop_channel", channel["id"])
    show.wait_channel(one, "STARTING")
    after = show.wait_streaming(one)
    assert (after["id"], after["run"]) == (channel["id"], channel["run"] + 1)
    assert len(show.stage.ledger(one)["starts"]) == 2


def test_deleted_by_hand(show):
    """Somebody stops and deletes the channel, and no event tells of it: the sweep has it made again."""
    one = show.streaming()
    channel = show.channel(one)
    show.stage.simulator.post("events", {"drop": 1})
    show.by_hand("stop_channel", channel["id"])
    show.wait_channel(one, "IDLE")
    show.by_hand("delete_channel", channel["id"])
    show.stage.wait_until(lambda: not show.channels(one), 20, "the channel to be deleted")
    show.stage.simulator.post("events", {"drop": 0})
    show.stage.sweep()
    show.stage.wait_until(lambda: show.channels(one), 20, "another channel")
    after = show.wait_streaming(one)
    assert after["id"] != channel["id"] and show.made_channels(one) == 2
    show.never_two(one)


def test_warm_and_deleted_by_hand(show):
    """What is kept warm and was deleted by hand is made again."""
    one = bring(show, "warm")
    show.wait_quiet([one])
    channel = show.channel(one)
    show.by_hand("delete_channel", channel["id"])
    show.stage.wait_until(lambda: show.channels(one) and show.channel(one)["id"] != channel["id"], 40, "another channel")
    show.wait_channel(one, "IDLE")
    show.wait_quiet([one])
    show.whole(one, "IDLE")


@pytest.mark.parametrize("action", ["remove_flow_output", "disable_flow_output"])
def test_output_taken_away_by_hand(show, action):
    """The channel is fed again without leaving RUNNING."""
    one = show.streaming()
    before = show.channel(one)
    show.by_hand(action, show.outputs(one)[0]["arn"])
    show.stage.wait_until(lambda: not any(each["status"] == "ENABLED" for each in show.outputs(one)), 20, "the output to be gone")
    show.stage.sweep()
    show.stage.wait_until(lambda: show.outputs(one) and show.outputs(one)[0]["status"] == "ENABLED", 20, "the output to be back")
    show.wait_quiet([one])
    after = show.whole(one)
    assert (after["id"], after["run"]) == (before["id"], before["run"])
    assert show.stage.record(one)["mediaconnect_output_arn"] == show.outputs(one)[0]["arn"]


def test_three_starts_and_no_more(show):
    """A channel that falls back to IDLE at each start is started three times, then a person is needed."""
    show.stage.simulator.fault(operation="medialive:StartChannel", kind="falls_back_to_idle", every=True)
    one = show.put(desired_state="streaming")
    record = show.wait_problem(one, "start_failed", 60)
    assert record["streaming_status"] == "stuck"
    show.wait_quiet([one])
    assert show.writes(one).count("StartChannel") == 3
    show.stage.replay(one)
    show.stage.sweep()
    show.wait_quiet([one])
    assert show.writes(one).count("StartChannel") == 3, "neither a replay nor the sweep starts it a fourth time"
    assert show.channel(one)["state"] == "IDLE"
    show.stage.simulator.delete("faults")
    show.stage.update(one, retry="again")
    show.wait_streaming(one)
    assert show.made_channels(one) == 1
