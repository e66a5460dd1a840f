"""A platform that does not take the stream: over to the backup, and back only when somebody says so.

The times of waiting are Lunora's own (debounce and grace, some 30 seconds) and run by the real clock.
"""

from conftest import SCALE


def host_of(show, one):
    """Where the channel pushes to."""
    return show.target_url(one).split("://")[1].split(":")[0]


def slowly(show):
    """MediaLive gives an output up after 215 s, which at this pace is longer than Lunora's own times."""
    show.stage.simulator.post("clock", {"scale": 3})


def platform(show, host, word):
    """Sets what a platform does from now on: up, refuses or closes."""
    show.stage.simulator.post("platforms", {host: word})


def test_a_platform_that_refuses_is_left_for_the_backup_and_nothing_flaps(show):
    """Stop, update, start on the backup, said in the record; no way back but retry; others notice nothing."""
    bystander = show.streaming()
    one = show.new_id()
    primary, backup = f"a-{one}.example.com", f"b-{one}.example.com"
    show.put(one, desired_state="streaming", rtmp_url=f"rtmps://{primary}/live",
             failover_enabled=True, backup_rtmp_url=f"rtmps://{backup}/live")
    show.wait_streaming(one)
    assert show.stage.record(one)["current_url_type"] == "primary" and host_of(show, one) == primary
    since = show.now()
    try:
        slowly(show)
        platform(show, primary, "refuses")
        record = show.wait_problem(one, "rtmp_failed", 60)
        assert record["streaming_status"] == "streaming" and "next_try_at" in record, record
        record = show.stage.wait_for(
            one, lambda record: record.get("current_url_type") == "backup" and record["streaming_status"] == "streaming", 90)
        show.stage.simulator.post("clock", {"scale": SCALE})
        assert record["problem"]["code"] == "on_backup" and record["attempt"] == 2 and record["attempts_max"] == 4, record
        assert host_of(show, one) == backup
        assert show.writes(one, since).count("StartChannel") == 1 and show.writes(one, since).count("UpdateChannel") == 1
        # The primary is back: that alone changes nothing.
        platform(show, primary, "up")
        show.stage.sweep()
        show.wait_quiet([one])
        assert host_of(show, one) == backup and show.writes(one, since).count("StartChannel") == 1
        show.stage.update(one, retry="to the primary")
        show.stage.wait_for(one, lambda record: record.get("current_url_type") == "primary", 60)
        show.wait_streaming(one)
        record = show.wait_problem(one, None)
        assert host_of(show, one) == primary and "attempt" not in record, record
        assert not show.writes(bystander, since), "a bystander noticed"
        assert show.made_channels(one) == 1
    finally:
        platform(show, primary, "up")


def test_a_wrong_key_is_said_and_heals_when_it_is_corrected(show):
    """The platform closes the connection: a problem that says so; a new key and a touch of the record heal it."""
    one = show.new_id()
    host = f"a-{one}.example.com"
    platform(show, host, "closes")
    try:
        show.put(one, desired_state="streaming", rtmp_url=f"rtmps://{host}/live")
        record = show.wait_problem(one, "rtmp_failed", 60)
        assert record["streaming_status"] == "streaming" and record["attempt"] == 1, record
        assert "key" in record["problem"]["advice"]
        # Stopping and starting by hand is always possible meanwhile.
        show.stage.put_key(one, f"canary-{one}-the-right-key")
        platform(show, host, "up")
        show.stage.update(one, retry="the key was wrong")
        show.stage.wait_until(lambda: show.writes(one).count("StartChannel") == 2, 60, "a start with the new key")
        show.wait_streaming(one)
        show.wait_problem(one, None)
    finally:
        platform(show, host, "up")


def test_every_way_out_of_a_stream_that_nobody_takes(show):
    """Without a backup it goes on trying; a stop, a removal and another address work at once."""
    ids = [show.new_id() for _ in range(3)]
    stopped, removed, edited = ids
    hosts = {one: f"a-{one}.example.com" for one in ids}
    for one, host in hosts.items():
        platform(show, host, "refuses")
    try:
        for one, host in hosts.items():
            show.put(one, desired_state="streaming", rtmp_url=f"rtmps://{host}/live")
        for one in ids:
            show.wait_status(one, "streaming")
        slowly(show)
        for one in ids:
            show.wait_problem(one, "rtmp_failed", 60)
        show.stage.simulator.post("clock", {"scale": SCALE})
        show.stage.update(stopped, desired_state="ready")
        show.stage.update(removed, desired_state="removed")
        show.stage.update(edited, rtmp_url=f"rtmps://c-{edited}.example.com/live")
        show.wait_channel(stopped, "IDLE")
        show.wait_all_gone([removed])
        show.wait_streaming(edited)
        for one in ids:
            show.wait_problem(one, None)
    finally:
        for host in hosts.values():
            platform(show, host, "up")
