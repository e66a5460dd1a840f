"""Times on a record: started in advance, stopped on time, and never interrupted by moving a time."""

from datetime import datetime, timedelta, timezone

from sweeper import Sweeping

# Seconds before start_at that a channel is started.
PREWARM = 300


def time_in(seconds):
    """A time that many seconds from now, as an operator east of Greenwich writes it."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=1))).isoformat()


def same(one, other):
    """Whether two texts are the same moment, to the second."""
    moments = [datetime.fromisoformat(text.replace("Z", "+00:00")).replace(microsecond=0) for text in (one, other)]
    return moments[0] == moments[1]


def test_a_show_starts_in_advance_and_stops_at_its_time(show):
    """Nothing exists before; the channel runs five minutes before start_at; stop_at takes it down."""
    start, stop = time_in(PREWARM + 6), time_in(PREWARM + 3600)
    one = show.put(start_at=start, stop_at=stop)
    record = show.stage.wait_for(one, lambda record: "next_start_at" in (record or {}), 20)
    assert same(record["next_start_at"], start) and same(record["next_stop_at"], stop), record
    assert record["streaming_status"] == "ready" and not show.channels(one)
    with Sweeping(show.stage):
        show.wait_streaming(one)
        record = show.stage.wait_for(one, lambda record: "next_start_at" not in record, 20)
        assert "problem" not in record, record
        # Earlier than it was: what is on the air ends at the new time.
        show.stage.update(one, stop_at=time_in(5))
        show.wait_all_gone([one])
    record = show.wait_status(one, "ready")
    assert "next_stop_at" not in record and "problem" not in record, record
    assert show.writes(one).count("StartChannel") == 1


def test_moving_or_removing_a_time_takes_nothing_off_the_air(show):
    """On the air by its start_at, it stays there whatever becomes of the times."""
    one = show.put(start_at=time_in(20), stop_at=time_in(3600))
    with Sweeping(show.stage):
        show.wait_streaming(one)
        since = show.now()
        for times in ({"start_at": time_in(7200)}, {"stop_at": time_in(-60)}, {"start_at": None, "stop_at": None}):
            show.stage.update(one, **times)
            show.wait_quiet([one])
            show.wait_status(one, "streaming")
        # A stop that was past when it was written does nothing, and is said.
        show.stage.update(one, stop_at=time_in(-60))
        show.wait_problem(one, "schedule_missed")
        show.stage.update(one, stop_at=None)
        show.wait_problem(one, None)
        assert not show.writes(one, since), show.writes(one, since)
        # A hand wins over what the schedule did.
        show.stage.update(one, enabled=False)
        show.wait_channel(one, "IDLE")


def test_a_show_that_was_over_before_anybody_saw_it_is_said_and_not_started(show):
    """start_at and stop_at in the past: nothing is started, and the record says so until it is edited."""
    one = show.put(start_at=time_in(-7200), stop_at=time_in(-3600))
    record = show.wait_problem(one, "schedule_missed")
    assert record["streaming_status"] == "ready" and not show.channels(one)
    show.stage.update(one, start_at="tomorrow", stop_at=None)
    record = show.wait_problem(one, "malformed_time")
    show.stage.update(one, start_at=None)
    show.wait_problem(one, None)
    assert not show.writes(one)
