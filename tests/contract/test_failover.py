"""Two SRT sources on one flow, through stock boto3 and in the events that EventBridge gets."""

import json

import pytest

from conftest import TIMES, Made, Simulator
from test_control import Bus, bus, wait_for  # noqa: F401 (a fixture)
from test_medialive import refused

PRIMARY = {"SourcePriority": {"PrimarySource": "primary"}}


def test_the_primary_source_is_left_and_comes_back(simulator, connect, made):
    flow, sources = made.two_sources(**PRIMARY)
    assert made.used() == ["primary"]
    assert {each["PeerIpAddress"] for each in connect.describe_flow(FlowArn=flow)["Flow"]["Sources"]} == {"203.0.113.7"}
    simulator.control("by-hand", {"action": "cut_source", "id": sources["primary"]})
    simulator.ahead(2)
    assert made.used() == ["backup"]
    described = connect.describe_flow(FlowArn=flow)
    assert described["Messages"]["Errors"] == ["Source primary Stream Error: Timeout. Please investigate the flow source."]
    assert [each.get("PeerIpAddress") for each in described["Flow"]["Sources"]] == [None, "203.0.113.7"]
    simulator.control("by-hand", {"action": "restore_source", "id": sources["primary"]})
    simulator.ahead(1)
    assert made.used() == ["primary"] and "Messages" not in connect.describe_flow(FlowArn=flow)


def test_equal_sources_stay_where_they_are(simulator, made):
    _, sources = made.two_sources()
    first = made.used()[0]
    simulator.control("by-hand", {"action": "cut_source", "id": sources[first]})
    simulator.ahead(2)
    other = made.used()
    assert other != [first]
    simulator.control("by-hand", {"action": "restore_source", "id": sources[first]})
    simulator.ahead(60)
    assert made.used() == other


def test_the_primary_source_is_changed_on_a_running_flow(connect, made):
    flow, _ = made.two_sources(**PRIMARY)
    config = {"State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "backup"}}
    answer = connect.update_flow(FlowArn=flow, SourceFailoverConfig=config)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202 and answer["Flow"]["SourceFailoverConfig"] == config
    assert made.used() == ["backup"]


@pytest.mark.parametrize("why, config", [
    ("two sources need it", {"State": "DISABLED"}),
    ("SRT never merges", {"State": "ENABLED", "FailoverMode": "MERGE"}),
    ("a stranger", {"State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "third"}}),
])
def test_failover_refused_with_400(connect, made, why, config):
    flow, _ = made.two_sources(**PRIMARY)
    refused(connect, "BadRequestException", "update_flow", FlowArn=flow, SourceFailoverConfig=config)
    assert connect.describe_flow(FlowArn=flow)["Flow"]["SourceFailoverConfig"]["SourcePriority"], why


def test_the_events_of_a_failover(bus):  # noqa: F811
    own = Simulator("--time-scale", "50", "--events", bus)
    try:
        own.control("times", TIMES)
        made = Made(own, own.client("medialive"), own.client("mediaconnect"))
        flow, sources = made.two_sources(**PRIMARY)
        wait_for(lambda: own.control("state")["events"]["sent"] == own.control("state")["events"]["made"])
        Bus.entries.clear()
        own.control("by-hand", {"action": "cut_source", "id": sources["primary"]})
        own.ahead(3)
        wait_for(lambda: any(entry["DetailType"] == "MediaConnect Alert" for entry in Bus.entries))
        own.control("by-hand", {"action": "maintain_flow", "id": flow})
        own.ahead(31)
        wait_for(lambda: any('"FINISHED"' in entry["Detail"] for entry in Bus.entries))
    finally:
        own.stop()
    told = {}
    for entry in Bus.entries:
        told.setdefault(entry["DetailType"], []).append((entry["Resources"], json.loads(entry["Detail"])))
    tr101 = {"ts_sync_loss": False, "continuity_count_error": False, "transport_error": False, "pcr_error": False}
    # Members as in the samples of MediaConnect's user guide, the alert's id as in a published run.
    assert told["MediaConnect Source Health"][0] == ([flow, sources["primary"]], {
        "unhealthy": True, "current": {"state": "DISCONNECTED", "tr101": tr101}, "previous": {"state": "CONNECTED", "tr101": tr101}})
    side = {"failover_switch": False, "source_state": "CONNECTED", "isBitrateZero": False, "tr101": tr101}
    assert told["MediaConnect Flow Health"][0] == ([flow], {
        "unhealthy": False, "current": {**side, "failover_switch": True}, "previous": side})
    resources, alert = told["MediaConnect Alert"][0]
    assert resources == [flow] and set(alert) == {"errored", "error-code", "error-id", "error-message"}
    assert [detail["currentStatus"] for _, detail in told["MediaConnect Flow Maintenance"]] == ["INPROGRESS", "FINISHED"]
