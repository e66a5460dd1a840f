"""The sixth channel at a quota of five: it waits, says so, and goes on when one frees."""

import pytest


@pytest.mark.parametrize("answer", ["403", "400", "429"])
def test_the_sixth_waits_and_goes_on(show, answer):
    """Nothing is left half made while it waits; the five others are not touched; a freed place is used."""
    # MediaLive's answer is not documented, so each that is thinkable must do.
    show.stage.simulator.post("options", {"over_quota": answer})
    show.stage.simulator.post("quotas", {"channels": 5, "push_inputs": 6})
    five = [show.put(desired_state="streaming") for _ in range(5)]
    before = {one: show.wait_streaming(one) for one in five}
    mark = show.now()
    sixth = show.put(desired_state="streaming")
    record = show.wait_problem(sixth, "waiting_for_quota")
    assert record["streaming_status"] == "starting"
    show.stage.wait_gone(sixth)
    show.wait_quiet([sixth])
    assert show.wait_problem(sixth, "waiting_for_quota")["streaming_status"] == "starting"

    # What was refused before anybody counted gets one try of its own; from then on it is counted.
    show.stage.sweep()
    show.wait_quiet([sixth])
    tried = len([call for call in show.calls(since=mark) if call["operation"] == "CreateChannel"])
    assert tried <= 2
    show.stage.sweep()
    show.stage.sweep()
    show.wait_quiet([sixth])
    assert len([call for call in show.calls(since=mark) if call["operation"] == "CreateChannel"]) == tried, "nothing has freed"

    show.stage.update(five[0], desired_state="removed")
    show.stage.wait_gone(five[0])
    show.wait_quiet(five)
    show.stage.sweep()  # unless the scheduled one was faster
    show.wait_streaming(sixth)
    assert "problem" not in show.stage.record(sixth)
    for one in five[1:]:
        after = show.whole(one)
        assert (after["id"], after["run"]) == (before[one]["id"], before[one]["run"])
        assert show.writes(one, since=mark) == []


def test_a_grace_time_ends_for_whom_waits(show):
    """A stopped destination's resources are given up at once when another waits for room."""
    show.stage.simulator.post("quotas", {"channels": 1, "push_inputs": 1})
    first = show.streaming()
    second = show.put(desired_state="streaming")
    show.wait_problem(second, "waiting_for_quota")
    show.wait_quiet([second])
    show.stage.sweep()  # counts what is there
    show.stage.update(first, desired_state="ready")
    show.wait_status(first, "ready")
    show.wait_quiet([first])

    def on_air():
        show.stage.sweep()
        return [channel for channel in show.channels(second) if channel["state"] == "RUNNING"]
    show.stage.wait_until(on_air, 40, "the waiting one to be on air")
    show.wait_streaming(second)
    assert show.channels(first) == []


def test_a_waiting_one_can_be_stopped(show):
    """Waiting for room ends with the wish."""
    show.stage.simulator.post("quotas", {"channels": 1})
    show.streaming()
    second = show.put(desired_state="streaming")
    show.wait_problem(second, "waiting_for_quota")
    show.stage.update(second, desired_state="ready")
    show.wait_problem(second, None)
    record = show.wait_status(second, "ready")
    show.stage.wait_gone(second)
    assert "channel_id" not in record


def test_waiting_goes_in_turn(show):
    """The longest waiter comes first."""
    show.stage.simulator.post("quotas", {"channels": 1})
    first = show.streaming()
    waiting = []
    for _ in range(2):
        waiting.append(show.put(desired_state="streaming"))
        show.wait_problem(waiting[-1], "waiting_for_quota")
        show.stage.wait_gone(waiting[-1])
        show.wait_quiet(waiting)
    # Counts what is there, and gives each its one try of its own: who is at work is not in the line.
    for _ in waiting:
        show.stage.sweep()
        show.wait_quiet(waiting)
    show.stage.update(first, desired_state="removed")

    def on_air():
        show.stage.sweep()
        return [one for one in waiting if show.channels(one)]
    assert show.stage.wait_until(on_air, 40, "one of the waiting to get the room") == waiting[:1]
    show.wait_streaming(waiting[0])
    assert show.wait_problem(waiting[1], "waiting_for_quota") and not show.channels(waiting[1])
