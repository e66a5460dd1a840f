"""Limits that act: warned first, then stopped and deleted, and off until somebody edits the record."""

from letters import about
from sweeper import Sweeping


def hours(seconds):
    """Seconds as an attribute in hours; a String is as good as a Number."""
    return f"{seconds / 3600:.6f}"


def gone_with(show, one, code):
    """Waits until everything of it is gone, for that reason; gives the record."""
    show.wait_all_gone([one])
    show.wait_quiet([one])
    record = show.wait_problem(one, code)
    assert record["streaming_status"] == "error" and "channel_id" not in record, record
    return record


def test_the_longest_session_is_warned_of_and_then_ends(show, mail):
    """Stopped and deleted with the reason, and people are told once when it is near and once when it has acted;
    it stays off until it is edited, and a hold keeps the limit off."""
    one = show.put(desired_state="streaming", session_hours_max=hours(25))
    with Sweeping(show.stage):
        show.wait_status(one, "streaming")
        record = show.wait_problem(one, "cap_warning")
        assert "session_hours_max" in record["problem"]["message"], record
        gone_with(show, one, "cap_session")
        show.stage.wait_until(lambda: len(about(mail, one)) > 1, 30, "two messages about the limit")
        since = show.now()
        show.stage.sweep()
        show.wait_quiet([one])
        assert not show.writes(one, since)
        show.stage.update(one, hold=True)
        show.wait_streaming(one)
        record = show.wait_problem(one, None)
        show.stage.update(one, hold=False, session_hours_max=1)
        show.wait_quiet([one])
        show.wait_status(one, "streaming")
    assert show.writes(one).count("StartChannel") == 2
    told = about(mail, one)
    assert sorted(subject for subject, _ in told) == [
        f"Lunora critical: {one}: session_hours_max has ended it", f"Lunora warning: {one}: session_hours_max is near"], told
    assert all("What to do: " in text and "rtmp" not in text for _, text in told), told


def test_a_budget_that_does_not_pay_for_a_start_starts_nothing(show):
    """Ten minutes are billed for every start: less than that is no budget. More of it, and it goes on."""
    one = show.put(desired_state="streaming", budget_usd_per_day="0.01")
    record = show.wait_problem(one, "cap_budget_day")
    assert record["streaming_status"] == "error" and not show.channels(one)
    assert "StartChannel" not in show.writes(one)
    show.stage.update(one, budget_usd_per_day=5)
    show.wait_streaming(one)
    show.wait_problem(one, None)
    # What was spent is in the table of sessions: a month's budget below it ends the stream.
    show.stage.update(one, budget_usd_per_month="0.02")
    gone_with(show, one, "cap_budget_month")


def test_not_enabled_stops_and_a_stop_is_always_possible(show):
    """Whatever a limit did, the record's own words go on to count."""
    one = show.put(desired_state="streaming", budget_usd_per_day="0.01")
    show.wait_problem(one, "cap_budget_day")
    show.stage.update(one, desired_state="ready")
    show.wait_problem(one, None)
    two = show.streaming()
    show.stage.update(two, enabled=False)
    show.wait_channel(two, "IDLE")
    show.wait_status(two, "ready")


def test_a_feed_that_stays_away_ends_the_stream(show):
    """No input is said, warned of, and then everything is gone; with the encoder back an edit starts it again."""
    one = show.streaming(no_input_minutes_max="0.5")
    show.stage.simulator.post("options", {"feed": "off"})
    try:
        with Sweeping(show.stage):
            record = show.wait_problem(one, "no_input", 60)
            assert record["streaming_status"] == "streaming", record
            gone_with(show, one, "cap_no_input")
            show.stage.simulator.post("options", {"feed": "on"})
            show.stage.update(one, retry="the encoder is back")
            show.wait_streaming(one)
            show.wait_problem(one, None)
    finally:
        show.stage.simulator.post("options", {"feed": "on"})
