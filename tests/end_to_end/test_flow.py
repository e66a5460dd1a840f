"""Two encoders and the record `flow`: who is there, who is used, and an edit that changes it."""

import time

import pytest


@pytest.fixture
def feed(show):
    """Two encoders that send, one destination on the air, and the record as nobody has touched it."""
    feed = Feed(show)
    yield feed
    feed.restore()
    show.stage.delete("flow")


class Feed:
    """The flow as the simulator knows it, and its record."""

    def __init__(self, show):
        self.show, self.stage = show, show.stage
        self.restore()
        self.stage.simulator.post("options", {"feed": "all"})
        if not self.source("primary")["primary"]:
            # What a test before preferred stays when its record is gone.
            self.stage.wait_until(lambda: self.status() in ("STANDBY", "ACTIVE"), 30, "the flow to take changes")
            self.give_priority()

    def status(self):
        """The flow's status."""
        return self.stage.simulator.state()["flows"][0]["status"]

    def give_priority(self):
        """Somebody gives the first source priority in the console."""
        self.stage.boto("mediaconnect").update_flow(FlowArn=self.stage.flow_arn, SourceFailoverConfig={
            "State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "primary"}})

    def source(self, name):
        """One source in the simulator's books."""
        return next(each for each in self.stage.simulator.state()["flows"][0]["sources"] if each["name"] == name)

    def used(self):
        """The source that feeds the flow, which no call of AWS tells."""
        return next((each["name"] for each in self.stage.simulator.state()["flows"][0]["sources"] if each["used"]), None)

    def cut(self, *names):
        """The line of these encoders breaks; gives when."""
        for name in names:
            self.show.by_hand("cut_source", self.source(name)["arn"])
        return time.monotonic()

    def restore(self, *names):
        """And is mended, that of all if none is named."""
        for name in names or ("primary", "backup"):
            self.show.by_hand("restore_source", self.source(name)["arn"])
        return time.monotonic()

    def prefer(self, **attributes):
        """The operator's edit."""
        self.stage.update("flow", **attributes)

    def wait(self, active, timeout=15, **statuses):
        """Waits until the record says who is used and where each source is; gives the record."""
        def told(record):
            there = {each["name"]: each["status"] for each in (record or {}).get("sources", [])}
            return bool(record) and record.get("active_source") == active and all(
                there.get(name) == status for name, status in statuses.items())
        return self.stage.wait_for("flow", told, timeout)

    def wait_problem(self, code, timeout=15):
        """Waits until the record shows a problem, or none."""
        return self.stage.wait_for(
            "flow", lambda record: bool(record) and (record.get("problem") or {}).get("code") == code, timeout)


def test_the_second_encoder_takes_over_and_an_edit_switches_back(show, feed):
    stage, one = show.stage, show.streaming()
    before = show.channel(one)
    record = feed.wait("primary", primary="connected", backup="connected")
    assert record["flow_status"] == "ACTIVE" and record["priority_source"] == "primary" and "problem" not in record
    feed.prefer(preferred_source="auto")
    stage.wait_until(lambda: not feed.source("primary")["primary"], 15, "the flow to have two equal sources")
    cut = feed.cut("primary")
    record = feed.wait("backup", primary="disconnected", backup="connected")
    assert time.monotonic() - cut < 5, "an operator sees it within seconds"
    assert feed.used() == "backup" and record["priority_source"] == "none"
    # The programme goes on: nobody at the destination has noticed.
    assert feed.wait_problem("source_unhealthy")["problem"]["message"].startswith("The source primary is not connected")
    after = show.whole(one)
    assert (after["id"], after["run"]) == (before["id"], before["run"])
    # It is back, and nothing flaps.
    feed.restore("primary")
    feed.wait("backup", primary="connected", backup="connected")
    feed.wait_problem(None)
    assert feed.used() == "backup"
    # Until the operator says so.
    asked = time.monotonic()
    feed.prefer(preferred_source="primary")
    record = feed.wait("primary")
    assert time.monotonic() - asked < 5 and feed.used() == "primary" and record["priority_source"] == "primary"
    assert [call["operation"] for call in show.calls() if call["operation"] == "UpdateFlow"] == ["UpdateFlow"] * 2
    assert not stage.executions("flow"), "the flow is no destination"
    assert show.whole(one)["run"] == before["run"]


def test_a_primary_source_that_is_back_is_used_at_once(show, feed):
    show.streaming()
    feed.wait("primary")
    feed.cut("primary")
    feed.wait("backup")
    feed.restore("primary")
    feed.wait("primary", primary="connected")
    assert feed.used() == "primary"


def test_nobody_sends(show, feed):
    one = show.streaming()
    feed.wait("primary")
    feed.cut("primary", "backup")
    record = feed.wait(None, primary="disconnected", backup="disconnected")
    assert record["no_input_since"] and record["problem"]["code"] == "no_input"
    feed.restore("backup")
    record = feed.wait("backup")
    assert "no_input_since" not in record
    show.stage.update(one, desired_state="removed")
    show.wait_all_gone([one])


def test_the_sweep_shows_and_sends_what_no_event_and_no_stream_has_told(show, feed):
    stage = show.stage
    stage.simulator.post("events", {"drop": 1})
    show.stage.sweep()
    one = show.put(desired_state="streaming")
    stage.wait_until(lambda: stage.sweep() and show.channels(one) and show.channel(one)["state"] == "RUNNING", 60, "it to be on the air")
    feed.cut("primary")

    def told():
        stage.sweep()
        return (stage.record("flow") or {}).get("active_source") == "backup"
    # An event that had arrived counts for half a minute; after that the look does.
    stage.wait_until(told, 60, "the sweep to tell of the second encoder")
    # The wish of a record whose stream is lost: the flow is changed behind Lunora's back instead.
    feed.prefer(preferred_source="backup")
    stage.wait_until(lambda: feed.source("backup")["primary"], 15, "the backup to have priority")
    stage.wait_until(lambda: feed.status() == "ACTIVE", 15, "the flow to take changes")
    feed.give_priority()
    stage.wait_until(lambda: stage.sweep() and feed.source("backup")["primary"], 15, "the sweep to send what the record asks for")


def test_the_record_shows_how_well_each_source_is_received(show, feed):
    stage = show.stage
    show.streaming()
    feed.wait("primary", primary="connected", backup="connected")

    def named(name, record):
        return next(each for each in record["sources"] if each["name"] == name)

    def told(name):
        def known():
            stage.sweep()
            found = named(name, stage.record("flow"))
            return found if "measured_at" in found else None
        return stage.wait_until(known, 30, f"the numbers of {name}")
    # CloudWatch gets a point in each simulated minute, which is three seconds here. Its own minutes are
    # real ones: an outage of the test before may be in the average.
    for name in ("primary", "backup"):
        source = told(name)
        assert 0 < source["bitrate"] <= 10_000_000
        assert (source["packet_loss_percent"], source["round_trip_ms"]) == (0, 40)
    # A source that is not there has none; the other's stay.
    feed.cut("backup")
    record = feed.wait("primary", backup="disconnected")
    assert named("primary", record)["bitrate"] > 0
    assert not {"bitrate", "packet_loss_percent", "round_trip_ms", "measured_at"} & set(named("backup", record))
    # It is back, and so are they.
    feed.restore("backup")
    feed.wait("primary", backup="connected")
    assert told("backup")["bitrate"] > 0


def test_a_slip_is_said_and_a_deleted_record_comes_back(show, feed):
    stage = show.stage
    stage.sweep()
    feed.prefer(preferred_source="second")
    record = feed.wait_problem("unknown_value")
    assert "primary, backup or auto" in record["problem"]["advice"]
    feed.prefer(preferred_source="primary")
    feed.wait_problem(None)
    stage.delete("flow")
    stage.wait_for("flow", lambda record: bool(record) and record["priority_source"] == "primary", 15)
    stage.put("flow", preferred_source="auto")
    record = stage.wait_for("flow", lambda record: bool(record) and record.get("priority_source") == "none", 15)
    assert record["preferred_source"] == "auto", "a whole item may be put over it"
    feed.prefer(preferred_source="primary")
    stage.wait_for("flow", lambda record: record.get("priority_source") == "primary", 15)
